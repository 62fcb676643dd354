"""What was made of a workload before, as long as nothing that it was made of has changed.

A node has a hundred workloads, and most of what is new concerns one of them.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.files import Arrival, Written
from aibom.types.inventory import Inventory, Workload
from aibom.types.processes import Container

#: Seconds after which it is made again all the same: that something is still seen is no change.
MAX_AGE = 300.0
#: Most processes of a workload that is remembered: one with more changes all the time, and what was
#: seen of thousands would be kept.
MAX_MEMBERS = 500

_Arrivals = dict[Written, tuple[Arrival, ...]]


class _Made(NamedTuple):
    """An inventory, everything that it was made of, and when."""

    inventory: Inventory
    members: tuple[ProcessFacts, ...]
    containers: tuple[Container | None, ...]
    arrivals: _Arrivals
    at: float


@dataclass(slots=True)
class Unchanged:
    """Inventories of workloads that were made of their own processes alone."""

    clock: Callable[[], float] = time.monotonic
    _made: dict[Workload, _Made] = field(default_factory=dict)

    def find(
        self, workload: Workload, members: Sequence[ProcessFacts], facts: NodeFacts
    ) -> Inventory | None:
        """Return the inventory that was made of the same; None when there is none."""
        made = self._made.get(workload)
        if made is None or self.clock() - made.at > MAX_AGE:
            return None
        if made.members != tuple(members) or made.containers != _containers(members, facts):
            return None
        if made.arrivals != _arrivals(made.arrivals, facts.arrivals):
            return None
        return made.inventory

    def put(
        self,
        inventory: Inventory,
        members: Sequence[ProcessFacts],
        facts: NodeFacts,
        files: Iterable[Written],
    ) -> None:
        """Remember an inventory; ``files`` are those whose arrivals it tells of, if they have any.

        It must be the same for the same processes, whatever else runs on the node.
        """
        if len(members) > MAX_MEMBERS:
            return
        self._made[inventory.workload] = _Made(
            inventory,
            tuple(members),
            _containers(members, facts),
            _arrivals(files, facts.arrivals),
            self.clock(),
        )

    def keep(self, workloads: Iterable[Workload]) -> None:
        """Forget all workloads but these."""
        kept = set(workloads)
        self._made = {workload: made for workload, made in self._made.items() if workload in kept}


def _containers(members: Iterable[ProcessFacts], facts: NodeFacts) -> tuple[Container | None, ...]:
    return tuple(facts.containers.get(found.process.cgroup.container_id) for found in members)


def _arrivals(
    files: Iterable[Written], arrivals: Mapping[Written, tuple[Arrival, ...]]
) -> _Arrivals:
    return {file: arrivals.get(file, ()) for file in files}
