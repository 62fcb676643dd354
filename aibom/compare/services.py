"""What a workload talks to and nobody declared: APIs of models, MCP servers, sources."""

from collections.abc import Mapping
from typing import NamedTuple

from aibom.compare import kinds
from aibom.compare.index import ClaimIndex
from aibom.compare.making import fingerprint
from aibom.compare.references import REFERENCES
from aibom.formats.net.urls import host_of
from aibom.types.declared import Claim, ClaimKind
from aibom.types.findings import Finding, FindingKind, Severity
from aibom.types.inventory import Inventory, Service
from aibom.types.words import shown_by


class _Promise(NamedTuple):
    claim: ClaimKind
    kind: FindingKind
    remedy: str


# by the role of a destination, which is the kind of the rule that names it
_PROMISES: Mapping[str, _Promise] = {
    "model-api": _Promise(
        "model-api",
        kinds.UNDECLARED_API,
        "declare it as a service in the SBOM or allow it in the policy, or close the way to it",
    ),
    "mcp-endpoint": _Promise(
        "mcp-server",
        kinds.UNDECLARED["mcp-server"],
        "add it to the client's configuration or to the policy, or close the way to it",
    ),
    "model-hub": _Promise(
        "source",
        kinds.UNDECLARED_SOURCE,
        "put what is downloaded into the image, or allow this source in the policy",
    ),
    "package-registry": _Promise(
        "source",
        kinds.UNDECLARED_SOURCE,
        "install packages when the image is built, or allow this source in the policy",
    ),
}


def undeclared_services(inventory: Inventory, index: ClaimIndex) -> list[Finding]:
    """Return a finding for each destination of AI software that no claim names.

    A server of the workload is a component, and judged as one. Where no document says anything
    of such destinations, as no SBOM of an image does, that alone is little reason for alarm.
    """
    found = []
    for service in inventory.services:
        promise = None if service.component else _PROMISES.get(service.role)
        if promise is not None and not _named(service, promise, index):
            found.append(_finding(service, promise, index))
    return found


def hosts_of(service: Service) -> frozenset[str]:
    """Return the host names of a destination, in lower case."""
    hosts = {host_of(endpoint) for endpoint in service.endpoints}
    hosts.add(host_of(f"//{_place(service)}"))
    return frozenset(hosts - {""})


def _place(service: Service) -> str:
    # service:PREFIX:HOST:PORT; the place is what was talked to, also where the name is a product's
    return ":".join(service.ref.split(":")[2:]) if service.ref.startswith("service:") else ""


def _named(service: Service, promise: _Promise, index: ClaimIndex) -> Claim | None:
    for host in sorted(hosts_of(service)):
        for claim in index.by_host.get(host, ()):
            # the services of other tools' documents do not say what they are
            if claim.kind in (promise.claim, "source"):
                return claim
    before = index.by_ref.get(service.ref)
    return before if before is not None and before.kind == promise.claim else None


def _finding(service: Service, promise: _Promise, index: ClaimIndex) -> Finding:
    severity: Severity = "low"
    because = "no document that was given speaks of such destinations"
    if index.speaks_of((promise.claim,)):
        severity, because = "medium", "the documents name others, and not this one"
    steps = tuple(f"{e.path} {shown_by(e)}" for e in service.evidence[:5])
    return Finding(
        kind=promise.kind,
        severity=severity,
        ref=service.ref,
        component=service.name,
        evidence=steps[0] if steps else ", ".join(service.endpoints) or service.name,
        reason=f"the workload talks to it, and nothing declared names {_said(service)}",
        remedy=promise.remedy,
        fingerprint=fingerprint(promise.kind, service.ref),
        because=because,
        chain=steps,
        references=REFERENCES.get(promise.kind.name, ()),
    )


def _said(service: Service) -> str:
    return ", ".join(sorted(hosts_of(service))) or service.name
