"""Facts to inventories, so that what cannot be named costs nothing but itself."""

from collections.abc import Callable
from dataclasses import replace

from aibom.identify.inventory import identify
from aibom.identify.unchanged import Unchanged
from aibom.identify.workloads import group
from aibom.types.facts import NodeFacts
from aibom.types.inventory import Inventory
from aibom.types.rules import RuleSet
from aibom.types.unseen import Unseen

#: Takes what went wrong: the part of the agent, and the error.
Fails = Callable[[str, Exception], None]


def named(
    facts: NodeFacts, rules: RuleSet, fails: Fails, known: Unchanged | None = None
) -> tuple[Inventory, ...]:
    """Return the inventory of every workload; ``known`` remembers what has not changed.

    When naming fails, each workload is named by itself: links between workloads are missing then,
    and the one that makes it fail has an inventory that says so.
    """
    try:
        return identify(facts, rules, known=known)
    except Exception as error:  # noqa: BLE001 - a hostile workload must not hide the others
        fails("naming", error)
    found: list[Inventory] = []
    for workload, members in group(facts):
        try:
            found += identify(replace(facts, processes=tuple(members)), rules)
        except Exception as error:  # noqa: BLE001
            fails("naming", error)
            detail = f"naming it failed: {type(error).__name__}"
            missed = Unseen("unreadable", f"workload {workload.name}", detail, "report this")
            found.append(Inventory(workload, unseen=(missed,), sensors=facts.sensors))
    return tuple(found)
