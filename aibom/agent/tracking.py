"""The workloads of a node that are known to an agent, from their first load until their end."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from aibom.agent.events import key_of
from aibom.identify.remembered import aged, gist, joined
from aibom.observe.files.recent import NEVER, Recent
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload
from aibom.types.processes import Process

#: Seconds without a living process after which a workload has ended: a container that is started
#: again by a runtime, a service by its manager, is the same one.
GONE_SECONDS = 10.0
#: Most workloads that have ended and are remembered as such.
MAX_ENDED = 10_000


class Living:
    """The processes of a node at one moment, and where they live."""

    def __init__(self, processes: Mapping[int, Process]) -> None:
        """Take processes by their numbers."""
        self._pids = processes.keys()
        self._places: set[str] = set()
        for process in processes.values():
            place = process.cgroup
            self._places |= {place.pod_uid, place.container_id, f"unit:{place.unit}"}

    def has(self, workload: Workload) -> bool:
        """Say whether any process of a workload lives."""
        if workload.kind in ("pod", "container"):
            return workload.uid in self._places
        if workload.kind == "service":
            return f"unit:{workload.name}" in self._places
        # of what belongs to no workload nobody can say that it is over
        return workload.kind == "unattributed" or not self._pids.isdisjoint(workload.pids)


@dataclass(slots=True)
class Tracked:
    """One workload: everything that was seen of it.

    ``seen`` stands for what was seen last, and ``changed`` says whether that was anything else.
    ``told`` stands for the gist of what was published last, None when nothing was, and
    ``compared`` is what the comparison said of it. ``waits`` is true while what it is compared
    with is being read. ``unwritten`` is true while its BOM lacks
    something, and ``write_at`` when that may be written next. Times are by the monotonic clock;
    ``gone_since`` is None while it lives.
    """

    inventory: Inventory
    seen: int = 0
    changed: bool = True
    told: int | None = None
    compared: tuple[Inventory, Assessment] | None = None
    waits: bool = False
    gone_since: float | None = None
    unwritten: bool = False
    write_at: float = 0.0

    def is_news(self) -> bool:
        """Say whether there is anything to publish, and count it as published."""
        if not self.changed and self.told is not None:
            return False
        self.changed = False
        # its hash: the gist itself is as large as the inventory
        told, self.told = self.told, hash(gist(self.inventory))
        return told != self.told


class Tracking:
    """Joins what is seen of each workload to what was seen of it before."""

    def __init__(
        self,
        recall: Callable[[str], Inventory | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Ask ``recall`` what was known of a workload when an agent ended."""
        self._recall = recall
        self._clock = clock
        self._workloads: dict[str, Tracked] = {}
        # those that have ended, which a watch goes on telling of for a while
        self._ended: Recent[str, bool] = Recent(MAX_ENDED, NEVER)

    def __iter__(self) -> Iterator[Tracked]:
        """Give the workloads that have not ended."""
        return iter(self._workloads.values())

    def __contains__(self, key: str) -> bool:
        """Say whether a workload is known and has not ended."""
        return key in self._workloads

    def take(self, inventory: Inventory, living: Living) -> Tracked | None:
        """Take what is seen of a workload; None when it has ended, and was told of."""
        key = key_of(inventory.workload)
        known = self._workloads.get(key)
        seen = _seen(inventory)
        if known is not None and known.seen == seen:
            known.inventory = aged(known.inventory, inventory)
            return known
        if known is not None:
            known.inventory = joined(known.inventory, inventory, self._clock())
            known.seen, known.changed = seen, True
            return known
        if self._ended.get(key) and not living.has(inventory.workload):
            return None
        recalled = self._recall(key) if _lasts(inventory.workload) else None
        known = Tracked(joined(recalled, inventory, self._clock()), seen)
        self._workloads[key] = known
        return known

    def ended(self, living: Living) -> list[Tracked]:
        """Return the workloads of which no process has lived for a while, and forget them."""
        now = time.monotonic()
        for tracked in self:
            if living.has(tracked.inventory.workload):
                tracked.gone_since = None
            elif tracked.gone_since is None:
                tracked.gone_since = now
        gone = {
            key: tracked
            for key, tracked in self._workloads.items()
            if tracked.gone_since is not None and now - tracked.gone_since >= GONE_SECONDS
        }
        for key in gone:
            del self._workloads[key]
            self._ended.put(key, True)
        return list(gone.values())

    def tell_again(self, keys: Collection[str] | None = None) -> None:
        """Let workloads be published once more: those of ``keys``, or all."""
        for key, tracked in self._workloads.items():
            if keys is None or key in keys:
                tracked.told = None


def _seen(inventory: Inventory) -> int:
    """Return what stands for everything in an inventory that does not change by itself."""
    return hash(replace(inventory, sensors=(), watched=0, period=None))


def _lasts(workload: Workload) -> bool:
    """Say whether a workload is the same one after a restart of the agent.

    The number of a session may have been given to another one meanwhile.
    """
    return workload.kind in ("pod", "container", "service")
