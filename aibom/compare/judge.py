"""The verdict on one component, and the finding that comes of it."""

from typing import NamedTuple

from aibom.compare import kinds
from aibom.compare.differences import differences
from aibom.compare.index import ClaimIndex
from aibom.compare.join import Joined, paths_of
from aibom.compare.making import finding_of
from aibom.compare.nearest import Near, cannot_tell, nearest
from aibom.types.files import ARRIVED
from aibom.types.findings import Finding, FindingKind, Severity, Verdict
from aibom.types.inventory import Component
from aibom.types.words import PLACES


class Judgement(NamedTuple):
    """What is said of one component."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()


def exempt(component: Component) -> Judgement | None:
    """Judge what no document can declare: the image itself, and hardware."""
    if component.kind == "image":
        return Judgement(Verdict(component.ref, "true", "named by the container runtime"))
    if component.kind == "device":
        reason = "hardware of the node, which no image has"
        return Judgement(Verdict(component.ref, "unknown", reason))
    return None


def declared(component: Component, joined: Joined, index: ClaimIndex) -> Judgement:
    """Judge what a claim names: it may still have arrived late, or differ in what was promised."""
    claim, place = joined.claim, PLACES[component.origin.kind]
    verdict = Verdict(component.ref, "true", f"{claim.document} names it by {joined.by}")
    found = differences(component, joined)
    if component.origin.kind in ARRIVED and not joined.here:
        found = (_arrived(component, f"{verdict.reason}, yet it comes from {place}", index), *found)
    return Judgement(verdict, found)


def _arrived(component: Component, reason: str, index: ClaimIndex) -> Finding:
    paths = [path for path in paths_of(component) if index.image_file(path, component.containers)]
    hidden = component.origin.replaces
    # of a model the content is known, and it is the declared one
    if (paths or hidden) and not component.files:
        told = f"{reason}, and the image has a file at the same path ({hidden or paths[0]})"
        because = "a file of the image was written to or replaced while the container ran"
        return finding_of(component, kinds.MODIFIED, ("medium", because), told)
    because = "it is what was declared, and only the way it came is not"
    return finding_of(component, kinds.OUTSIDE_IMAGE, ("low", because), reason)


def undeclared(component: Component, index: ClaimIndex) -> Judgement:
    """Judge what no claim names: it may differ from what was promised, or be something else."""
    if doubt := cannot_tell(component, index):
        return _unverifiable(component, doubt)
    near = nearest(component, index)
    if not (near and near.kind) and not index.speaks_for(component):
        return _unspoken(component)
    kind = near.kind if near and near.kind else _kind(component, index)
    if kind in kinds.UNDECLARED.values() and component.origin.replaces:
        kind = kinds.MODIFIED
    reason = _reason(component, near, index)
    severity = _severity(component, kind)
    finding = finding_of(component, kind, severity, reason, near.closest if near else None)
    return Judgement(Verdict(component.ref, "false", reason), (finding,))


def _unspoken(component: Component) -> Judgement:
    """Judge what no document would name: by the image alone, and what makes AI is worth a word."""
    alone = by_image_alone(component, "no document that was given speaks of such things")
    if alone.findings or component.kind in ("package", "framework"):
        return alone
    because = "no document that was given speaks of such things"
    reason = f"nothing declared names it, and it comes from {PLACES[component.origin.kind]}"
    kind = kinds.UNDECLARED[component.kind]
    finding = finding_of(component, kind, ("low", because), reason)
    return Judgement(Verdict(component.ref, "unknown", because), (finding,))


def _kind(component: Component, index: ClaimIndex) -> FindingKind:
    in_image = component.origin.kind == "image-layer" and not index.drift
    return kinds.NOT_IN_SBOM if in_image else kinds.UNDECLARED[component.kind]


def _reason(component: Component, near: Near | None, index: ClaimIndex) -> str:
    place = f"it comes from {PLACES[component.origin.kind]}"
    if near and near.kind:
        return f"{near.claim.document} names it, but {near.differs}; {place}"
    if component.origin.replaces:
        place += f" and hides the file of the image at its path ({component.origin.replaces})"
    if index.drift:
        return f"no earlier observation has it, and {place}"
    return f"nothing declared names it, and {place}"


def _unverifiable(component: Component, doubt: Near) -> Judgement:
    reason = f"{doubt.claim.document} may name it, but {doubt.differs}"
    because = "what could not be seen is neither declared nor missing"
    finding = finding_of(component, kinds.UNVERIFIABLE, ("info", because), reason, doubt.closest)
    return Judgement(Verdict(component.ref, "unknown", reason), (finding,))


def _severity(component: Component, kind: FindingKind) -> tuple[Severity, str]:
    origin = component.origin.kind
    if kind in (kinds.MODIFIED, kinds.DIFFERENT_CONTENT):
        return "high", "what was reviewed is not what was loaded"
    if origin in ARRIVED:
        return "high", "it was not there when the image was built"
    if origin == "volume" and component.kind in ("model", "adapter"):
        return "high", "whoever can write to the volume decides what is loaded"
    if origin == "image-layer":
        return "medium", "whoever built the image put it there"
    return "medium", "it runs, and nobody promised it"


def by_image_alone(component: Component, given: str = "no SBOM was given") -> Judgement:
    """Judge without documents: what is in the image is declared by it, what arrived is not.

    ``given`` says why there are none.
    """
    origin = component.origin.kind
    if origin == "image-layer":
        return Judgement(Verdict(component.ref, "true", "part of the image"))
    if origin in ("host", "unknown"):
        return Judgement(Verdict(component.ref, "unknown", given))
    reason = f"it comes from {PLACES[origin]}, not from the image, and {given}"
    severity: tuple[Severity, str] = ("medium", "a volume may well be meant to hold it")
    if origin in ARRIVED:
        severity = ("high", "it was not there when the image was built")
    kind = kinds.UNDECLARED[component.kind]
    if component.origin.replaces:
        kind = kinds.MODIFIED
        reason = (
            f"{reason}; it hides the file of the image at its path ({component.origin.replaces})"
        )
    finding = finding_of(component, kind, severity, reason)
    return Judgement(Verdict(component.ref, "false", reason), (finding,))
