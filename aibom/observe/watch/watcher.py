"""Looks and events together: what runs now, and what ran since the watch began."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from aibom.formats.events.fanotify import FileEvent
from aibom.formats.text import printable
from aibom.observe.events import files
from aibom.observe.live import LiveHost
from aibom.observe.sweep import Scope, Sweeper
from aibom.observe.watch.arrivals import Arrivals
from aibom.observe.watch.code import CodeFolders, is_code
from aibom.observe.watch.collector import Batch, Collector
from aibom.observe.watch.filesystems import FileSystems
from aibom.observe.watch.history import History
from aibom.observe.watch.imports import OpenedPackages
from aibom.observe.watch.installs import Installs
from aibom.observe.watch.lives import Life, Lives, nobody
from aibom.observe.watch.schedule import Schedule
from aibom.observe.watch.sensors import open_sensors
from aibom.observe.watch.sightings import Sightings, kind_of
from aibom.observe.watch.views import Views
from aibom.observe.watch.wire import Wire
from aibom.types.facts import Cgroup, NodeFacts, Process, Unseen

#: Seconds for which a written file is left alone, as the next write may follow at once.
SETTLE_SECONDS = 0.3
#: Seconds between two rounds: what comes in between is handled together.
ROUND_SECONDS = 0.05
#: Seconds between two readings of what was heard on the wire.
WIRE_SECONDS = 0.1
#: Most records of what could not be seen that are kept.
MAX_UNSEEN = 2_000
_OPENS = files.OPENED
_WRITES = files.WRITTEN | files.RENAMED
_IN_FLIGHT = (b".incomplete", b".part", b".partial", b".crdownload")


@dataclass(slots=True)
class Counts:
    """What events told: all of them, uses of model files, how many of those are nobody's."""

    events: int = 0
    uses: int = 0
    unattributed: int = 0
    lost: int = 0


class Watcher:
    """Watches a node, or a command and its descendants."""

    def __init__(
        self,
        host: LiveHost,
        sweeper: Sweeper,
        may_be_model: Callable[[bytes], bool],
        *,
        names: bool = False,
        requests: bool = False,
    ) -> None:
        """Open the sensors that work here; ``may_be_model`` judges files by their names.

        ``names`` and ``requests`` add what is heard on the wire (see Wire).
        """
        inspector = sweeper.inspector
        self._sweeper = sweeper
        self._sensors = open_sensors(host.procfs, lambda path: _is_wanted(path, may_be_model))
        self.counts = Counts()
        self.lives = Lives(host)
        self._views = Views(host)
        self._history = History(inspector.runs_known)
        self._systems = FileSystems(host, self._sensors.files, self._sensors.overlays)
        self._sightings = Sightings(inspector, self._systems, self.lives, self._views, self._miss)
        self._opened = OpenedPackages(inspector, self.lives, self._views)
        self._installs = Installs(self._opened, self._systems, self._views)
        self._arrivals = Arrivals(host)
        self._collector = Collector(
            self.lives,
            [s for s in (self._sensors.files, self._sensors.overlays) if s is not None],
            self._sensors.processes,
            CodeFolders(self._systems),
            may_be_model,
        )
        self._schedule = Schedule(blind=self.blind)
        self._unseen: dict[Unseen, None] = dict.fromkeys(self._sensors.unseen)
        self._lost: dict[int, Cgroup] = {}
        self._settling: dict[tuple[bytes, bytes], tuple[float, Life, FileEvent]] = {}
        self._scope = Scope()
        self._arriving: list[str] = []
        self._tree = False
        self._drops = self._unseen_dropped = 0
        self._wire = Wire(host, self.lives, self._miss, names=names, requests=requests)

    @property
    def blind(self) -> bool:
        """Whether no event tells of what happens between two sweeps."""
        return self._sensors.files is None or self._sensors.processes is None

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        """What could not be seen so far."""
        return tuple(self._unseen)

    @property
    def changes(self) -> int:
        """A number that grows whenever something new was seen."""
        return self._history.changes

    def arriving(self) -> list[str]:
        """Return what began to arrive since the last time, in words."""
        found, self._arriving = self._arriving, []
        return found

    def start(self, scope: Scope) -> None:
        """Begin to watch the part of the node that ``scope`` names, with a sweep of all of it."""
        self._scope = replace(scope, skip=scope.skip | {os.getpid()})
        self._mark(os.getpid())
        self._mark(1)
        self._collector.start()
        self._sweep()

    def start_tree(self, pid: int) -> None:
        """Begin to watch a process and all its descendants; it must not have begun its program."""
        self._tree = True
        self._mark(os.getpid())
        own = self._meet(os.getpid())
        self._collector.start()
        root = self._meet(pid)
        if root is not None:
            root.watched = True
        if own is not None:
            self._learn(own)

    def _meet(self, pid: int) -> Life | None:
        with self._collector.lock:
            return self.lives.meet(pid)

    def stop(self) -> None:
        """Take what is still waiting, look once more, and remove every mark."""
        try:
            self._collector.stop()
            self._round(self._collector.take())
            self._settle(everything=True)
            self._look([life for life in self.lives if self._watches(life)])
            for life in list(self.lives):
                self._import(life)
        finally:
            self._wire.close()
            self._sensors.close()

    def step(self, seconds: float) -> None:
        """Wait for at most ``seconds`` until something happens, and take it in."""
        if not self._wire.idle:
            seconds = min(seconds, WIRE_SECONDS)
        if self._collector.woken.wait(min(seconds, self._schedule.rest())):
            time.sleep(ROUND_SECONDS)
        self._round(self._collector.take())
        self._settle()
        self._keep_looking()

    def _round(self, batch: Batch) -> None:
        if self._collector.failure is not None:
            failure, self._collector.failure = self._collector.failure, None
            self._miss(Unseen("sensor", "events", f"reading them failed: {failure!r}"))
        for life in batch.begun.values():
            self._begin(life)
        for user, event in batch.models:
            try:
                self._model(user, event)
            finally:
                if event.descriptor >= 0:
                    os.close(event.descriptor)
        for installer, event in batch.installs:
            if installer is not None and self._watches(installer):
                self._installs.note(installer, event)
        for life, connection in self._wire.read():
            if self._watches(life):
                self._history.connect(life, connection)
        for life in batch.ended:
            self._finish(life)
        self._count(batch)

    def _count(self, batch: Batch) -> None:
        """Say what was lost, and look at everything instead."""
        self.counts.events = self._collector.events
        dropped = self._sensors.processes.lost if self._sensors.processes is not None else 0
        dropped += self._wire.lost
        lost = batch.overflows + batch.dropped + (dropped - self._drops)
        self._drops = dropped
        if lost:
            self.counts.lost += lost
            self._schedule.sweep_now()

    def _watches(self, life: Life) -> bool:
        return life.watched or not self._tree

    def _begin(self, life: Life) -> None:
        """Take a process that began a program."""
        if not life.inherited:
            self._learn(life)
        if self._watches(life) and not life.ended_ns:
            self._wire.begin(life)
            self._schedule.begun(life)

    def _learn(self, life: Life) -> None:
        """Learn what a process sees while it, or another one like it, is alive."""
        if self._views.knows(life.process):
            return
        near = self.lives.near(life.process)
        if near is None:
            return
        processes = {other.pid: other.process for other in self.lives}
        try:
            self._views.meet(near, processes)
            self._mark(near.pid)
        except OSError:
            return  # it has ended meanwhile; the next one of its kind will do

    def _mark(self, pid: int) -> None:
        """Mark the file systems that a process sees."""
        if self._sensors.files is None:
            return
        with suppress(OSError):  # it has ended, or is out of reach as process 1 may be
            for unseen in self._systems.meet(pid):
                self._miss(unseen)

    def _model(self, life: Life | None, event: FileEvent) -> None:
        """Take an event of a file that bears a model's name."""
        if self._tree and (life is None or not life.watched):
            return
        if life is None:
            life = nobody(event.pid)
        if event.mask & (files.CREATED | _WRITES):
            self._arrivals.meet(life)
        if event.mask & files.CREATED and event.name.endswith(_IN_FLIGHT):
            name = printable(os.fsdecode(event.name), 200)
            self._arriving.append(
                f"{name} arrives, written by {life.process.comm} (pid {life.pid})"
            )
        if event.mask & _WRITES and event.descriptor < 0:
            until = time.monotonic() + SETTLE_SECONDS
            self._settling[event.filesystem, event.file] = (until, life, event)
            self._schedule.settle_at(until)
        elif event.mask & (_OPENS | _WRITES) and not event.name.endswith(_IN_FLIGHT):
            self._see(life, event)

    def _settle(self, *, everything: bool = False) -> None:
        """Take the files that nobody has written to for a while."""
        now = time.monotonic()
        due = [k for k, (until, *_) in self._settling.items() if everything or until <= now]
        for key in due:
            _, life, event = self._settling.pop(key)
            self._see(life, event)
        for life, one in self._installs.settled(everything=everything):
            self._history.installed(life, one)

    def _see(self, life: Life, event: FileEvent) -> None:
        seen = self._sightings.see(life, event)
        if isinstance(seen, Unseen):
            self._miss(seen)
            return
        if kind_of(event.mask) == "written":
            # whatever it is by its content, somebody may read it as a model later
            container = self._container(life.process)
            file = self._sightings.file_of(event)
            if file is not None:
                self._history.arrived(file, self._arrivals.of(life, event, container))
        if seen is None:
            return
        self.counts.uses += 1
        self.counts.unattributed += not life.placed
        self._history.use(life, seen.use)
        if life.ended_ns:
            self._history.end(life)
        else:
            self._schedule.begun(life)

    def _container(self, process: Process) -> str:
        container = self._views.containers.get(process.cgroup.container_id)
        return (container.name or container.id[:12]) if container is not None else ""

    def _finish(self, life: Life) -> None:
        """Take the end of a process."""
        if self._watches(life):
            self._import(life)
            self._history.end(life)

    def _import(self, life: Life) -> None:
        if not life.code or not self._watches(life):
            return
        loaded = self._opened.of(life)
        if loaded is None:
            subject = f"imports of process {life.pid}"
            detail = "nothing of its container was left when it had ended"
            self._miss(Unseen("vanished", subject, detail, "", life.pid))
        elif loaded:
            self._history.packages(life, loaded)

    def _keep_looking(self) -> None:
        """Look at what is due."""
        if self._schedule.sweep_is_due():
            self._sweep()
            return
        due = [life for life in self._schedule.due() if not life.ended_ns]
        if self._schedule.busy_is_due():
            due += [life for life in self.lives if self._history.is_busy(life)]
        self._look(due)

    def _look(self, lives: Iterable[Life]) -> None:
        pids = frozenset(life.pid for life in lives if self._watches(life) and not life.ended_ns)
        if pids:
            self._take(self._sweeper.sweep(Scope(pids=pids)))

    def _sweep(self) -> None:
        """Look at everything that is watched."""
        if self._tree:
            self._look(self._descendants() if self.blind else list(self.lives))
        else:
            found = self._sweeper.sweep(Scope(skip=self._scope.skip))
            self._lost = dict(found.lost)
            self._take(found)
            for life in self.lives:
                self._learn(life)
        self._wire.forget()
        self._schedule.swept()

    def _descendants(self) -> list[Life]:
        """Find the descendants of the watched command where no event tells of them."""
        found: list[Life] = []
        with self._collector.lock:
            for pid, parent in self._sweeper.parents().items():
                life = self.lives.get(pid)
                above = self.lives.get(parent)
                if life is None and above is not None and above.watched:
                    life = self.lives.meet(pid)
                    if life is not None:
                        life.watched = True
                if life is not None and life.watched:
                    found.append(life)
        return found

    def _take(self, found: NodeFacts) -> None:
        """Take what a sweep saw."""
        for facts in found.processes:
            with self._collector.lock:
                life = self.lives.seed(facts.process)
                if facts.modules is not None:
                    # the interpreter's own list says more than what it opened so far
                    life.code = set()
            self._wire.begin(life)
            self._wire.look(life)
            named = tuple(self._wire.named(facts.process, c) for c in facts.connections)
            self._history.look(life, replace(facts, connections=named))
        self._views.containers |= found.containers
        for unseen in found.unseen:
            if unseen.reason != "vanished" or self.blind:
                self._miss(unseen)

    def _miss(self, unseen: Unseen) -> None:
        if len(self._unseen) < MAX_UNSEEN:
            self._unseen[unseen] = None
        else:
            self._unseen_dropped += 1

    def facts(self) -> NodeFacts:
        """Return everything that was seen since the watch began, ended processes included."""
        return NodeFacts(
            processes=self._history.facts(self._covers),
            containers=dict(self._views.containers),
            unseen=(*self._unseen, *self._shortfalls()),
            lost=dict(self._lost),
            sensors=self._states(),
            arrivals=dict(self._history.arrivals),
        )

    def _covers(self, process: Process) -> bool:
        if self._tree:
            return True
        container = self._views.containers.get(process.cgroup.container_id)
        return self._scope.covers(process, container)

    def _shortfalls(self) -> list[Unseen]:
        """Say in numbers what events did not tell."""
        found = []
        if self.counts.lost:
            detail = f"{self.counts.lost} times events came faster than they could be read"
            remedy = "what was still mapped, open or imported then was seen by a sweep"
            found.append(Unseen("lost", "file and process events", detail, remedy))
        if self.counts.unattributed:
            detail = (
                f"{self.counts.unattributed} of {self.counts.uses} uses of model files were by"
                " processes that ended too soon to be asked where they ran"
            )
            found.append(Unseen("unattributed", "uses of model files", detail))
        more = self._history.dropped + self._unseen_dropped + self.lives.forgotten
        if more:
            found.append(Unseen("lost", "the watch's memory", f"{more} records did not fit"))
        return found

    def _states(self) -> tuple[tuple[str, str], ...]:
        states = {"sweep": "maps, descriptors, sockets, command lines and imported modules"}
        states |= self._sensors.state | self._wire.state
        if self._sensors.files is not None:
            counts = self.counts
            states["file events"] += (
                f"; {counts.events} seen, {counts.uses} of model files"
                f" ({counts.unattributed} not attributed), {counts.lost} losses"
            )
        return tuple(states.items())


def _is_wanted(path: bytes, may_be_model: Callable[[bytes], bool]) -> bool:
    name = path.rpartition(b"/")[2]
    return is_code(name) or may_be_model(name)
