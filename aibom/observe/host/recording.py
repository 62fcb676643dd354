"""Recording a node: a host that notes every answer it gives, so that they can be replayed.

What a sweep reads is what is recorded, and nothing else: of a model only the header, of a script
only its import lines, of a container's bundle only its annotations, of an environment only the
variables that aibom itself uses. Command lines are recorded with their secrets hidden.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from aibom.formats.cpython.memory import InterpreterError
from aibom.formats.cpython.modules import ModuleTable
from aibom.formats.hubs.records import is_record
from aibom.formats.identity import google, jwt
from aibom.formats.jsontext import load_object
from aibom.formats.mcp import config
from aibom.formats.mcp.messages import McpReply
from aibom.formats.models.examine import examine
from aibom.formats.procfs.mountinfo import MountTable, parse
from aibom.formats.procfs.process import parse_cmdline
from aibom.formats.redact import redact, redact_argv
from aibom.formats.source import FormatError
from aibom.observe.files.binaries import MAGIC
from aibom.observe.host.protocol import FileStat, Host, HostFile
from aibom.observe.host.recorded import INDEX, SCHEMA, Pieces, RecordedFile, call_key
from aibom.observe.mcp.configs import ACCOUNTS
from aibom.observe.models.documents import is_document
from aibom.observe.processes import environment_of
from aibom.types.files import FileUse
from aibom.types.mcp import ClientRule, ConfigFile
from aibom.types.processes import Connection
from aibom.types.rules import RuleSet

_T = TypeVar("_T")
# files of the packaging world, which are kept whole; anything else read as text is a script
_METADATA = re.compile(
    r"/(?:METADATA|PKG-INFO|RECORD|top_level\.txt|\.?package(?:-lock)?\.json"
    r"|[^/]+\.egg-info)$"
)
_IMPORT_LINE = re.compile(rb"^[ \t]*(?:from|import)[ \t].*$", re.MULTILINE)


# calls whose first argument is no process id
_NOT_OF_PROCESSES = frozenset({"sha256", "git_sha1", "stat_in_layer", "read_on_host"})


def _names_content(answer: dict[str, Any]) -> bool:
    return isinstance(answer.get("value"), dict) and "id" in answer["value"]


def _identifier(found: FileStat) -> str:
    return f"{found.device}-{found.inode}-{found.ctime_ns}"


def _is_wanted(pieces: Pieces, found: FileStat, rules: RuleSet) -> bool:
    file = RecordedFile(pieces, found, None)
    return file.read(0, len(MAGIC)) == MAGIC or examine(file, rules) is not None


class _TeeFile:
    """An open file whose every read is noted, as far as ``keep`` lets it be."""

    def __init__(
        self,
        inner: HostFile,
        pieces: Pieces,
        note: Callable[[str, str], None],
        keep: Callable[[bytes], bytes],
    ) -> None:
        self._inner = inner
        self._pieces = pieces
        self._note = note
        self._keep = keep
        self.stat = inner.stat

    @property
    def size(self) -> int:
        return self._inner.size

    def read(self, offset: int, length: int) -> bytes:
        data = self._inner.read(offset, length)
        self._pieces.add(max(offset, 0), self._keep(data))
        return data

    def sha256(self) -> str:
        digest = self._inner.sha256()
        self._note("sha256", digest)
        return digest

    def git_sha1(self) -> str:
        digest = self._inner.git_sha1()
        self._note("git_sha1", digest)
        return digest

    def close(self) -> None:
        self._inner.close()


def _kept(path: str, data: bytes, clients: Iterable[ClientRule] = ()) -> bytes:
    files = [file for rule in clients for file in rule.files if file.names(path)]
    if files:
        return _kept_servers(data, files)
    for without_secrets in (jwt.without_secrets, google.without_secrets):
        if (harmless := without_secrets(data)) is not None:
            return harmless
    if path == ACCOUNTS:
        return _kept_homes(data)
    if _METADATA.search(path) or is_record(path) or is_document(path):
        kept = redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return kept.ljust(len(data))  # what is not written reads as zeros, which no format takes
    return b"\n".join(_IMPORT_LINE.findall(data)) + b"\n"


def _kept_servers(data: bytes, files: Sequence[ConfigFile]) -> bytes:
    """Keep of an MCP configuration what aibom uses, with white space up to its old length."""
    try:
        kept = config.without_secrets(data, files)
    except FormatError:
        kept = b""
    return kept.ljust(len(data)) if len(kept) <= len(data) else b" " * len(data)


def _kept_homes(data: bytes) -> bytes:
    """Keep of the user database (passwd(5)) the numbers of users and their homes."""
    lines = (line.split(b":") for line in data.splitlines())
    return b"\n".join(b"::%b:::%b:" % (f[2], f[5]) for f in lines if len(f) == 7)


class RecordingHost:
    """Implements the protocol Host by asking another one, and notes every answer."""

    def __init__(self, inner: Host, folder: str, clients: Iterable[ClientRule] = ()) -> None:
        """Ask ``inner``; write below ``folder``, which must be new.

        ``clients`` know the files of which only the MCP servers are kept.
        """
        self._inner = inner
        self._clients = tuple(clients)
        self._proc = os.path.join(folder, "proc")
        self._content = os.path.join(folder, "content")
        os.makedirs(self._proc)
        os.makedirs(self._content)
        self._calls: dict[str, Any] = {}
        self._pieces: dict[str, Pieces] = {}
        self._held: dict[str, FileStat] = {}

    def save(self, pids: Collection[int], rules: RuleSet) -> None:
        """Keep what was noted of the processes ``pids``, and write the index.

        A sweep of one pod also looks at who every other process is, and reads the head of every
        file that is open: neither is anybody's business. Of held files only those are kept that
        are binaries or that ``rules`` know.
        """
        for name in os.listdir(self._proc):
            if int(name) not in pids:
                shutil.rmtree(os.path.join(self._proc, name))
        kept = {}
        for key, answer in self._calls.items():
            call, subject, *_ = json.loads(key)
            if call in _NOT_OF_PROCESSES or subject in pids:
                kept[key] = answer
        contents = {}
        for identifier in sorted({a["value"]["id"] for a in kept.values() if _names_content(a)}):
            pieces = self._pieces[identifier]
            if identifier in self._held and not _is_wanted(pieces, self._held[identifier], rules):
                pieces = Pieces()  # replayed as zeros, which are no model either
            contents[identifier], data = pieces.pack()
            with open(os.path.join(self._content, identifier), "wb") as packed:
                packed.write(data)
        index = {"schema": SCHEMA, "calls": kept, "contents": contents}
        with open(os.path.join(self._proc, INDEX), "w", encoding="utf-8") as file:
            json.dump(index, file, indent=1, sort_keys=True)

    def _ask(self, call: tuple[object, ...], ask: Callable[[], _T]) -> _T:
        try:
            return ask()
        except OSError as error:
            self._calls[call_key(*call)] = {"errno": error.errno or 0}
            raise

    def _note(self, call: tuple[object, ...], value: object) -> None:
        self._calls[call_key(*call)] = {"value": value}

    def _path(self, pid: int, name: str) -> str:
        path = f"{self._proc}/{pid}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def pids(self) -> list[int]:
        """Return the ids of all processes, ascending."""
        return self._inner.pids()

    def read(self, pid: int, name: str) -> bytes:
        """Return the content of /proc/PID/``name``."""
        data = self._ask(("read", pid, name), lambda: self._inner.read(pid, name))
        with open(self._path(pid, name), "wb") as file:
            file.write(_without_secrets(name, data))
        return data

    def owner(self, pid: int) -> int:
        """Return the user id that a process runs as."""
        value = self._ask(("owner", pid), lambda: self._inner.owner(pid))
        self._note(("owner", pid), value)
        return value

    def link(self, pid: int, name: str) -> str:
        """Return where the link /proc/PID/``name`` points."""
        target = self._ask(("link", pid, name), lambda: self._inner.link(pid, name))
        path = self._path(pid, name)
        if not os.path.islink(path):
            os.symlink(target, path)
        return target

    def entries(self, pid: int, name: str) -> list[str]:
        """Return the names in the directory /proc/PID/``name``, sorted."""
        call = ("entries", pid, name)
        value = self._ask(call, lambda: self._inner.entries(pid, name))
        self._note(call, value)
        return value

    def socket_peers(self, pid: int) -> dict[int, int]:
        """Return the peers of UNIX sockets in a process's network namespace."""
        call = ("socket_peers", pid)
        value = self._ask(call, lambda: self._inner.socket_peers(pid))
        self._note(call, value)
        return value

    def sockets(self, pid: int) -> dict[int, Connection]:
        """Return by inode the TCP and UDP sockets in a process's network namespace."""
        call = ("sockets", pid)
        found = self._ask(call, lambda: self._inner.sockets(pid))
        self._note(call, {inode: asdict(connection) for inode, connection in found.items()})
        return found

    def ask_mcp(self, pid: int, host: str, port: int, paths: tuple[str, ...]) -> McpReply:
        """Ask the MCP server that a process is for its tools."""
        call = ("ask_mcp", pid, host, port, paths)
        reply = self._ask(call, lambda: self._inner.ask_mcp(pid, host, port, paths))
        self._note(call, asdict(reply))
        return reply

    def refresh(self) -> None:
        """Forget what is remembered of mounts."""
        self._inner.refresh()

    def mounts(self, pid: int) -> MountTable:
        """Return the mount table of a process's mount namespace."""
        return parse(self.read(pid, "mountinfo"))

    def modules(self, pid: int) -> ModuleTable | None:
        """Return what a process has imported: its modules' names, files and versions."""
        call = ("modules", pid)
        try:
            table = self._ask(call, lambda: self._inner.modules(pid))
        except InterpreterError as error:
            self._note(call, {"error": str(error)})
            raise
        self._note(call, table._asdict() if table is not None else None)
        return table

    def stat_use(self, pid: int, use: FileUse) -> FileStat:
        """Return the identity of the very file that a process holds."""
        call = ("stat_use", pid, use.handle)
        found = self._ask(call, lambda: self._inner.stat_use(pid, use))
        self._note(call, asdict(found))
        return found

    def open_use(self, pid: int, use: FileUse) -> HostFile:
        """Open the very file that a process holds, and copy what is read of it."""
        call = ("open_use", pid, use.handle)
        inner = self._ask(call, lambda: self._inner.open_use(pid, use))
        file = self._tee(call, inner, lambda data: data)
        self._held[_identifier(inner.stat)] = inner.stat
        return file

    def open_in_root(self, pid: int, path: str) -> HostFile:
        """Open a file in the process's root, and copy what aibom looks for in it."""
        call = ("open_in_root", pid, path)
        inner = self._ask(call, lambda: self._inner.open_in_root(pid, path))
        return self._tee(call, inner, lambda data: _kept(path, data, self._clients))

    def _tee(
        self, call: tuple[object, ...], inner: HostFile, keep: Callable[[bytes], bytes]
    ) -> HostFile:
        found = inner.stat
        identifier = _identifier(found)
        self._note(call, {"id": identifier, "stat": asdict(found)})
        pieces = self._pieces.setdefault(identifier, Pieces())
        return _TeeFile(inner, pieces, lambda way, d: self._note((way, identifier), d), keep)

    def list_in_root(self, pid: int, path: str) -> list[str]:
        """Return the names in a directory of the process's root."""
        call = ("list_in_root", pid, path)
        value = self._ask(call, lambda: self._inner.list_in_root(pid, path))
        self._note(call, value)
        return value

    def stat_in_root(self, pid: int, path: str) -> FileStat:
        """Return the identity of a file in the process's root."""
        call = ("stat_in_root", pid, path)
        found = self._ask(call, lambda: self._inner.stat_in_root(pid, path))
        self._note(call, asdict(found))
        return found

    def real_path(self, pid: int, path: str) -> str:
        """Return a path in the process's root with every symlink resolved."""
        call = ("real_path", pid, path)
        value = self._ask(call, lambda: self._inner.real_path(pid, path))
        self._note(call, value)
        return value

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        """Return what a path is below an image layer."""
        call = ("stat_in_layer", layer, path, runtime)
        found = self._ask(call, lambda: self._inner.stat_in_layer(layer, path, runtime))
        self._note(call, asdict(found) if found is not None else None)
        return found

    def read_on_host(self, path: str, runtime: int | None) -> bytes:
        """Return the content of a file of the runtime's own; only annotations are recorded."""
        call = ("read_on_host", path, runtime)
        data = self._ask(call, lambda: self._inner.read_on_host(path, runtime))
        document = load_object(data) or {}
        kept = {k: document[k] for k in ("ociVersion", "annotations") if k in document}
        self._note(call, json.dumps(kept))
        return data


def _without_secrets(name: str, data: bytes) -> bytes:
    if name == "cmdline":
        text = "\0".join(redact_argv(parse_cmdline(data)))
        return text.encode("utf-8", "surrogateescape") + b"\0"
    if name == "environ":
        allowed = environment_of(data)
        return b"".join(f"{k}={v}\0".encode("utf-8", "surrogateescape") for k, v in allowed.items())
    return data
