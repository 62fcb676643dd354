"""The thread that empties the kernel's queues, and notes whose every event was."""

import os
import select
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.events import files
from aibom.observe.events.files import FileEvents
from aibom.observe.events.overlays import OverlayEvents
from aibom.observe.events.processes import ProcessEvents
from aibom.observe.watch.code import CodeFolders, act_of
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.scripts import ScriptFolders, may_load
from aibom.observe.watch.turns import let_go

#: Seconds for which file events gather before they are read: waking up costs more than reading.
GATHER_SECONDS = 0.1
#: Most readings after the end was asked for: a storm need not end.
MAX_FINAL = 64
#: Most events of models and installations that wait for the main thread.
MAX_WAITING = 200_000
#: Most of them that may hold a descriptor open meanwhile.
MAX_DESCRIPTORS = 256
#: Most packages whose code one process opened that are remembered.
MAX_CODE = 5_000
# what ECMAScript and CommonJS modules end in besides .js
_SCRIPTS = frozenset({b".mjs", b".cjs"})
_CHANGED = files.WRITTEN | files.CREATED | files.RENAMED
_RARE = _CHANGED | files.OVERFLOW
# what installers write last: wheels' (PyPA, "Recording installed projects"), which conda keeps
# for Python packages as well, and npm's hidden lockfile (npm, package-lock.json)
_INSTALLED = frozenset({b"INSTALLER", b"RECORD", b".package-lock.json"})


@dataclass(slots=True)
class Batch:
    """What came in since the last one was taken.

    ``models`` and ``installs`` are events with the life whose act they are, None where that is
    not certain. ``begun`` are processes that began a program, ``ended`` those that ended,
    and ``telling`` those that opened code of AI software.
    """

    models: list[tuple[Life | None, FileEvent]] = field(default_factory=list)
    installs: list[tuple[Life | None, FileEvent]] = field(default_factory=list)
    begun: dict[int, Life] = field(default_factory=dict)
    telling: dict[int, Life] = field(default_factory=dict)
    ended: list[Life] = field(default_factory=list)
    overflows: int = 0
    dropped: int = 0
    mounted: bool = False


class Collector:
    """Reads events for as long as it runs; ``take`` gives what has come in."""

    def __init__(
        self,
        lives: Lives,
        file_events: Sequence[FileEvents | OverlayEvents],
        process_events: ProcessEvents | None,
        folders: tuple[CodeFolders, ScriptFolders],
        may_be_model: Callable[[bytes], bool],
    ) -> None:
        """Read from the sensors that there are; ``may_be_model`` judges files by their names.

        ``folders`` know those of Python's packages, and those of npm's.
        """
        #: the names below site-packages of Python packages that make a process worth a look
        self.telling: Collection[str] = ()
        #: called at once, in the collector's thread, when mounts have changed in our namespace
        self.on_mounts: Callable[[], None] = _nothing
        #: called at once with each process that began a program; some live for milliseconds
        self.on_program: Callable[[Life], None] = _nothing
        self.lives = lives
        self.lock = threading.Lock()
        self.woken = threading.Event()
        self.events = 0
        self._files = file_events
        self._processes = process_events
        self._code, self._scripts = folders
        self._may_be_model = may_be_model
        self._batch = Batch()
        self._ended: list[Life] = []
        self._since_ns = time.monotonic_ns()
        # proc_pid_mounts(5): poll(2) tells of changes, once each
        self._mounts = os.open("/proc/self/mounts", os.O_RDONLY | os.O_CLOEXEC)
        self._stop, self._stopper = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="aibom-events", daemon=True)
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read what is still waiting, and end."""
        os.write(self._stopper, b".")
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._stop)
        os.close(self._mounts)
        os.close(self._stopper)

    def take(self) -> Batch:
        """Return what has come in, and begin anew."""
        with self.lock:
            batch, self._batch = self._batch, Batch()
            self.woken.clear()
        return batch

    def _run(self) -> None:
        while self._goes_on(self._wait):
            pass
        # what happened before the end was asked for still counts
        self._goes_on(lambda: self._read(final=True))

    def _goes_on(self, work: Callable[[], object]) -> bool:
        """Do a piece of work; whatever happens in it, the sensors are read on."""
        try:
            return bool(work())
        except Exception as error:  # noqa: BLE001 - it is told, and the node is swept instead
            with self.lock:
                self.failure = error
                self._batch.overflows += 1
            self.woken.set()
            time.sleep(GATHER_SECONDS)
            return True

    def _wait(self) -> bool:
        """Wait for events and read them; False when it is time to end."""
        poll = select.poll()
        poll.register(self._stop, select.POLLIN)
        if self._processes is not None:
            poll.register(self._processes.fileno(), select.POLLIN)
        rest = GATHER_SECONDS - (time.monotonic_ns() - self._since_ns) / 1e9
        gathering = bool(self._files) and rest > 0
        sources = set() if gathering else {source.fileno() for source in self._files}
        for descriptor in sources:
            poll.register(descriptor, select.POLLIN)
        patience = rest * 1000 if gathering else 0 if self._ended else None
        poll.register(self._mounts, select.POLLPRI)
        ready = {descriptor for descriptor, _ in poll.poll(patience)}
        if self._mounts in ready:
            self.on_mounts()
            with self.lock:
                self._batch.mounted = True
            self.woken.set()
        if self._stop in ready:
            return False
        if self._processes is not None and self._processes.fileno() in ready:
            with self.lock:
                self._read_processes()
        if ready & sources or (self._ended and not gathering):
            self._read(final=False)
        return True

    def _read(self, *, final: bool) -> None:
        """Read file events, and after them the process events that tell whose they are."""
        for _ in range(MAX_FINAL if final else 1):
            # who ended before this reading has all of its events in it
            with self.lock:
                self._read_processes()
                ended, self._ended = self._ended, []
            found = [event for source in self._files for event in source.read()]
            with self.lock:
                self._read_processes()
                now = time.monotonic_ns()
                self._sort(found)
                self.events += len(found)
                self._batch.ended += ended
                self._since_ns = now
            if not found:
                return

    def _read_processes(self) -> None:
        if self._processes is None:
            return
        for event in self._processes.read():
            life = self.lives.take(event)
            if life is None:
                continue
            if event.kind == "exec":
                self._batch.begun[life.pid] = life
                self.on_program(life)
                self.woken.set()
            elif event.kind == "exit":
                self._ended.append(life)
                if life.watched:
                    self.woken.set()  # it may be the command that is watched

    def _sort(self, events: list[FileEvent]) -> None:
        """Take what tells something out of a reading.

        Every open on a node passes here, and most are of code inside a known package: for what
        tells nothing no call is made but that of the names.
        """
        may_be_model, inner_of = self._may_be_model, self._code.inner
        for event in events:
            mask, _, filesystem, folder, _, name, descriptor = event
            if name[-3:] == b".py" or name[-4:] == b".pyc":
                inner = inner_of((filesystem, folder)) if descriptor < 0 else None
                if inner is None or (inner is False and name[:9] == b"__init__."):
                    self._note_code(event)
            elif name[-3:] == b".js" or name[-4:] in _SCRIPTS or name == b"package.json":
                self._note_script(event)
            elif may_be_model(name):
                self._put(self._batch.models, event)
            elif mask & _RARE:
                self._sort_rare(event)
            elif descriptor >= 0:
                os.close(descriptor)

    def _sort_rare(self, event: FileEvent) -> None:
        if event.mask & files.OVERFLOW:
            self._batch.overflows += 1
            self.woken.set()
        elif event.name in _INSTALLED:
            self._put(self._batch.installs, event)
        else:
            let_go(event)

    def _put(self, waiting: list[tuple[Life | None, FileEvent]], event: FileEvent) -> None:
        if len(waiting) >= (MAX_WAITING if event.descriptor < 0 else MAX_DESCRIPTORS):
            self._batch.dropped += 1
            let_go(event)
            return
        waiting.append((self._life(event.pid), event))
        self.woken.set()

    def _life(self, pid: int) -> Life | None:
        life = self.lives.of(pid, self._since_ns)
        if life is None and pid > 0:
            # before its first event, or without process events
            life = self.lives.meet(pid)
        return life

    def _note_code(self, event: FileEvent) -> None:
        life = self.lives.of(event.pid, self._since_ns)
        tells = life is not None and _may_be_import(life, event)
        package = self._code.package(event) if tells else None
        let_go(event)
        if life is not None and package is not None and len(life.acts.code) < MAX_CODE:
            act = act_of(event, changed=bool(event.mask & _CHANGED))
            acts = life.acting()
            acts.code.add((*package, act))
            if act != "wrote-bytecode" and package[1].partition("/")[0] in self.telling:
                self._batch.telling[life.pid] = life
                self.woken.set()
            acts.reads_source |= act == "read-source"

    def _note_script(self, event: FileEvent) -> None:
        """Take an open of code or of a package.json by a process that may load packages."""
        life = self.lives.of(event.pid, self._since_ns)
        tells = life is not None and _may_load(life)
        changed = bool(event.mask & _CHANGED)
        use = self._scripts.use(event, changed=changed) if tells else None
        let_go(event)
        if life is not None and use is not None and len(life.acts.scripts) < MAX_CODE:
            life.acting().scripts.add(use)


def _may_load(life: Life) -> bool:
    """Say whether a process may load npm packages; asked once for each program that it runs."""
    if life.loads is None or life.loads[0] is not life.process:
        life.loads = (life.process, may_load(life.process))
    return life.loads[1]


def _may_be_import(life: Life, event: FileEvent) -> bool:
    """Say whether an event of code is worth asking where it lies; installers cause many.

    Who wrote the source in a folder does not import it from there, and bytecode that is written
    tells of an import only beside source that was read.
    """
    folder = (event.filesystem, event.folder)
    if not event.mask & _CHANGED:
        return folder not in life.acts.wrote
    if event.name.endswith(b".pyc"):
        return life.acts.reads_source
    if len(life.acts.wrote) < MAX_CODE:
        life.acting().wrote.add(folder)
    return False


def _nothing(*_: object) -> None:
    """Do nothing."""
