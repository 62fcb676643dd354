"""Looks and events together: what runs now, and what ran since the watch began."""

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.files.settling import unfinished
from aibom.observe.host.live import LiveHost
from aibom.observe.inspector import imports_of
from aibom.observe.sweep import Scope, Sweeper
from aibom.observe.watch.account import Account, Counts
from aibom.observe.watch.arrivals import Arrivals
from aibom.observe.watch.code import CodeFolders, CodeUse, is_code
from aibom.observe.watch.colleagues import is_colleague
from aibom.observe.watch.collector import Batch, Collector
from aibom.observe.watch.filesystems import FileSystems
from aibom.observe.watch.history import IN_FLIGHT, History
from aibom.observe.watch.imports import OpenedPackages
from aibom.observe.watch.installs import Installs
from aibom.observe.watch.intake import Intake
from aibom.observe.watch.learning import Learning
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.loads import LoadedScripts
from aibom.observe.watch.schedule import Schedule
from aibom.observe.watch.scripts import ScriptFolders, is_script
from aibom.observe.watch.sensors import FILE_EVENTS, open_sensors
from aibom.observe.watch.sightings import Sightings, kind_of
from aibom.observe.watch.turns import Turns, let_go
from aibom.observe.watch.views import Views
from aibom.observe.watch.wire import Wire
from aibom.types.facts import NodeFacts, Span
from aibom.types.processes import Cgroup, Process
from aibom.types.unseen import Unseen

#: Seconds between two rounds: what comes in between is handled together.
ROUND_SECONDS = 0.1
#: Most events of models for which a file system is opened once: an open one cannot be unmounted.
TOGETHER = 128
#: Seconds of one round in which uses of models are taken; what else there is must not wait.
TURNS_SECONDS = 0.5
#: Seconds between two questions to a container runtime that did not answer.
HEAR_SECONDS = 2.0
#: Seconds between two readings of what was heard on the wire.
WIRE_SECONDS = 0.1
_INIT = 1


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
        self._host = host
        self._sweeper = sweeper
        self._sensors = open_sensors(host.procfs, lambda path: _is_wanted(path, may_be_model))
        self._account = Account(tuple(self._sensors.unseen))
        self._lives = Lives(host)
        self._views = Views(host)
        self._history = History(inspector.runs_known)
        self._schedule = Schedule(blind=self.blind)
        self._systems = FileSystems(host, self._sensors.files, self._sensors.overlays)
        self._collector = Collector(
            self._lives,
            [s for s in (self._sensors.files, self._sensors.overlays) if s is not None],
            self._sensors.processes,
            (CodeFolders(self._systems), ScriptFolders(self._systems)),
            may_be_model,
        )
        self._collector.telling = inspector.python_names
        self._digests = inspector.digests
        self._digests.on_finished = self._collector.woken.set
        self._learning = Learning(host, self._lives, self._views, self._systems, self._account)
        self._collector.on_mounts = self._learning.mounted
        self._collector.on_program = self._learning.at_once
        miss = self._account.miss
        packages = OpenedPackages(inspector, self._lives, self._views)
        self._intake = Intake(
            self._history,
            Sightings(inspector, self._systems, self._lives, self._views, miss),
            Arrivals(host),
            Installs(packages, self._systems, self._views),
            packages,
            LoadedScripts(inspector, self._lives, self._views),
            self._views,
            self._schedule,
            self._account,
        )
        self._wire = Wire(host, self._lives, miss, names=names, requests=requests)
        self._lost: dict[int, Cgroup] = {}
        self.scope = Scope()
        self._tree = False
        self._drops = 0
        self._turns = Turns()
        self._hear_at = 0.0
        self._began = self._ended = self._swept_at = 0.0

    @property
    def blind(self) -> bool:
        """Whether no event tells of what happens between two sweeps."""
        return self._sensors.files is None or self._sensors.processes is None

    @property
    def counts(self) -> Counts:
        """What events told so far, in numbers."""
        return self._account.counts

    @property
    def swept_at(self) -> float:
        """When everything was looked at last, in seconds since the epoch; 0 before the first."""
        return self._swept_at

    @property
    def sweeps(self) -> int:
        """How often everything was looked at."""
        return self._schedule.sweeps

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        """What could not be seen so far."""
        return self._account.unseen

    @property
    def changes(self) -> int:
        """A number that grows whenever something new was seen."""
        return self._history.changes

    def arriving(self) -> list[str]:
        """Return what began to arrive since the last time, in words."""
        return [said for life, said in self._intake.arriving() if self._covers(life.process)]

    def start(self, scope: Scope) -> None:
        """Begin to watch the part of the node that ``scope`` names, with a sweep of all of it."""
        self._began = time.time()
        self.scope = replace(scope, skip=scope.skip | {os.getpid()})
        self._learning.mark(os.getpid())
        self._learning.mark(_INIT)
        self._collector.start()
        self._meet(os.getpid())
        self._sweep()

    def start_tree(self, pid: int) -> None:
        """Begin to watch a process and all its descendants; it must not have begun its program."""
        self._began = time.time()
        self._tree = True
        self._schedule.closely()
        self._learning.mark(os.getpid())
        own = self._meet(os.getpid())
        self._collector.start()
        root = self._meet(pid)
        if root is not None:
            root.watched = True
        if own is not None:
            self._learning.program(own)
        # there is nothing to sweep before the command begins
        self._schedule.swept()

    def _meet(self, pid: int) -> Life | None:
        with self._collector.lock:
            return self._lives.meet(pid)

    def told(self) -> float | None:
        """Return since when there was something new, by the monotonic clock, and begin anew."""
        return self._history.told()

    def living(self) -> dict[int, Process]:
        """Return who lives, by process id."""
        return self._lives.processes()

    def forget(self, seconds: float) -> None:
        """Forget what ended so long ago, and what could not be seen of it; a caller keeps it."""
        self._history.forget(time.monotonic() - seconds)
        living = self.living()
        self._account.forget(living)
        self._sweeper.forget(living)
        self._host.forget(living)
        wanted = self._history.containers() | {p.cgroup.container_id for p in living.values()}
        self._views.forget(frozenset(p.mount_namespace for p in living.values()), wanted)

    def stop(self, *, look: bool = True) -> None:
        """Take what is still waiting, ``look`` once more, and remove every mark."""
        try:
            self._collector.stop()
            self._round(self._collector.take())
            if not look:
                return
            self._take_turns(math.inf)
            self._intake.settle(everything=True)
            self._bury()
            remaining = [life for life in self._lives if self._watches(life)]
            self._look(remaining)
            for life in remaining:
                self._intake.imports(life)
            if self._tree:
                self._note_remaining(remaining)
            self._settle()
            self._history.tidy(everything=True)
        finally:
            self._ended = time.time()
            self._turns.close()
            self._wire.close()
            self._sensors.close()

    def _note_remaining(self, remaining: Iterable[Life]) -> None:
        """Say which processes outlive the command, as nobody watches them any more."""
        names = sorted({life.process.comm for life in remaining if not life.ended_ns})
        if names:
            detail = f"outlive the command ({', '.join(names[:5])}); what they load now is not seen"
            self._account.miss(Unseen("lost", "processes that it left running", detail))

    def step(self, seconds: float) -> None:
        """Wait for at most ``seconds`` until something happens, and take it in."""
        if not self._wire.idle:
            seconds = min(seconds, WIRE_SECONDS)
        seconds = 0.0 if len(self._turns) else seconds
        if self._collector.woken.wait(min(seconds, self._schedule.rest())):
            time.sleep(ROUND_SECONDS)
        self._round(self._collector.take())
        self._intake.settle()
        self._settle()
        self._history.tidy()
        self._keep_looking()

    def _settle(self) -> None:
        """Take the digests that were computed in the background."""
        if self._digests.finished():
            self._history.settle(self._digests.settled)

    def _round(self, batch: Batch) -> None:
        if self._collector.failure is not None:
            failure, self._collector.failure = self._collector.failure, None
            self._account.miss(Unseen("sensor", "events", f"reading them failed: {failure!r}"))
        if batch.mounted:
            self._learning.remounted()
        for life in batch.begun.values():
            self._begin(life)
        for life in batch.telling.values():
            if self._watches(life):
                self._schedule.telling(life)
        self._take_events(batch)
        with self._account.guarded(0):
            for life, connection in self._wire.read():
                if self._watches(life):
                    self._history.connect(life, connection)
        for life in batch.ended:
            self._end(life)
        self._count(batch)

    def _take_events(self, batch: Batch) -> None:
        batch.dropped += self._turns.add(batch.models)
        self._take_turns(TURNS_SECONDS)
        for installer, event in batch.installs:
            if installer is not None and self._watches(installer):
                self._intake.install(installer, event)

    def _take_turns(self, seconds: float) -> None:
        """Take uses of models for so long; the rest waits for the next round."""
        uses, taken = self._turns.take(seconds), TOGETHER
        while taken == TOGETHER:
            with self._systems.together():
                taken = sum(self._take_use(*use) for use in islice(uses, TOGETHER))

    def _take_use(self, user: Life | None, event: FileEvent) -> int:
        looks = user is not None and self._only_looks(user) and kind_of(event.mask) == "opened"
        # a descendant of a command is always known, by its forks
        if not looks and (self._watches(user) if user is not None else not self._tree):
            with self._account.guarded(event.pid):
                self._intake.model(user, event)
        else:
            let_go(event)
        return 1

    def _end(self, life: Life) -> None:
        if self._watches(life):
            with self._account.guarded(life.pid):
                self._intake.end(life)

    def _bury(self) -> None:
        """Take the ends that no event told of, as none does where there are no events."""
        with self._collector.lock:
            gone = self._lives.buried(self._sweeper.pids())
        for life in gone:
            self._end(life)

    def _count(self, batch: Batch) -> None:
        """Say what was lost, and look at everything instead."""
        self._account.counts.events = self._collector.events
        dropped = self._sensors.processes.lost if self._sensors.processes is not None else 0
        dropped += self._wire.lost
        lost = batch.overflows + batch.dropped + (dropped - self._drops)
        self._drops = dropped
        if lost:
            self._account.counts.lost += lost
            self._schedule.sweep_now()

    def _watches(self, life: Life) -> bool:
        return life.watched or not self._tree

    def _only_looks(self, life: Life) -> bool:
        """Say whether what a process opens it opens to look at it, as this one does."""
        if life.colleague is None or life.colleague[0] is not life.process:
            # asked once, as it may have ended when its last acts are taken
            life.colleague = (life.process, is_colleague(life.process, self._host))
        return not self._tree and life.colleague[1]

    def _begin(self, life: Life) -> None:
        """Take a process that began a program."""
        if not life.inherited:
            self._learning.program(life)
        if self._watches(life) and not life.ended_ns:
            self._wire.begin(life)
            self._schedule.begun(life)

    def _keep_looking(self) -> None:
        """Look at what is due."""
        if self._sweeper.silence is not None and time.monotonic() >= self._hear_at:
            self._hear_at = time.monotonic() + HEAR_SECONDS
            if self._sweeper.hear():
                self._views.containers |= self._sweeper.containers
                self._history.note_change()
        if self._schedule.sweep_is_due():
            self._sweep()
            return
        due = [life for life in self._schedule.due() if not life.ended_ns]
        if self._schedule.busy_is_due(self._history.changes):
            self._wire.forget()
            due += [life for life in self._lives if self._history.is_busy(life)]
        self._look(due)

    def _look(self, lives: Iterable[Life]) -> None:
        watched = {life.pid: life for life in lives if self._watches(life) and not life.ended_ns}
        if watched:
            before = _opened(watched.values())
            asked_ns = time.monotonic_ns()
            found = self._sweeper.sweep(Scope(pids=frozenset(watched)))
            self._take(found, asked_ns, before)

    def _sweep(self) -> None:
        """Look at everything that is watched."""
        began = time.monotonic()
        self._bury()
        # before the looks, which probe anew what an ended process stood for
        self._wire.forget()
        if self._tree:
            self._look(self._descendants() if self.blind else list(self._lives))
        else:
            before = _opened(self._lives)
            asked_ns = time.monotonic_ns()
            found = self._sweeper.sweep(Scope(skip=self.scope.skip))
            self._lost = dict(found.lost)
            self._take(found, asked_ns, before)
            self._learning.anew()
        self._schedule.swept(time.monotonic() - began)
        self._swept_at = time.time()

    def _descendants(self) -> list[Life]:
        """Find the descendants of the watched command where no event tells of them."""
        found: list[Life] = []
        with self._collector.lock:
            for pid, parent in self._sweeper.parents().items():
                life = self._lives.get(pid)
                above = self._lives.get(parent)
                if life is None and above is not None and above.watched:
                    life = self._lives.meet(pid)
                    if life is not None:
                        life.watched = True
                if life is not None and life.watched:
                    found.append(life)
        return found

    def _take(self, found: NodeFacts, asked_ns: int, opened: Mapping[Life, set[CodeUse]]) -> None:
        """Take what a sweep that began at ``asked_ns`` saw.

        ``opened`` is the code that was opened before it.
        """
        for facts in found.processes:
            with self._collector.lock:
                life = self._lives.seed(facts.process, asked_ns)
                if life.exec_ns > asked_ns:
                    continue  # it became another program meanwhile, and will be looked at again
                if facts.modules is not None and life in opened:
                    # the interpreter's own list says more than what it opened until then
                    life.acting().code -= opened[life]
            self._wire.begin(life)
            self._wire.look(life)
            named = tuple(self._wire.named(facts.process, c) for c in facts.connections)
            held = facts.models
            if self._only_looks(life):
                held = tuple(use for use in held if use.use.kind == "mapped")
            self._history.look(life, replace(facts, connections=named, models=held))
            with self._account.guarded(life.pid):
                self._intake.scripts(life)
            if life.ended_ns:
                self._history.end(life)
        self._views.containers |= found.containers
        self._views.tidy(self._history.containers)
        for unseen in found.unseen:
            if unseen == self._sweeper.silence:
                continue  # it may answer by the time that anybody asks
            passing = unseen.reason == "vanished" or unseen.subject.endswith(IN_FLIGHT)
            if not passing or self.blind:
                self._account.miss(unseen)

    def facts(self) -> NodeFacts:
        """Return everything that was seen since the watch began, ended processes included."""
        forgotten = self._history.dropped + self._lives.forgotten
        # what a look found unfinished was looked at again when it was whole
        written = self._history.written()
        processes = self._history.facts(self._covers)
        # and an interpreter that was not ready at one look was at another
        read = {imports_of(p.process.pid) for p in processes if p.modules is not None}
        failing = self._digests.failing
        unseen = [
            u
            for u in self._account.unseen
            if (u.pid is None or u.subject not in written)
            and not (u.reason == "unreadable" and u.subject in read)
        ]
        silence = [self._sweeper.silence] if self._sweeper.silence is not None else []
        return NodeFacts(
            processes=processes,
            containers=dict(self._views.containers),
            unseen=(
                *unseen,
                *unfinished(processes, failing),
                *self._account.shortfalls(forgotten),
                *silence,
            ),
            lost=dict(self._lost),
            sensors=self._states(),
            arrivals=dict(self._history.arrivals),
            watched=Span(self._began, self._ended or time.time()),
        )

    def _covers(self, process: Process) -> bool:
        if self._tree:
            return True
        container = self._views.containers.get(process.cgroup.container_id)
        return self.scope.covers(process, container)

    def _states(self) -> tuple[tuple[str, str], ...]:
        states = {"sweep": "maps, descriptors, sockets, command lines and imported modules"}
        states |= self._sensors.state | self._wire.state
        if self._sensors.files is not None:
            states[FILE_EVENTS] += f"; {self._account.summary()}"
        return tuple(states.items())


def _opened(lives: Iterable[Life]) -> dict[Life, set[CodeUse]]:
    """Return the code that processes opened until now."""
    return {life: set(life.acts.code) for life in lives if life.acts.code}


def _is_wanted(path: bytes, may_be_model: Callable[[bytes], bool]) -> bool:
    name = path.rpartition(b"/")[2]
    return is_code(name) or is_script(name) or may_be_model(name)
