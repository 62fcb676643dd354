"""Configuration files of MCP clients, where a process would read them: its folder, its home."""

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from aibom.formats.mcp.config import MAX_CONFIG, parse
from aibom.formats.source import FormatError
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.types.mcp import ClientRule, ConfigFile
from aibom.types.mcpfacts import McpConfig
from aibom.types.packages import LoadedPackage, Program
from aibom.types.processes import Process, Stream
from aibom.types.rules import Feature, RuleSet
from aibom.types.unseen import Unseen

#: How many folders above the one that a process works in may be its project's.
MAX_PARENTS = 3
#: Most files that one pattern may name.
MAX_FILES = 50
#: The user database (passwd(5)), which names the homes of users.
ACCOUNTS = "/etc/passwd"
#: Most servers of all configurations of one process.
MAX_SERVERS = 500
_MAX_PASSWD = 1 << 20
# rules of these kinds name software that has MCP clients in it
_CLIENT_KINDS = frozenset({"agent-framework", "mcp-sdk"})
_JAVASCRIPT = frozenset({"node", "nodejs", "bun", "deno"})


class McpConfigs:
    """Finds the configurations of processes that may be MCP clients."""

    def __init__(self, host: Host, rules: RuleSet) -> None:
        """Read through ``host`` the files that ``rules`` know."""
        self._host = host
        self._rules = rules

    def of(
        self,
        process: Process,
        program: Program,
        packages: tuple[LoadedPackage, ...],
        streams: tuple[Stream, ...],
    ) -> tuple[tuple[McpConfig, ...], tuple[Unseen, ...]]:
        """Return the configurations that a process would read, and what could not be read.

        A known client has its own files and no others. Any other program that may be a client
        has those of every client: which it reads is for the servers that it started to tell.
        """
        known = [rule for rule in self._rules.clients if _is(rule, process, program)]
        # what JavaScript loads is not seen; one that holds more than its own stdio may have
        # started a server
        node = posixpath.basename(process.executable) in _JAVASCRIPT and len(streams) > 3
        likely = bool(known) or self._may_be_client(program, packages)
        if not likely and not node:
            return (), ()
        found: dict[str, McpConfig] = {}
        unseen: dict[Unseen, None] = {}
        for rule in known or self._rules.clients:
            for file, path in self._paths(process, rule):
                try:
                    servers = parse(self._read(process.pid, path), file)
                except FileNotFoundError:
                    continue
                except (OSError, FormatError) as error:
                    missed = _missed(error, path, process.pid)
                    unseen |= {missed: None} if missed is not None else {}
                    continue
                own = bool(known) or (likely and not rule.read_by and file.place == "project")
                _note(found, McpConfig(path, rule.id, servers, own))
        if sum(len(config.servers) for config in found.values()) > MAX_SERVERS:
            subject = f"MCP configurations of process {process.pid}"
            many = Unseen("too-large", subject, f"more than {MAX_SERVERS} servers", "", process.pid)
            return (), (*unseen, many)
        return tuple(sorted(found.values())), tuple(unseen)

    def _may_be_client(self, program: Program, packages: tuple[LoadedPackage, ...]) -> bool:
        names = [Feature("loads", p.package.ecosystem, p.package.name) for p in packages]
        names += [Feature("loads", "pypi", name.partition(".")[0]) for name in program.imports]
        names += [Feature("runs", "program", program.name)]
        if program.package is not None:
            own = program.package
            names += [Feature("loads", own.ecosystem, name) for name in (own.name, *own.requires)]
            names.append(Feature("runs", own.ecosystem, own.name))
        return any(
            rule.kind in _CLIENT_KINDS for n in names for rule, _ in self._rules.asking_for(n)
        )

    def _paths(self, process: Process, rule: ClientRule) -> Iterator[tuple[ConfigFile, str]]:
        home = self._home(process)
        for file in rule.files:
            folders = [home] if file.place == "home" else _project(process.cwd, home)
            for folder in folders if home or file.place == "project" else ():
                path = posixpath.join(folder, file.path)
                for one in self._matching(process.pid, path):
                    yield file, one

    def _matching(self, pid: int, path: str) -> list[str]:
        folder, _, name = path.rpartition("/")
        if "*" not in name:
            return [path]
        try:
            names = self._host.list_in_root(pid, folder)
        except OSError:
            return []
        return [f"{folder}/{n}" for n in names if fnmatchcase(n, name)][:MAX_FILES]

    def _read(self, pid: int, path: str) -> bytes:
        data = read_in_root(self._host, pid, path, MAX_CONFIG + 1)
        if len(data) > MAX_CONFIG:
            raise FormatError(f"larger than {MAX_CONFIG} bytes")
        return data

    def _home(self, process: Process) -> str:
        """Return a process's home: HOME, as programs take it, or what the user database says."""
        said = process.environment.get("HOME", "")
        if said.startswith("/"):
            return posixpath.normpath(said)
        try:
            data = read_in_root(self._host, process.pid, ACCOUNTS, _MAX_PASSWD)
        except OSError:
            return ""
        # passwd(5): name, password, user id, group id, comment, home, shell
        for line in data.decode("utf-8", "replace").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and fields[2] == str(process.uid) and fields[5].startswith("/"):
                return posixpath.normpath(fields[5])
        return ""


def _is(rule: ClientRule, process: Process, program: Program) -> bool:
    """Say whether a process is the client that a rule is about."""
    runs = {("program", program.name), ("module", program.module)}
    # a script's link bears the name by which people call the client
    runs |= {("program", posixpath.basename(word)) for word in process.argv[:2]}
    if program.package is not None:
        runs.add((program.package.ecosystem, program.package.name))
    return any(wanted in runs for wanted in rule.read_by)


def _project(cwd: str, home: str) -> list[str]:
    """Return the folder that a process works in and those above it that may be its project's."""
    folders = [cwd] if cwd.startswith("/") else []
    while folders and len(folders) <= MAX_PARENTS:
        parent = posixpath.dirname(folders[-1])
        if parent in ("/", home) or parent == folders[-1]:
            break
        folders.append(parent)
    return folders


def _note(found: dict[str, McpConfig], config: McpConfig) -> None:
    """Add what one rule read in a file to what the others did: each server of it once."""
    known = found.get(config.path)
    if known is not None:
        servers = tuple(sorted({*known.servers, *config.servers}))
        config = replace(known if known.own else config, servers=servers)
    if config.servers:
        found[config.path] = config


def _missed(error: Exception, path: str, pid: int) -> Unseen | None:
    subject = f"MCP configuration {path}"
    if isinstance(error, FormatError):
        return Unseen("damaged", subject, str(error), "", pid)
    if isinstance(error, PermissionError):
        return Unseen("denied", subject, error.strerror or "", "run as root", pid)
    return None  # no folder where one would be, no regular file, or the process has ended
