"""What is new of a workload's findings."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from aibom.agent.events import NewFinding
from aibom.agent.state.findings import Held, id_of, rank_of, update, worst
from aibom.agent.state.known import Known
from aibom.agent.state.untold import Untold
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Component, Inventory

#: Most findings of one workload that are remembered.
MAX_HELD = 20_000


class ToldOf(NamedTuple):
    """What was told: findings that wait for it, ids from before this state began.

    What has not held for ``keep`` seconds of the state's age is forgotten.
    """

    untold: Untold
    is_told: Callable[[str], bool]
    keep: float


def news(
    node: str,
    known: Known,
    seen: tuple[Inventory, Assessment],
    moment: tuple[float, float],
    told_of: ToldOf,
) -> list[NewFinding]:
    """Return the findings that were not told of this workload, and note that they are told.

    ``moment`` is the wall clock's time and the state's age. What is forgotten is new when it
    holds again; what does not fit into ``told_of.untold`` any more is left for later.
    """
    inventory, assessment = seen
    now, age = moment
    found = worst(assessment.findings)
    _forget(known, age - told_of.keep)
    known.dirty |= update(known.findings, found, now, age)
    components: dict[str, Component] | None = None
    new: list[NewFinding] = []
    for fingerprint, finding in found.items():
        held = known.findings.get(fingerprint) or _renamed(known, fingerprint, finding)
        rank = rank_of(finding)
        if (held is not None and held.told >= rank) or told_of.untold.full:
            continue
        if held is None:
            held = Held(finding.kind.id, finding.severity, rank, now, now, age)
            known.findings[fingerprint] = held
        held.told = rank
        known.dirty = True
        name = id_of(node, known.key, finding)
        if told_of.untold.waits(name) or told_of.is_told(name):
            continue
        if components is None:
            components = {c.ref: c for c in inventory.components}
        component = components.get(finding.ref)
        first = _first_seen(component, now)
        held.first = min(held.first, first)
        new.append(NewFinding(name, node, inventory.workload, finding, component, first))
        told_of.untold.add(new[-1])
    return new


def _renamed(known: Known, fingerprint: str, finding: Finding) -> Held | None:
    """Return what is known of a finding that was told before its file was hashed, if it was."""
    before = [known.findings[name] for name in finding.earlier if name in known.findings]
    if not before:
        return None
    held = replace(max(before, key=lambda one: one.told), closed=None)
    known.findings[fingerprint], known.dirty = held, True
    return held


def _forget(known: Known, before: float) -> None:
    held = known.findings
    gone = [f for f, h in held.items() if h.closed is not None and h.seen < before]
    if len(held) - len(gone) > MAX_HELD:
        closed = sorted((h.seen, f) for f, h in held.items() if h.closed is not None)
        gone = [f for _, f in closed[: max(len(gone), len(held) - MAX_HELD)]]
    for fingerprint in gone:
        del held[fingerprint]


def _first_seen(component: Component | None, now: float) -> float:
    evidence = component.evidence if component is not None else ()
    return min((e.first_seen for e in evidence if e.first_seen is not None), default=now)
