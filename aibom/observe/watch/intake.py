"""What events mean: uses of models, arrivals, installations and imports of processes."""

import os
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from aibom.formats.events.fanotify import FileEvent
from aibom.formats.text import printable
from aibom.observe.events import files
from aibom.observe.watch.account import Account
from aibom.observe.watch.arrivals import Arrivals
from aibom.observe.watch.history import IN_FLIGHT, History
from aibom.observe.watch.imports import OpenedPackages
from aibom.observe.watch.installs import Installs
from aibom.observe.watch.lives import Life, nobody
from aibom.observe.watch.loads import LoadedScripts
from aibom.observe.watch.schedule import Schedule
from aibom.observe.watch.sightings import ChangingError, Sightings, kind_of
from aibom.observe.watch.views import Views
from aibom.types.files import UseKind
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Process
from aibom.types.unseen import Unseen

#: Seconds for which a written file is left alone, as the next write may follow at once.
SETTLE_SECONDS = 0.3
#: Seconds that files which were written take of one round: what is known by then is told first.
TAKE_SECONDS = 1.0
#: Most downloads that wait to be told of.
MAX_ARRIVING = 1_000
#: Most looks at a file that is being written to, each after twice the time: for some minutes.
MAX_TRIES = 9
_WRITES = files.WRITTEN | files.RENAMED
_IN_FLIGHT = tuple(os.fsencode(ending) for ending in IN_FLIGHT)


class _Waiting(NamedTuple):
    """A file that is left alone for a while, and whose act is told of it then."""

    until: float
    life: Life
    event: FileEvent
    tries: int
    own_opens: int


@dataclass(slots=True)
class Intake:
    """Takes events one by one and notes what they show in the history.

    Looks at users of models are planned in ``schedule``, what cannot be seen goes to ``account``.
    """

    history: History
    sightings: Sightings
    arrivals: Arrivals
    installs: Installs
    packages: OpenedPackages
    loads: LoadedScripts
    views: Views
    schedule: Schedule
    account: Account
    _settling: dict[tuple[bytes, bytes, Life, UseKind], _Waiting] = field(default_factory=dict)
    _arriving: list[tuple[Life, str]] = field(default_factory=list)

    def arriving(self) -> list[tuple[Life, str]]:
        """Return what began to arrive since the last time, in words, and by whom."""
        found, self._arriving = self._arriving, []
        return found

    def model(self, user: Life | None, event: FileEvent) -> None:
        """Take an event of a file that bears a model's name; its descriptor is closed."""
        life = user if user is not None else nobody(event.pid)
        try:
            if event.mask & (files.CREATED | _WRITES):
                self._note_writer(life, event)
            if event.mask & _WRITES and event.descriptor < 0:
                # the open of a write is told with its close, or was told before
                alone = bool(event.mask & files.WRITTEN) and not event.mask & files.OPENED
                self._wait(life, event, own_opens=int(alone))
            elif event.mask & (files.OPENED | _WRITES) and not event.name.endswith(_IN_FLIGHT):
                self._see(life, event)
        finally:
            if event.descriptor >= 0:
                os.close(event.descriptor)

    def _note_writer(self, life: Life, event: FileEvent) -> None:
        self.arrivals.meet(life)
        if event.mask & files.CREATED and event.name.endswith(_IN_FLIGHT):
            name = printable(os.fsdecode(event.name), 200)
            writer = life.process.comm or "a process that ended too soon"
            said = f"{name} arrives, written by {writer} (pid {life.pid})"
            self._arriving.append((life, printable(said, 500)))
            del self._arriving[:-MAX_ARRIVING]

    def install(self, life: Life, event: FileEvent) -> None:
        """Take the writing of an installer's own record."""
        self.installs.note(life, event)

    def settle(self, *, everything: bool = False) -> None:
        """Take the files that nobody has written to for a while, or all that were written."""
        now = time.monotonic()
        due = [k for k, waits in self._settling.items() if everything or waits.until <= now]
        for key in due:
            if not everything and time.monotonic() - now > TAKE_SECONDS:
                self.schedule.settle_at(now)
                break
            waits = self._settling.pop(key)
            tries = MAX_TRIES if everything else waits.tries
            with self.account.guarded(waits.life.pid):
                self._see(waits.life, waits.event, tries, waits.own_opens)
        with self.account.guarded(0):
            for life, one in self.installs.settled(everything=everything):
                self.history.installed(life, one)
                if life.ended_ns:
                    self.history.end(life)

    def _see(self, life: Life, event: FileEvent, tries: int = 0, own_opens: int = 0) -> None:
        try:
            seen = self.sightings.see(life, event)
        except ChangingError:
            seen = self._again(life, event, tries, own_opens)
        if isinstance(seen, Unseen):
            self.account.miss(seen)
            return
        if kind_of(event.mask) == "written":
            # whatever it is by its content, somebody may read it as a model later
            file = self.sightings.file_of(event)
            if file is not None:
                name = (event.filesystem, event.file) if event.file else file[:2]
                container = self._container(life.process)
                self.history.arrived(name, file, self.arrivals.of(life, event, container))
        if seen is None:
            return
        self.account.counts.uses += 1
        self.account.counts.unattributed += not life.placed
        self.history.use(life, seen, own_opens)
        if life.ended_ns:
            self.history.end(life)
        else:
            self.schedule.used(life)

    def _again(self, life: Life, event: FileEvent, tries: int, own_opens: int) -> Unseen | None:
        """Plan another look at a file that is being written to."""
        if tries >= MAX_TRIES or event.descriptor >= 0:
            subject = f"file {printable(os.fsdecode(event.name), 300)}"
            return Unseen("unreadable", subject, "changed at every look", "", life.pid)
        self._wait(life, event, tries + 1, own_opens)
        return None

    def _wait(self, life: Life, event: FileEvent, tries: int = 0, own_opens: int = 0) -> None:
        until = time.monotonic() + SETTLE_SECONDS * 2 ** max(0, tries - 1)
        # a writer that goes on writing is one; a reader meanwhile is another
        key = (event.filesystem, event.file, life, kind_of(event.mask))
        if (waiting := self._settling.get(key)) is not None:
            own_opens += waiting.own_opens
        self._settling[key] = _Waiting(until, life, event, tries, own_opens)
        self.schedule.settle_at(until)

    def _container(self, process: Process) -> str:
        container = self.views.containers.get(process.cgroup.container_id)
        return (container.name or container.id[:12]) if container is not None else ""

    def end(self, life: Life) -> None:
        """Take the end of a process."""
        self.imports(life)
        self.history.end(life)

    def imports(self, life: Life) -> None:
        """Take what a process imported since its last look."""
        self.scripts(life)
        if life.acts.code:
            self._note_loaded(life, self.packages.of(life))

    def scripts(self, life: Life) -> None:
        """Take the npm packages that a process loaded since the last time."""
        if life.acts.scripts:
            self._note_loaded(life, self.loads.of(life))

    def _note_loaded(self, life: Life, loaded: list[LoadedPackage] | None) -> None:
        if loaded is None:
            subject = f"imports of process {life.pid}"
            detail = "nothing of its container was left when it had ended"
            self.account.miss(Unseen("vanished", subject, detail, "", life.pid))
        elif loaded:
            self.history.packages(life, loaded)
