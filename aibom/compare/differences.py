"""What is declared and there, yet not as it was declared: its licence, its base model."""

from aibom.compare import kinds
from aibom.compare.join import Joined
from aibom.compare.making import finding_of
from aibom.compare.nearest import Near
from aibom.formats.modelfolder.licences import expression
from aibom.types.findings import Finding
from aibom.types.inventory import Component

# a package's licence is said by its own metadata, which the makers of SBOMs read in many ways
_CONTENT = ("model", "adapter", "data")


def differences(component: Component, joined: Joined) -> tuple[Finding, ...]:
    """Return a finding for each thing in which a joined component is not what its claim says."""
    if component.kind not in _CONTENT:
        return ()
    found = (_licence(component, joined), _base(component, joined))
    return tuple(finding for finding in found if finding is not None)


def _licence(component: Component, joined: Joined) -> Finding | None:
    promised, own = expression(joined.claim.licence), expression(component.licence)
    if not promised or not own or promised == own:
        return None
    differs = f"licence {promised} is declared, its own files say {own}"
    because = "both are statements, and one of them is wrong"
    near = Near(joined.claim, differs, kinds.DIFFERENT_LICENCE)
    reason = f"{joined.claim.document}: {differs}"
    return finding_of(component, kinds.DIFFERENT_LICENCE, ("low", because), reason, near.closest)


def _base(component: Component, joined: Joined) -> Finding | None:
    bases = component.model.base_models if component.model else ()
    own = {base.reference or base.name for base in bases}
    promised = set(joined.claim.base_models)
    if not own or not promised or any(_agree(a, b) for a in promised for b in own):
        return None
    differs = f"base {', '.join(sorted(promised))} is declared, its own files say " + ", ".join(
        sorted(own)
    )
    because = "on another base the same weights do something else"
    near = Near(joined.claim, differs, kinds.DIFFERENT_BASE)
    reason = f"{joined.claim.document}: {differs}"
    return finding_of(component, kinds.DIFFERENT_BASE, ("medium", because), reason, near.closest)


def _agree(one: str, other: str) -> bool:
    """Say whether two names of a model may be the same; a name without its owner fits any."""
    first, second = one.lower().rstrip("/"), other.lower().rstrip("/")
    if "/" in first and "/" in second:
        return first == second or first.endswith(f"/{second}") or second.endswith(f"/{first}")
    return first.rpartition("/")[2] == second.rpartition("/")[2]
