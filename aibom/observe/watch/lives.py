"""Who a process was: kept from its first instruction until a while after its end."""

import os
import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from aibom.formats.events.proc import ProcessEvent
from aibom.observe.host.protocol import Host
from aibom.observe.processes import identity, snapshot_of_exec
from aibom.observe.watch.code import CodeUse
from aibom.observe.watch.scripts import ScriptUse
from aibom.types.processes import Cgroup, Process

#: Most ended processes that are remembered, so that what they did can still be told theirs.
MAX_ENDED = 32_768
#: Most processes that are known at once; a fork bomb makes the oldest ones unknown.
MAX_ALIVE = 262_144
#: Seconds after its end for which a process is remembered.
KEPT_SECONDS = 30
# how far a start time in /proc may lie from the event that told of it
_SLACK_NS = 60_000_000

_RUNTIMES = ("containerd-shim", "runc", "crun", "conmon", "youki")
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Acts:
    """What a process did that tells of more than one event does."""

    #: what it did with the code of installed packages since its last look
    code: set[CodeUse] = field(default_factory=set)
    #: whether there is source among it
    reads_source: bool = False
    #: the folders, by file system and handle, in which it wrote source
    wrote: set[tuple[bytes, bytes]] = field(default_factory=set)
    destinations: set[str] = field(default_factory=set)
    #: what it opened of npm packages, as far as that tells of no load yet
    scripts: set[ScriptUse] = field(default_factory=set)


_NOTHING = Acts()


@dataclass(slots=True, eq=False)
class Life:
    """One process, from its fork to its end.

    ``process`` is who it was when it last could be asked; what a child never was asked it has
    from its parent, as long as ``inherited`` is true. ``placed`` says whether its cgroup is
    certain: a child stays in its parent's, unless a container runtime moves it. ``watched`` is
    true of the descendants of a watched command. Times are CLOCK_MONOTONIC in nanoseconds.
    """

    pid: int
    process: Process
    born_ns: int = 0
    ended_ns: int = 0
    inherited: bool = True
    placed: bool = True
    watched: bool = False
    forked: bool = False
    #: when it last began a program
    exec_ns: int = 0
    #: who bore its number before
    before: "Life | None" = None
    #: whether it may load npm packages, and of whom that was asked
    loads: tuple[Process, bool] | None = None
    #: whether it is another aibom, and of whom that was asked
    colleague: tuple[Process, bool] | None = None
    _acts: Acts | None = None

    @property
    def acts(self) -> Acts:
        """What it did, to be read only: most processes do nothing of it, and share that."""
        return self._acts or _NOTHING

    def acting(self) -> Acts:
        """Return what it did, to add to it."""
        if self._acts is None:
            self._acts = Acts()
        return self._acts


class Lives:
    """The processes of a node as events tell them; without events, as they are asked for."""

    def __init__(self, host: Host) -> None:
        """Ask ``host`` who a process is, when it begins a program."""
        self._host = host
        self._alive: dict[int, Life] = {}
        self._ended: deque[Life] = deque()
        self._last: dict[int, Life] = {}
        #: processes whose end no event told of, for ``buried``
        self._unburied: list[Life] = []
        self.forgotten = 0

    def __iter__(self) -> Iterator[Life]:
        """Give the processes that are alive."""
        return iter(list(self._alive.values()))

    def __len__(self) -> int:
        """Return how many processes are alive."""
        return len(self._alive)

    def processes(self) -> dict[int, Process]:
        """Return who lives, by process id."""
        return {life.pid: life.process for life in list(self._alive.values())}

    def get(self, pid: int) -> Life | None:
        """Return the living process with a number, if it is known."""
        return self._alive.get(pid)

    def seed(self, process: Process, asked_ns: int, *, watched: bool = False) -> Life:
        """Take a process that was met by a look; one that is known already is only refreshed.

        What was asked at ``asked_ns`` says nothing of a program that began later.
        """
        known = self._alive.get(process.pid)
        if known is not None and known.process.start_ticks in (0, process.start_ticks):
            if known.exec_ns > asked_ns:
                return known
            known.process, known.inherited, known.placed = process, False, True
            known.watched |= watched
            return known
        ended = self._last.get(process.pid)
        if known is not None:
            self._lose(known, time.monotonic_ns())
        elif ended is not None and ended.ended_ns > asked_ns:
            return ended  # between the question and now
        return self._begin(Life(process.pid, process, inherited=False, watched=watched))

    def _begin(self, life: Life) -> Life:
        """Remember who bears a number now, and for a while who bore it before."""
        before = self._last.get(life.pid)
        if before is not None:
            before.before = _recent(before.before, before.born_ns)
            life.before = before
        self._alive[life.pid] = life
        return life

    def take(self, event: ProcessEvent) -> Life | None:
        """Take an event; return the life that it changed, if it is known."""
        if event.kind == "fork":
            return self._fork(event)
        life = self._alive.get(event.pid)
        if event.kind == "exec":
            return self._exec(event, life)
        if life is not None:
            self._end(life, event.when_ns)
        return life

    def _fork(self, event: ProcessEvent) -> Life | None:
        stale = self._alive.pop(event.pid, None)
        if stale is not None:
            self._lose(stale, event.when_ns)
        if len(self._alive) >= MAX_ALIVE:
            self._lose(next(iter(self._alive.values())), event.when_ns)
            self.forgotten += 1
        parent = self._alive.get(event.parent) or self._last.get(event.parent)
        if parent is None:
            return None
        child = replace(parent.process, pid=event.pid, parent=event.parent, start_ticks=0)
        life = Life(
            event.pid,
            child,
            born_ns=event.when_ns,
            placed=parent.placed and (bool(child.cgroup.container_id) or not _starts(child)),
            watched=parent.watched,
            forked=True,
        )
        return self._begin(life)

    def _exec(self, event: ProcessEvent, life: Life | None) -> Life | None:
        process = self._ask(event.pid, life)
        if life is not None:
            life.exec_ns = event.when_ns
        if process is not None:
            if life is None:
                life = self._reborn(event, process)
            life.process, life.inherited, life.placed = process, False, True
        elif life is not None:
            # it ended before it could be asked: what it ran is not known, where it ran is
            life.process = replace(life.process, comm="", executable="", argv=())
        return life

    def _reborn(self, event: ProcessEvent, process: Process) -> Life:
        """Return a new life for a program that no fork told of.

        When a process's first thread ends before its others, that is told as an exit, and one of
        the others may still begin a program.
        """
        last = self._last.get(event.pid)
        same = last is not None and last.process.start_ticks == process.start_ticks
        life = Life(event.pid, process, watched=last.watched if last and same else False)
        life.exec_ns = event.when_ns
        return self._begin(life)

    def _ask(self, pid: int, life: Life | None) -> Process | None:
        """Return who a process is now, unless another one has its number by now."""
        try:
            raw = snapshot_of_exec(self._host, pid)
            process = identity(self._host, pid, raw)
        except (OSError, ValueError):
            return None
        if life is not None and life.born_ns:
            # asked each time: a suspended machine's clocks move apart
            boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
            started_ns = process.start_ticks * _TICK_NS - boot_ns
            if abs(started_ns - life.born_ns) > _SLACK_NS:
                return None
        return process

    def _end(self, life: Life, when_ns: int) -> None:
        life.ended_ns = when_ns
        if self._alive.get(life.pid) is life:
            del self._alive[life.pid]
        self._last[life.pid] = life
        self._ended.append(life)
        while self._ended and (
            len(self._ended) > MAX_ENDED
            or self._ended[0].ended_ns < when_ns - KEPT_SECONDS * 1_000_000_000
        ):
            gone = self._ended.popleft()
            if self._last.get(gone.pid) is gone:
                del self._last[gone.pid]

    def _lose(self, life: Life, when_ns: int) -> None:
        """Take the end of a process that no event told of."""
        self._end(life, when_ns)
        self._unburied.append(life)

    def buried(self, running: Collection[int]) -> list[Life]:
        """Return who ended without an event, given the numbers of all that run."""
        for life in list(self._alive.values()):
            if life.pid not in running:
                self._lose(life, time.monotonic_ns())
        found, self._unburied = self._unburied, []
        return found

    def of(self, pid: int, since_ns: int) -> Life | None:
        """Return whose act an event of process ``pid`` after ``since_ns`` was.

        None when nobody is known by that number, or when several bore it in that time in different
        places. When they bore it in one place, the place is told and not the program.
        """
        life = self._alive.get(pid) or self._last.get(pid)
        if life is None or life.born_ns <= since_ns:
            return life
        others = []
        other = life.before
        while other is not None and other.ended_ns >= since_ns:
            others.append(other)
            other = other.before
        if not others:
            return life
        if any(o.process.cgroup != life.process.cgroup or not o.placed for o in others):
            return None
        return _one_of(life)

    def meet(self, pid: int) -> Life | None:
        """Ask who a process is that no event told of. None when it has ended."""
        asked_ns = time.monotonic_ns()
        process = self._ask(pid, None)
        return self.seed(process, asked_ns) if process is not None else None

    def near(self, process: Process) -> Process | None:
        """Return a living process with the same root as ``process``, which may have ended."""
        if process.pid in self._alive:
            return process
        for life in list(self._alive.values()):
            other = life.process
            if (
                other.mount_namespace == process.mount_namespace
                and other.root == process.root
                and not life.inherited
            ):
                return other
        return None


def _starts(process: Process) -> bool:
    """Say whether a process's children may be moved into containers: runtimes and their shims."""
    # runc and crun run themselves again as /proc/self/exe
    return process.comm == "exe" or process.comm.startswith(_RUNTIMES)


def nobody(pid: int) -> Life:
    """Return the life of a process of which nothing is known but its number."""
    unknown = Process(pid, 0, 0, 0, 0, "", "", (), "", "/", "", "", Cgroup(), placed=False)
    return Life(pid, unknown, ended_ns=1, placed=False)


def _one_of(life: Life) -> Life:
    """Return a life that stands for several of one number: where they ran is known, and no more."""
    process = replace(life.process, comm="", executable="", argv=(), start_ticks=0)
    ended_ns = life.ended_ns or 1
    return Life(life.pid, process, ended_ns=ended_ns, placed=life.placed, watched=life.watched)


def _recent(life: Life | None, born_ns: int) -> Life | None:
    """Return who bore a number before, if that is recent enough to matter."""
    near = life is not None and life.ended_ns >= born_ns - KEPT_SECONDS * 1_000_000_000
    if near and life is not None:
        life.before = None  # two before the last are enough
        return life
    return None
