"""BOMs on their way to disk: made beside the loop, as large ones take seconds."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from aibom.agent.containment import Containment
from aibom.agent.events import BomStatus
from aibom.agent.output.output import Output
from aibom.agent.sinks.sinks import Sinks
from aibom.agent.tracking import Tracked
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory

#: How much longer than the making of a workload's BOM the rest before its next one is.
REST = 50
#: Seconds between two BOMs of one workload, at least: one that changes all the time fills no disk.
LEAST_SECONDS = 5.0

_Compared = tuple[Inventory, Assessment]


class _Made(NamedTuple):
    """A document, and the CPU seconds that it took."""

    text: str
    seconds: float


@dataclass
class BomWriter:
    """Writes BOMs to ``output`` and hands them to ``sinks``.

    A BOM is made whole, however little of it is new, and a workload may load thousands of things
    one by one: the rest before its next one is a multiple of what this one took.
    """

    output: Output
    sinks: Sinks
    containment: Containment
    clock: Callable[[], float] = time.time
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="aibom-boms")
    )
    _job: tuple[Tracked, Inventory, Future[_Made]] | None = None

    def write(self, tracked: Tracked, version: str, status: BomStatus) -> None:
        """Write a workload's BOM at once, in ``version`` of CycloneDX."""
        if self._job is not None and self._job[0] is tracked:
            self._job = None
        tracked.unwritten = False
        if tracked.compared is not None:
            made = _made(tracked.compared, self.clock(), version)
            self._put(tracked, tracked.compared[0], made, status)

    def go_on(self, tracked: Iterable[Tracked], version: str) -> None:
        """Take the BOM that was made since the last time, and begin with the next that is due."""
        if self._job is not None and self._job[2].done():
            one, inventory, made = self._job
            self._job = None
            with self.containment.of("workload"):
                self._put(one, inventory, made.result(), "running")
        if self._job is None:
            now = time.monotonic()
            due = [one for one in tracked if one.unwritten and one.write_at <= now]
            if due:
                self._begin(min(due, key=lambda one: one.write_at), version)

    def close(self) -> None:
        """End without what is not made yet."""
        self._job = None
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, tracked: Tracked, version: str) -> None:
        tracked.unwritten = False
        if tracked.compared is not None:
            # frozen values: the loop may go on with others meanwhile
            compared = tracked.compared
            made = self._thread.submit(_made, compared, self.clock(), version)
            self._job = (tracked, compared[0], made)

    def _put(self, tracked: Tracked, inventory: Inventory, made: _Made, status: BomStatus) -> None:
        tracked.write_at = time.monotonic() + max(LEAST_SECONDS, REST * made.seconds)
        # offered before it is written: a kill in between offers it again, by the same id
        self.output.bom(inventory.workload, made.text, status, lambda bom: self.sinks.offer([bom]))


def _made(compared: _Compared, now: float, version: str) -> _Made:
    began = time.thread_time()
    document = document_of(*compared, datetime.fromtimestamp(now, UTC), version)
    return _Made(serialise(document), time.thread_time() - began)
