"""The news of workloads: remembered, written to the journal and as BOMs, handed to sinks."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from aibom.agent.config.settings import Settings
from aibom.agent.containment import Containment
from aibom.agent.events import BomStatus, NewFinding, key_of
from aibom.agent.output.output import Output
from aibom.agent.sinks.sinks import Sinks
from aibom.agent.state.store import State
from aibom.agent.state.things import images_of
from aibom.agent.tracking import Tracked
from aibom.agent.writing import BomWriter
from aibom.compare.missing import Seen, Waited
from aibom.pipeline import Comparer
from aibom.types.inventory import Inventory

_DAY = 86_400.0


@dataclass
class Publisher:
    """Publishes the workloads of ``node``; one that cannot be published hides no other."""

    node: str
    settings: Settings
    state: State
    output: Output
    sinks: Sinks
    comparer: Comparer
    containment: Containment
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Write BOMs beside the loop."""
        self.writer = BomWriter(self.output, self.sinks, self.containment, self.clock)

    def recover(self) -> None:
        """Tell of what was found before a crash and may not have been told."""
        with self.containment.of("journal"):
            self.state.adopt(self.output.recent_ids())
        untold = self.state.untold()
        missing = self.output.reconcile(untold)
        absent = {one.id for one in missing}
        self.sinks.offer(untold)
        self.state.told([one.id for one in untold if one.id not in absent])
        self._append(missing)

    def retry(self) -> None:
        """Write what the disk did not take before."""
        self._append(())

    def publish(
        self, tracked: Sequence[Tracked], status: BomStatus = "running"
    ) -> list[NewFinding]:
        """Publish what is known of workloads; return what is new of their findings.

        The BOMs of those that live are left to ``write``. What waits for its images is left out,
        and stays news.
        """
        compared = [one for one in tracked if self._compare(one)]
        for one in tracked:
            if one.compared is None:
                one.told = None  # the next change is another chance
        new = self._remember(compared)
        for one in compared:
            one.unwritten = True
        if status == "ended":
            self.write_all(compared, status)
            for one in tracked:
                if one.waits:
                    continue
                self.state.ended(key_of(one.inventory.workload), self.clock())
        return new

    def write(self, tracked: Iterable[Tracked]) -> None:
        """Go on with the BOMs of workloads that live."""
        self.writer.go_on(tracked, self.settings.spec_version)

    def write_all(self, tracked: Iterable[Tracked], status: BomStatus = "running") -> None:
        """Write all BOMs that lack something, at once."""
        for one in [one for one in tracked if one.unwritten]:
            with self.containment.of("workload"):
                self.writer.write(one, self.settings.spec_version, status)

    def refresh(self, tracked: Sequence[Tracked]) -> list[NewFinding]:
        """Let the state know that workloads are still there, and what time alone has made new.

        Of what waits for its images this is told when these are there.
        """
        return self._remember([one for one in tracked if self._compare(one)])

    def _compare(self, tracked: Tracked) -> bool:
        """Compare a workload with what was promised; say whether that could be done."""
        tracked.waits = False
        with self.containment.of("workload"):
            tracked.waits = not self.comparer.is_ready(tracked.inventory)
        if tracked.waits:
            tracked.told = None
            return False
        tracked.compared = None
        with self.containment.of("workload"):
            inventory = tracked.inventory
            watched = self.state.watched(key_of(inventory.workload))
            seconds = watched.seconds if watched is not None else 0.0
            waited = self._waited(inventory, seconds)
            seen = replace(inventory, watched=round(seconds))
            tracked.compared = self.comparer.of(seen, waited)
        return tracked.compared is not None

    def _waited(self, inventory: Inventory, seconds: float) -> Waited:
        """Say what may be said of declared things that were not seen.

        Pods come and go: what any pod of the same images loads in those days is in use. Where that
        cannot be read nothing is said.
        """
        days = self.settings.compare.unused_days * _DAY
        known = {digest: self.state.image_watched(digest) for digest in images_of(inventory)}
        watched = {digest: watch.seconds for digest, watch in known.items() if watch is not None}
        if max(seconds, min(watched.values(), default=0.0)) < days:
            return Waited(enough=False)
        loads = [self.state.image_loads(digest, self.clock() - days) for digest in watched]
        read = [seen for seen in loads if seen is not None]
        return Waited(len(read) == len(loads), Seen.union(read))

    def _remember(self, tracked: Sequence[Tracked]) -> list[NewFinding]:
        pairs = [one.compared for one in tracked if one.compared is not None]
        new = self.state.take_all(self.node, pairs, self.clock())
        # findings first: whoever waits for one waits for nothing else
        if new:
            self.sinks.offer(new)
            self._append(new)
        return new

    def _append(self, new: Sequence[NewFinding]) -> None:
        """Write findings; those that are on disk, now or from before, count as told."""
        if written := self.output.append(new):
            self.state.told(written)
