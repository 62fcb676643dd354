"""Findings in the making: their words, evidence, remedies and fingerprints."""

import hashlib

from aibom.compare import kinds
from aibom.compare.references import references_of
from aibom.types.findings import Closest, Finding, FindingKind, Severity
from aibom.types.inventory import Component, Evidence
from aibom.types.words import came_from, shown_by

#: Most steps of evidence that a finding tells; the BOM has all of it.
MAX_STEPS = 10


def finding_of(
    component: Component,
    kind: FindingKind,
    severity: tuple[Severity, str],
    reason: str,
    closest: Closest | None = None,
) -> Finding:
    """Return a finding about a component; ``severity`` comes with the reason why it is so."""
    return Finding(
        kind=kind,
        severity=severity[0],
        ref=component.ref,
        component=" ".join(filter(None, (component.name, component.version))),
        evidence=_sentence(component),
        reason=reason,
        remedy=_remedy(component, kind, closest),
        fingerprint=fingerprint(kind, component.ref, component.origin.kind),
        because=severity[1],
        chain=_chain(component),
        closest=closest,
        references=references_of(kind.name, component.kind),
        document=closest.document if closest else "",
        line=closest.line if closest else 0,
        earlier=earlier(component, kind, component.origin.kind),
    )


def earlier(component: Component, kind: FindingKind, *parts: str) -> tuple[str, ...]:
    """Return the fingerprints of a finding from before its component's content was known.

    ``parts`` are those that follow the ref in the finding's own fingerprint.
    """
    refs = (ref for ref in component.provisional if ref != component.ref)
    return tuple(fingerprint(kind, ref, *parts) for ref in refs)


def fingerprint(kind: FindingKind, *parts: str) -> str:
    """Return what names a finding in other runs: no process id, no time, no pod name."""
    joined = "\0".join((kind.id, *parts)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(joined).hexdigest()[:32]


def _sentence(component: Component) -> str:
    if not component.evidence:
        return "no evidence is recorded"
    others = len(component.evidence) - 1
    more = f" (and {others} more)" if others else ""
    return f"{_step(component.telling[0])}{more}"


def _step(evidence: Evidence) -> str:
    # a BOM that is read again says in one sentence how it was seen and where it came from
    place = f", {came_from(evidence)}" if evidence.pid else ""
    return f"{evidence.path} {shown_by(evidence)}{place}"


def _chain(component: Component) -> tuple[str, ...]:
    """Return how it was seen, how it arrived, and what brought it, one step each."""
    seen = [_step(e) for e in component.telling[:MAX_STEPS]]
    arrived = [value for name, value in component.properties if name == "aibom:arrival"]
    return tuple((seen + arrived)[:MAX_STEPS])


def _remedy(component: Component, kind: FindingKind, closest: Closest | None) -> str:
    where = closest.document if closest else "the SBOM"
    if kind in _REMEDIES:
        return _REMEDIES[kind].format(document=where)
    if component.purl:
        return f"declare {component.purl} in {where}, or take it out of the workload"
    if component.sha256:
        return f"declare SHA-256 {component.sha256} in {where}, or stop the load"
    return f"declare its files by their SHA-256 in {where}, or stop the load"


_REMEDIES = {
    kinds.OUTSIDE_IMAGE: "build it into the image, or mount it from a volume that is reviewed",
    kinds.NOT_IN_SBOM: "make the image's SBOM again with a tool that sees it, or add it to it",
    kinds.MODIFIED: "find out who changed it, restart from the image, and mount it read-only",
    kinds.DIFFERENT_VERSION: "run the version that {document} declares, or declare this one",
    kinds.DIFFERENT_REVISION: (
        "pin the load to the commit that {document} declares (revision=...), or declare this one"
    ),
    kinds.DIFFERENT_CONTENT: (
        "do not use it before it is known why it differs; then declare its SHA-256 in {document}"
    ),
    kinds.DIFFERENT_LICENCE: "ask who knows which licence holds, and correct {document}",
    kinds.DIFFERENT_BASE: "load it on the base model that {document} declares, or correct that",
    kinds.UNVERIFIABLE: "let aibom hash it (see its unseen records), then compare again",
}
