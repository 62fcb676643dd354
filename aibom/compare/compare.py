"""The comparison: for every observed component whether somebody declared it, and what if not."""

import hashlib
from collections.abc import Sequence

from aibom.compare import kinds
from aibom.compare.concerns import concerning
from aibom.compare.join import ClaimIndex, Joined
from aibom.compare.tools import changed_tools
from aibom.types.declared import Document
from aibom.types.facts import OriginKind
from aibom.types.findings import Assessment, Finding, FindingKind, Severity, Verdict
from aibom.types.inventory import Component, Inventory
from aibom.types.words import PLACES, came_from, shown_by

#: Origins that were not there when the image was built.
_ARRIVED: frozenset[OriginKind] = frozenset({"writable-layer", "memory", "deleted"})


def compare(inventory: Inventory, documents: Sequence[Document] | None) -> Assessment:
    """Return the verdict for each component and the findings, both in the inventory's order.

    ``documents`` are all that say what should be there; None when none was given, which is not
    the same as one that claims nothing: then the image itself is what was promised.
    """
    claims = None if documents is None else tuple(c for d in documents for c in d.claims)
    index = ClaimIndex(claims) if claims is not None else None
    joins = {c.ref: index.find(c) if index else None for c in inventory.components}
    named = {ref: joined for ref, joined in joins.items() if joined is not None}
    by_ref = {c.ref: c for c in inventory.components}
    verdicts: list[Verdict] = []
    findings: list[tuple[Component, Finding]] = []
    for component in inventory.components:
        joined = named.get(component.ref) or _by_package(component, named, by_ref)
        verdict, finding = _judge(component, joined, given=index is not None)
        verdicts.append(verdict)
        if finding is not None:
            findings.append((component, finding))
    found = {component.ref for component, _ in findings}
    # one finding per cause: what a package brings along is part of the package's own finding
    kept = tuple(f for component, f in findings if component.within not in found)
    drifted = changed_tools(inventory, claims or ())
    return Assessment(tuple(verdicts), (*kept, *drifted, *concerning(inventory)))


def _by_package(
    component: Component, named: dict[str, Joined], by_ref: dict[str, Component]
) -> Joined | None:
    """Return the claim that names the package of a part, if the part came with the package."""
    package = by_ref.get(component.within)
    if package is None or package.origin.kind != component.origin.kind:
        return None
    return named.get(package.ref)


def _judge(
    component: Component, joined: Joined | None, *, given: bool
) -> tuple[Verdict, Finding | None]:
    origin = component.origin.kind
    if component.kind == "image":
        return Verdict(component.ref, "true", "named by the container runtime"), None
    if component.kind == "device":
        return Verdict(component.ref, "unknown", "hardware of the node, which no image has"), None
    if joined is not None:
        return _named(component, joined)
    if given:
        kind = kinds.NOT_IN_SBOM if origin == "image-layer" else kinds.UNDECLARED[component.kind]
        reason = f"nothing declared names it, and it comes from {PLACES[origin]}"
        severity = _severity_against_claims(component)
        return Verdict(component.ref, "false", reason), _finding(component, kind, severity, reason)
    return _without_claims(component)


def _named(component: Component, joined: Joined) -> tuple[Verdict, Finding | None]:
    verdict = Verdict(component.ref, "true", f"{joined.claim.document} names it by {joined.by}")
    if component.origin.kind not in _ARRIVED:
        return verdict, None
    reason = f"{verdict.reason}, yet it comes from {PLACES[component.origin.kind]}"
    return verdict, _finding(component, kinds.OUTSIDE_IMAGE, "low", reason)


def _severity_against_claims(component: Component) -> Severity:
    origin = component.origin.kind
    if origin in _ARRIVED:
        return "high"
    return "high" if origin == "volume" and component.kind in ("model", "adapter") else "medium"


def _without_claims(component: Component) -> tuple[Verdict, Finding | None]:
    """Judge by the image alone: what is in its layers is declared by it, what arrived is not."""
    origin = component.origin.kind
    if origin == "image-layer":
        return Verdict(component.ref, "true", "part of the image"), None
    if origin in ("host", "unknown"):
        return Verdict(component.ref, "unknown", "nothing was given to compare with"), None
    reason = f"it comes from {PLACES[origin]}, not from the image, and no SBOM was given"
    severity: Severity = "high" if origin in _ARRIVED else "medium"
    kind = kinds.UNDECLARED[component.kind]
    return Verdict(component.ref, "false", reason), _finding(component, kind, severity, reason)


def _finding(component: Component, kind: FindingKind, severity: Severity, reason: str) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        ref=component.ref,
        component=component.name,
        evidence=_sentence(component),
        reason=reason,
        remedy=_remedy(component, kind),
        fingerprint=_fingerprint(kind, component),
    )


def _sentence(component: Component) -> str:
    if not component.evidence:
        return "no evidence is recorded"
    first = component.telling[0]
    others = len(component.evidence) - 1
    more = f" (and {others} more)" if others else ""
    # a BOM that is read again says in one sentence how it was seen and where it came from
    place = f", {came_from(first)}" if first.pid else ""
    return f"{first.path} {shown_by(first)}{place}{more}"


def _remedy(component: Component, kind: FindingKind) -> str:
    if kind == kinds.OUTSIDE_IMAGE:
        return "build it into the image, or mount it from a volume that is reviewed"
    if kind == kinds.NOT_IN_SBOM:
        return "make the image's SBOM again with a tool that sees it, or add it by its SHA-256"
    if component.purl:
        return f"declare {component.purl} in the SBOM, or take it out of the workload"
    if component.sha256:
        return f"declare SHA-256 {component.sha256} in the SBOM, or stop the load"
    return "declare its files by their SHA-256 in the SBOM, or stop the load"


def _fingerprint(kind: FindingKind, component: Component) -> str:
    """Return what names this finding in other runs: no process id, no time, no pod name."""
    parts = (kind.id, component.ref, component.origin.kind)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
