"""One process: what its files are, what it runs, and what it is joined to."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from aibom.formats.cpython.memory import InterpreterError
from aibom.formats.cpython.modules import ModuleTable
from aibom.formats.procfs import commandline
from aibom.formats.procfs.process import parse_stat
from aibom.observe.files import origin
from aibom.observe.files.content import Content, ContentReader, key_of, require_same
from aibom.observe.files.digests import Digests, PendingError, TooLargeError
from aibom.observe.files.settling import unhashed
from aibom.observe.host.protocol import FileStat, Host, OutsideRootError, RemoteFileSystemError
from aibom.observe.hubs.places import HubPlaces
from aibom.observe.identities import Identities
from aibom.observe.mcp.configs import McpConfigs
from aibom.observe.models import modelfile
from aibom.observe.models.folders import ModelFolders
from aibom.observe.models.leads import leads_of
from aibom.observe.packages.nodeprojects import NodeProjects
from aibom.observe.packages.programs import Programs
from aibom.observe.processes import RawProcess, file_uses, open_file, streams
from aibom.observe.python import remotecode
from aibom.observe.python.edited import edited, written_in
from aibom.observe.python.imports import Imported, Imports
from aibom.observe.python.pythonpath import Environments
from aibom.types.facts import ProcessFacts
from aibom.types.files import NO_KEY, UNKNOWN_ORIGIN, FileFacts, FileKey, FileUse, Origin
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import Binary, LoadedBy, LoadedPackage, Package, Program
from aibom.types.processes import Process
from aibom.types.rules import Feature, RuleSet
from aibom.types.unseen import Unseen

#: Largest script, in bytes, that is hashed so that an SBOM can name it.
MAX_SCRIPT = 16 << 20
#: Bytes at the start of a file too large to hash that its fingerprint covers.
FINGERPRINTED = 1 << 20
#: Most device files of one process that are kept.
MAX_DEVICES = 256
_MAP_REMEDY = "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH and CAP_CHECKPOINT_RESTORE"
_REMOTE_REMEDY = "scan where the file system is local, or copy the file there"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a process gave.

    ``watched`` are files whose content may change. ``matters`` says whether the process has
    anything to do with AI software, so that its connections are worth asking for. ``modules``
    is what its interpreter has imported, or why that could not be read.
    """

    facts: ProcessFacts
    unseen: tuple[Unseen, ...]
    watched: tuple[tuple[FileUse, FileKey], ...]
    matters: bool
    modules: ModuleTable | str | None = None


@dataclass
class _Draft:
    """A Look in the making."""

    process: Process
    runtime: int | None
    neighbour: Process
    places: HubPlaces
    folders: ModelFolders = field(init=False)
    models: list[ModelUse] = field(default_factory=list)
    binaries: list[Binary] = field(default_factory=list)
    packages: dict[tuple[str, str, str], LoadedPackage] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    unseen: dict[Unseen, None] = field(default_factory=dict)
    watched: list[tuple[FileUse, FileKey]] = field(default_factory=list)

    def miss(self, reason: Unseen) -> None:
        self.unseen[reason] = None


def imports_of(pid: int) -> str:
    """Return what is not seen where an interpreter's modules cannot be read."""
    return f"imports of process {pid}"


class Inspector:
    """Looks into processes. Everything read of a file is remembered by the file's identity."""

    def __init__(self, host: Host, rules: RuleSet, digests: Digests) -> None:
        """Read through ``host``, look for what ``rules`` know, and hash with ``digests``."""
        self.host = host
        self._rules = rules
        #: formats of what is known by its place, and never hashed
        self.stores = frozenset(rules.stores)
        self.python_names = rules.python_names
        self.digests = digests
        self.contents = ContentReader(host, rules)
        self.environments = Environments(host)
        self.programs = Programs(host, self.environments)
        self._projects = NodeProjects(host, self.programs, self._names_npm)
        self._imports = Imports(self.environments)
        self._configs = McpConfigs(host, rules)
        self._identities = Identities(host)

    def look(
        self, process: Process, raw: RawProcess, runtime: int | None, neighbour: Process
    ) -> Look:
        """Return what a process holds and runs.

        ``runtime`` mounted its container. ``neighbour`` is a process of the same mount namespace
        whose root is that of the namespace: after a chroot, a process's own mount table no
        longer shows where its files lie. Mostly it is the process itself.

        Raises FileNotFoundError or ProcessLookupError when the process ends meanwhile, and
        PermissionError when it may not be looked at.
        """
        draft = _Draft(process, runtime, neighbour, HubPlaces(self.host, process.pid))
        draft.folders = self._folders(draft)
        uses = file_uses(raw, process.root)
        folders = self.environments.folders(process, raw.argv, uses)
        for use, key, content in self._contents_of(draft, uses, raw):
            owner = self._owner(draft, use, folders) if use.kind == "mapped" else None
            self._take(draft, use, key, content, owner)
            if owner is not None:
                self._note_package(draft, use, key, owner)
        modules = self._modules(process.pid)
        self._take_modules(draft, modules, folders)
        table = modules if isinstance(modules, ModuleTable) else None
        for record in draft.places.unseen():
            draft.miss(record)
        program = self._program(draft, raw, folders)
        self._take_listed(draft, program)
        self._note_end(draft)
        facts = ProcessFacts(
            process=process,
            program=program,
            models=tuple(draft.models),
            binaries=tuple(draft.binaries),
            packages=tuple(draft.packages.values()),
            streams=streams(self.host, process.pid, raw),
            modules=len(table.modules) if table is not None else None,
            remote_code=remotecode.of(table, partial(self._beside, draft)) if table else (),
            devices=tuple(sorted(draft.devices)),
            leads=leads_of(self.host, process, self._rules.spellings),
        )
        facts = self._with_configs(draft, facts)
        matters = bool(facts.models or facts.binaries or self.runs_known(facts))
        if matters:
            bridges = self.environments.bridges(
                process.pid, folders, [one.package for one in facts.packages]
            )
            identities = self._identities.of(process)
            facts = replace(facts, identities=identities, bridges=bridges)
        return Look(facts, tuple(draft.unseen), tuple(draft.watched), matters, modules)

    def _with_configs(self, draft: _Draft, facts: ProcessFacts) -> ProcessFacts:
        """Add the configurations of MCP servers that the process would read."""
        configs, unseen = self._configs.of(
            facts.process, facts.program, facts.packages, facts.streams
        )
        for record in unseen:
            draft.miss(record)
        return replace(facts, configs=configs)

    def _modules(self, pid: int) -> ModuleTable | str | None:
        """Return what a Python process has imported, or why that cannot be read."""
        try:
            return self.host.modules(pid)
        except InterpreterError as error:
            return str(error)
        except (FileNotFoundError, ProcessLookupError):
            return None  # its end is noted once, for everything that was looked at
        except OSError as error:
            return error.strerror or str(error)

    def _take_modules(
        self, draft: _Draft, modules: ModuleTable | str | None, folders: list[str]
    ) -> None:
        """Note the packages that the interpreter's own list of modules proves."""
        pid = draft.process.pid
        if isinstance(modules, str):
            detail = f"{modules}; only what it maps and its command line were looked at"
            draft.miss(Unseen("unreadable", imports_of(pid), detail, "", pid))
        elif modules is not None:
            imported = self._imports.of(pid, modules, folders)
            written = written_in(self.host, self.host.mounts(pid), draft.runtime)
            for one in (*imported, *(edited(modules, imported, written) if written else ())):
                self._note_import(draft, one)
            if modules.subinterpreters:
                detail = f"{modules.subinterpreters} subinterpreters have imports of their own"
                subject = f"subinterpreters of process {pid}"
                draft.miss(Unseen("unreadable", subject, detail, "", pid))

    def _names_npm(self, name: str) -> bool:
        return bool(self._rules.asking_for(Feature("loads", "npm", name)))

    def _take_listed(self, draft: _Draft, program: Program) -> None:
        """Note what a script's own package depends on, of what rules name."""
        process = draft.process
        if commandline.is_javascript(process.executable) and program.path != process.executable:
            for package in self._projects.listed(process.pid, program.path):
                self._note_import(draft, Imported(package, package.location), "listed")

    def _note_import(self, draft: _Draft, one: Imported, how: LoadedBy = "imported") -> None:
        file = self._by_path(draft, one.path, hashed=False)
        if file is None:  # replaced since the import (an upgrade in place), or out of reach
            file = FileFacts(one.path, NO_KEY, UNKNOWN_ORIGIN)
        where = (one.package.ecosystem, one.package.location, file.origin.kind)
        draft.packages.setdefault(where, LoadedPackage(one.package, file, how))

    def _note_end(self, draft: _Draft) -> None:
        """Say it when the process ended, or another one took its number, during the look."""
        process = draft.process
        try:
            now = parse_stat(self.host.read(process.pid, "stat"))
            same = now.start_ticks == process.start_ticks
        except (OSError, ValueError):
            same = False
        if not same:
            detail = "ended while it was looked into; not all of its files could be read"
            draft.miss(Unseen("vanished", f"process {process.pid}", detail, "", process.pid))

    def runs_known(self, facts: ProcessFacts) -> bool:
        """Say whether a rule names what a process runs or loads."""
        program = facts.program
        asked = [
            Feature("runs", "program", program.name),
            Feature("runs", "module", program.module),
        ]
        # an SDK that the script's text names makes it worth a look at its sockets
        asked += [Feature("loads", "pypi", name.partition(".")[0]) for name in program.imports]
        for package in (program.package, *(p.package for p in facts.packages)):
            if package is not None:
                asked.append(Feature("loads", package.ecosystem, package.name))
                asked.append(Feature("runs", package.ecosystem, package.name))
        return any(self._rules.asking_for(feature) for feature in asked)

    def _program(self, draft: _Draft, raw: RawProcess, folders: list[str]) -> Program:
        process = draft.process
        program = self.programs.find(process, raw.argv, folders)
        if not program.path.startswith("/"):
            return program
        if program.path == process.executable:
            deleted = raw.executable.endswith(" (deleted)")
            use = FileUse(program.path, "executable", "exe", "", 0, deleted=deleted)
            stat = self.host.stat_use
        else:
            use = FileUse(program.path, "open", "", "", 0)
            stat = self._stat_by_path
        try:
            key = key_of(stat(process.pid, use), self.host.mounts(process.pid))
        except OSError:
            return program  # replaced or removed after the start: the name is still what was run
        own_script = program.package is None and use.kind == "open" and key.size <= MAX_SCRIPT
        return replace(program, file=self._facts(draft, use, key, hashed=own_script))

    def folders_near(self, process: Process, runtime: int | None) -> ModelFolders:
        """Return a reader of what lies beside models in the root of a process.

        What it cannot read is not noted: the process is a neighbour of those that used a model.
        """
        return self._folders(_Draft(process, runtime, process, HubPlaces(self.host, process.pid)))

    def _folders(self, draft: _Draft) -> ModelFolders:
        beside = partial(self._beside, draft)
        return ModelFolders(self.host, draft.process.pid, beside, self._rules.extensions)

    def _beside(self, draft: _Draft, path: str) -> FileFacts | None:
        """Return what is said of a file that lies beside a model, None where it cannot be read."""
        return self._by_path(draft, path, hashed=True)

    def _by_path(self, draft: _Draft, path: str, *, hashed: bool) -> FileFacts | None:
        use = FileUse(path, "open", "", "", 0)
        pid = draft.process.pid
        try:
            key = key_of(self._stat_by_path(pid, use), self.host.mounts(pid))
        except OSError:
            return None
        return self._facts(draft, use, key, hashed=hashed)

    def _stat_by_path(self, pid: int, use: FileUse) -> FileStat:
        return self.host.stat_in_root(pid, use.path)

    def unchanged(self, look: Look) -> bool:
        """Say whether the files that mattered in an earlier look still have the same content."""
        pid = look.facts.process.pid
        if any(self.digests.is_due(file) for file in unhashed(look.facts)):
            return False
        # its maps are as they were, so a process without a Python still has none
        if look.modules is not None and self._modules(pid) != look.modules:
            return False
        try:
            return all(
                key_of(self.host.stat_use(pid, use), self.host.mounts(pid)) == key
                for use, key in look.watched
            )
        except OSError:
            return False

    def _contents_of(
        self, draft: _Draft, uses: tuple[FileUse, ...], raw: RawProcess
    ) -> Iterator[tuple[FileUse, FileKey, Content]]:
        seen: set[tuple[FileKey, bool]] = set()
        for listed in uses:
            use = listed
            try:
                use = self._as_it_is_now(draft.process, listed, raw)
                found = self.host.stat_use(draft.process.pid, use)
                if not found.regular:
                    self._note_irregular(draft, use)
                    continue
                key = key_of(found, self.host.mounts(draft.process.pid))
                use = self._with_its_name(draft, use, found)
                # what was mapped as data first may be mapped as a program as well
                if (key, use.runs) not in seen:
                    seen.add((key, use.runs))
                    yield use, key, self.contents.classify(draft.process.pid, use, key)
            except OSError as error:
                _note_error(draft, use, error)

    def _as_it_is_now(self, process: Process, use: FileUse, raw: RawProcess) -> FileUse:
        """Return what a descriptor leads to now: content and path must be of one moment.

        Raises FileNotFoundError when it no longer leads to a file.
        """
        if not use.handle.startswith("fd/"):
            return use
        number = int(use.handle.removeprefix("fd/"))
        target = self.host.link(process.pid, use.handle)
        if target == raw.links[number]:
            return use
        now = open_file(number, target, process.root)
        if now is None:
            raise FileNotFoundError(use.path)
        return now

    def _with_its_name(self, draft: _Draft, use: FileUse, found: FileStat) -> FileUse:
        """Tell a file whose name ends in " (deleted)" from one that was deleted."""
        if not use.deleted or not found.links or not use.path.startswith("/"):
            return use
        path = f"{use.path} (deleted)"
        try:
            literal = self.host.stat_in_root(draft.process.pid, path).inode == found.inode
        except OSError:
            return use
        return replace(use, path=path, deleted=False) if literal else use

    def _note_irregular(self, draft: _Draft, use: FileUse) -> None:
        """Keep a device file that rules name; say it of what only bears a model's name."""
        device = Feature("holds", "device", use.path)
        named = not (use.deleted or use.escapes) and self._rules.asking_for(device)
        if named and len(draft.devices) < MAX_DEVICES:
            draft.devices.add(use.path)
        if use.path.lower().endswith(self._rules.extensions):
            detail = "bears a model's name and is no regular file"
            draft.miss(Unseen("not-regular", use.path, detail, "", draft.process.pid))

    def _take(
        self, draft: _Draft, use: FileUse, key: FileKey, content: Content, owner: Package | None
    ) -> None:
        header = content.header
        if content.kind == "other":
            header = modelfile.data_header(use.path)
        if header is not None:
            # what changes as it is used is known by its place
            hashed = header.format not in self.stores
            file = self._facts(draft, use, key, hashed=hashed)
            model = modelfile.describe(file, header, draft.places, draft.folders)
            draft.models.append(ModelUse(model, use))
            draft.watched.append((use, key))
        elif content.binary is not None:
            found = content.binary
            facts = FileFacts(use.path, key, Origin("unknown"))
            binary = Binary(facts, found.soname, found.symbols, found.modules, owner)
            if self._rules.knows(binary):
                facts = self._facts(draft, use, key, hashed=owner is None)
                draft.binaries.append(replace(binary, file=facts))
        if content.damage:
            detail = f"damaged header: {content.damage}"
            draft.miss(Unseen("damaged", use.path, detail, "", draft.process.pid))

    def _note_package(self, draft: _Draft, use: FileUse, key: FileKey, package: Package) -> None:
        """Note the package that a mapped file belongs to, once per package and origin."""
        file = self._facts(draft, use, key, hashed=False)
        where = (package.ecosystem, package.location, file.origin.kind)
        draft.packages.setdefault(where, LoadedPackage(package, file))

    def _owner(self, draft: _Draft, use: FileUse, folders: list[str]) -> Package | None:
        pid = draft.process.pid
        if "/node_modules/" in use.path and (use.runs or use.path.endswith(".node")):
            return self.programs.node_package(pid, use.path)
        for folder in folders:
            if use.path.startswith(folder + "/"):
                environment = self.environments.at(pid, folder)
                relative = use.path.removeprefix(folder + "/")
                if environment is not None and (package := environment.owner(pid, relative)):
                    return package
        return None

    def _facts(self, draft: _Draft, use: FileUse, key: FileKey, *, hashed: bool) -> FileFacts:
        try:
            seen_from_root = use
            moved = draft.neighbour is not draft.process and not use.escapes
            if moved and use.path.startswith("/"):
                seen_from_root = replace(use, path=draft.process.root.rstrip("/") + use.path)
            place = origin.origin_of(self.host, draft.neighbour, seen_from_root, key, draft.runtime)
        except (FileNotFoundError, ProcessLookupError):
            place = Origin("unknown")  # it ends; that is noted once for everything
        except OSError as error:
            place = Origin("unknown")
            detail = f"layers of the container: {error.strerror}"
            remedy = "give aibom the host's files (--path.rootfs) and the right to read them"
            draft.miss(Unseen("denied", f"origin of {use.path}", detail, remedy, draft.process.pid))
        file = FileFacts(use.path, key, place)
        return self._hashed(draft, use, file) if hashed else file

    def _hashed(self, draft: _Draft, use: FileUse, file: FileFacts) -> FileFacts:
        """Add the digest of a file, or of its head where it is too large to be hashed."""
        pid = draft.process.pid
        try:
            # a script is known by its path alone
            opened = (
                self.host.open_use(pid, use)
                if use.handle
                else self.host.open_in_root(pid, use.path)
            )
            try:
                require_same(opened, file.key, self.host.mounts(pid))
                group = draft.process.cgroup.container_id or draft.process.cgroup.unit
                return replace(file, sha256=self.digests.sha256(opened, file.key, group))
            except PendingError:
                return replace(file, pending=True)
            except TooLargeError:
                detail = f"{file.size} bytes are above the limit for hashing"
                draft.miss(Unseen("too-large", use.path, detail, "raise --hash-limit", pid))
                head = hashlib.sha256(opened.read(0, FINGERPRINTED)).hexdigest()
                return replace(file, head_sha256=head)
            finally:
                opened.close()
        except OSError as error:
            _note_error(draft, use, error)
        return file


def _note_error(draft: _Draft, use: FileUse, error: OSError) -> None:
    pid = draft.process.pid
    if isinstance(error, RemoteFileSystemError):
        if not use.runs:
            detail = error.strerror or ""
            draft.miss(Unseen("remote-filesystem", use.path, detail, _REMOTE_REMEDY, pid))
    elif isinstance(error, FileNotFoundError | ProcessLookupError):
        pass  # let go of between the listing and the look: normal, and no longer held
    elif isinstance(error, OutsideRootError):
        draft.miss(Unseen("outside-root", use.path, error.strerror or "", _MAP_REMEDY, pid))
    elif isinstance(error, PermissionError):
        draft.miss(Unseen("denied", use.path, error.strerror or "", _MAP_REMEDY, pid))
    else:
        draft.miss(Unseen("unreadable", use.path, error.strerror or str(error), "", pid))
