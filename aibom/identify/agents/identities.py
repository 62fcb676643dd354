"""Who a workload can act as, as services that its agents and servers depend on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aibom.identify.features import Witness
from aibom.identify.network.destinations import MAX_ACCOUNTS
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Service
from aibom.types.processes import Container, Identity, IdentityKind

#: The role of a service that stands for an identity.
ROLE = "identity"

_CLOUDS: Mapping[IdentityKind, str] = {
    "aws-role": "Amazon Web Services",
    "aws-pod-identity": "Amazon Web Services",
    "azure-workload-identity": "Microsoft Azure",
    "gcp-service-account": "Google Cloud",
    "kubernetes-service-account": "Kubernetes",
}


def identities_of(
    members: Iterable[ProcessFacts], containers: Mapping[str, Container]
) -> list[Service]:
    """Return one service for each identity that is at hand in a workload, sorted by ref.

    What is at hand is not what was used: nobody saw a token being shown to anybody.
    """
    found: dict[str, Service] = {}
    for member in members:
        witness = Witness(member, containers.get(member.process.cgroup.container_id))
        for identity in member.identities:
            # the document is in the workload's hands: what it says is a claim
            seen = witness.saw("at hand", identity.source, "manifest-analysis", 80, None)
            service = found.setdefault(_ref(identity), _service(identity))
            found[service.ref] = replace(service, evidence=(*service.evidence, seen))
    cut = (replace(s, evidence=tuple(sorted(s.evidence)[:MAX_ACCOUNTS])) for s in found.values())
    return sorted(cut, key=lambda s: s.ref)


def _ref(identity: Identity) -> str:
    return f"identity:{identity.kind}:{identity.issuer}:{identity.subject}"


def _service(identity: Identity) -> Service:
    pairs = [
        ("aibom:identity:kind", identity.kind),
        ("aibom:identity:claim", "at hand"),
        ("aibom:identity:issuer", identity.issuer),
    ]
    return Service(
        ref=_ref(identity),
        name=identity.subject,
        component="",
        transport="",
        role=ROLE,
        provider=_CLOUDS[identity.kind],
        properties=tuple((name, value) for name, value in pairs if value),
    )
