"""One process from its beginning to its end, as looks and events told of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from aibom.formats.procfs import commandline
from aibom.formats.text import printable
from aibom.observe.files.settling import Settle, current, settled_facts, settled_use
from aibom.observe.watch.lives import Life
from aibom.observe.watch.moments import Moments
from aibom.types.facts import ProcessFacts
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import LoadedPackage, Program
from aibom.types.processes import Connection, Process

#: Most connections that are kept of one process.
MAX_CONNECTIONS = 1_000

_Use = tuple[str, str, int, str]


@dataclass(slots=True)
class Record:
    """What was seen of one process, or of several ended ones that were alike."""

    process: Process
    program_ns: int = 0
    look: ProcessFacts | None = None
    uses: dict[_Use, ModelUse] = field(default_factory=dict)
    packages: dict[str, LoadedPackage] = field(default_factory=dict)
    installed: dict[str, LoadedPackage] = field(default_factory=dict)
    connections: dict[Connection, None] = field(default_factory=dict)
    #: by path and inode, how many of a file's opens were those of its writes
    own_opens: dict[tuple[str, int], int] = field(default_factory=dict)
    moments: Moments = field(default_factory=Moments)
    #: when it ended, by the monotonic clock, and the last one like it
    ended: float = 0.0

    def facts(self) -> ProcessFacts:
        """Return everything that was seen of it."""
        base = self.look or ProcessFacts(self.process, program_of(self.process))
        looked = [p for p in base.packages if not (p.how == "listed" and self._tells_loads())]
        # what was only listed says less than an event
        loaded = {p.package.location for p in looked if p.how != "listed"}
        more = [p for at, p in self.packages.items() if at not in loaded]
        held = [use for use in base.models if not self._was_unfinished(use)]
        return replace(
            base,
            models=tuple(current((*held, *self._by_events(held)))),
            packages=(*looked, *more),
            installed=tuple(self.installed.values()),
            connections=tuple(sorted({*base.connections, *self.connections})),
            when=dict(self.moments.spans),
        )

    def _tells_loads(self) -> bool:
        """Say whether events told what npm packages it loaded, from its program's beginning."""
        return self.program_ns > 0 and any(
            one.package.ecosystem == "npm" for one in self.packages.values()
        )

    def _was_unfinished(self, use: ModelUse) -> bool:
        """Say whether a look saw a file that the process went on writing."""
        key = use.model.file.key
        written = self.uses.get((use.model.file.path, "written", key.inode, ""))
        return written is not None and written.model.file.key != key

    def _by_events(self, held: Iterable[ModelUse]) -> list[ModelUse]:
        """Return the uses that only events told of."""
        known = {(u.model.file.path, u.model.file.key.inode) for u in held}
        found, own = [], dict(self.own_opens)
        for (path, kind, inode, _), use in self.uses.items():
            if kind == "written":
                found.append(use)
                continue
            taken = min(use.times, own.get((path, inode), 0))
            own[path, inode] = own.get((path, inode), 0) - taken
            if use.times > taken and (path, inode) not in known:
                found.append(replace(use, times=use.times - taken))
        return found

    def settle(self, settle: Settle) -> bool:
        """Take digests that have become known; say whether there are any."""
        look = settled_facts(self.look, settle) if self.look is not None else None
        uses = [(use, settled_use(use, settle)) for use in self.uses.values()]
        if look is self.look and all(before is after for before, after in uses):
            return False
        self.look, self.uses = look, {}
        for _, use in uses:
            self.put(use)
        return True

    def put(self, use: ModelUse) -> None:
        """Note the use of a model, as one more of those that are known."""
        known = self.uses.get(key := key_of(use))
        # the newest content counts, however often the file was used
        self.uses[key] = replace(use, times=known.times + use.times) if known else use

    def is_pending(self) -> bool:
        """Say whether the digest of anything that it used is still computed."""
        held = self.look.models if self.look is not None else ()
        return any(use.model.file.pending for use in (*held, *self.uses.values()))

    def likeness(self) -> tuple[object, ...]:
        """Return what ended processes have in common that are kept as one."""
        process = self.process
        look = self.look
        return (
            process.cgroup,
            process.placed,
            process.executable,
            process.argv,
            frozenset(self.uses),
            frozenset(self.packages),
            frozenset(self.installed),
            frozenset(self.connections),
            frozenset(p.package.location for p in look.packages) if look else None,
            frozenset(u.model.file.path for u in look.models) if look else None,
            look.devices if look else (),
        )

    def add(self, other: "Record") -> None:
        """Count what a like process did."""
        self.moments.add(other.moments)
        for key, use in other.uses.items():
            mine = self.uses[key]
            self.uses[key] = replace(mine, times=mine.times + use.times)
        seen = (*(other.look.connections if other.look else ()), *other.connections)
        for connection in seen:
            if len(self.connections) < MAX_CONNECTIONS:
                self.connections[connection] = None
        for file, opens in other.own_opens.items():
            self.own_opens[file] = self.own_opens.get(file, 0) + opens


def key_of(use: ModelUse) -> _Use:
    """Return what tells uses of one process apart."""
    # of a file that is written to the content counts that it ends with
    content = "" if use.use.kind == "written" else use.model.file.sha256
    return (use.model.file.path, use.use.kind, use.model.file.key.inode, content)


def began_anew(record: Record, life: Life) -> bool:
    """Say whether a process began another program; a title that it gives itself is none."""
    same = record.process.executable == life.process.executable
    return record.program_ns != life.exec_ns or not same


def tells(facts: ProcessFacts) -> bool:
    """Say whether anything but a name was seen of a process."""
    return bool(
        facts.models or facts.binaries or facts.packages or facts.installed or facts.connections
    )


def merged(earlier: ProcessFacts, later: ProcessFacts) -> ProcessFacts:
    """Return two looks at one process as one: what was seen once was there."""
    models = {(u.model.file.path, u.model.file.key, u.use.kind): u for u in earlier.models}
    models |= {(u.model.file.path, u.model.file.key, u.use.kind): u for u in later.models}
    packages = {(p.package.location, p.file.origin.kind): p for p in earlier.packages}
    packages |= {(p.package.location, p.file.origin.kind): p for p in later.packages}
    code = {(c.repository, c.commit): c for c in (*earlier.remote_code, *later.remote_code)}
    binaries = {b.file.key: b for b in (*earlier.binaries, *later.binaries)}
    configs = {c.path: c for c in (*earlier.configs, *later.configs)}
    return replace(
        later,
        configs=tuple(sorted(configs.values())),
        models=tuple(models.values()),
        packages=tuple(packages.values()),
        binaries=tuple(binaries.values()),
        devices=tuple(sorted({*earlier.devices, *later.devices})),
        connections=tuple(sorted({*earlier.connections, *later.connections})),
        remote_code=tuple(code.values()),
        identities=tuple(sorted({*earlier.identities, *later.identities})),
        bridges=tuple(sorted({*earlier.bridges, *later.bridges})),
    )


def program_of(process: Process) -> Program:
    """Return what a process ran as far as its command line alone tells."""
    run = commandline.parse(process.executable, process.argv)
    if run.module:
        return Program(printable(run.module, 200), module=run.module)
    path = run.script or process.executable
    return Program(path.rpartition("/")[2], path if path.startswith("/") else "")
