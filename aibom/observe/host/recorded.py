"""A node that was recorded earlier (see recording.py), answering as the live one did."""

import errno
import json
import os
from typing import Any

from aibom.formats.cpython.memory import InterpreterError
from aibom.formats.cpython.modules import Module, ModuleTable
from aibom.formats.mcp.messages import McpReply
from aibom.formats.procfs.mountinfo import MountTable, parse
from aibom.observe.host.protocol import FileStat
from aibom.observe.network.sockets import from_procfs
from aibom.types.files import FileUse
from aibom.types.processes import Connection

#: Name of the file in a recording's proc folder that holds what is no plain /proc file.
INDEX = "recording.json"
SCHEMA = "aibom.recording/1"


def is_recording(procfs: str) -> bool:
    """Say whether a folder given as /proc is a recording."""
    return os.path.isfile(os.path.join(procfs, INDEX))


#: Content is recorded in pieces of this many bytes, as most files are read at few places.
PIECE = 4096


class Pieces:
    """The pieces of a file that were read, by their number; the rest reads as zeros."""

    def __init__(self) -> None:
        """Start with nothing recorded."""
        self._pieces: dict[int, bytearray] = {}

    def add(self, offset: int, data: bytes) -> None:
        """Note what stands at ``offset``."""
        for at in range(0, len(data), PIECE):
            number, start = divmod(offset + at, PIECE)
            chunk = data[at : at + PIECE]
            head = PIECE - start
            self._put(number, start, chunk[:head])
            self._put(number + 1, 0, chunk[head:])

    def _put(self, number: int, start: int, data: bytes) -> None:
        if data:
            piece = self._pieces.setdefault(number, bytearray(PIECE))
            piece[start : start + len(data)] = data

    def read(self, offset: int, length: int) -> bytes:
        """Return a range, with zeros where nothing was recorded."""
        first, start = divmod(offset, PIECE)
        last = (offset + length - 1) // PIECE
        nothing = bytes(PIECE)
        found = b"".join(self._pieces.get(n, nothing) for n in range(first, last + 1))
        return found[start : start + length]

    def pack(self) -> tuple[list[int], bytes]:
        """Return the numbers of the pieces, and their content one after another."""
        numbers = sorted(self._pieces)
        return numbers, b"".join(bytes(self._pieces[n]) for n in numbers)

    @classmethod
    def unpack(cls, numbers: list[int], data: bytes) -> "Pieces":
        """Return the pieces that ``pack`` gave."""
        made = cls()
        for index, number in enumerate(numbers):
            made.add(number * PIECE, data[index * PIECE : (index + 1) * PIECE])
        return made


class RecordedFile:
    """A file of a recording: what was read of it, at its places."""

    def __init__(
        self, pieces: Pieces, found: FileStat, digest: str | None, git_sha1: str | None = None
    ) -> None:
        """Serve ``pieces``; the digests were computed when it was recorded."""
        self._pieces = pieces
        self._digest = digest
        self._git_sha1 = git_sha1
        self.stat = found

    @property
    def size(self) -> int:
        """Length of the content in bytes, as it was recorded."""
        return self.stat.size

    def read(self, offset: int, length: int) -> bytes:
        """Return what was recorded of a range, at most up to the end of the file."""
        length = min(length, self.size - offset)
        return self._pieces.read(offset, length) if length > 0 and offset >= 0 else b""

    def sha256(self) -> str:
        """Return the digest that was computed at recording."""
        return _computed(self._digest)

    def git_sha1(self) -> str:
        """Return the name that git gives the content, as computed at recording."""
        return _computed(self._git_sha1)

    def close(self) -> None:
        """Do nothing: nothing is open."""


def _computed(digest: str | None) -> str:
    if digest is None:
        raise OSError(errno.ENODATA, "not hashed when it was recorded")
    return digest


class RecordedHost:
    """Implements the protocol Host from a recording. What was not recorded is not found."""

    def __init__(self, procfs: str) -> None:
        """Open the recording whose proc folder is ``procfs``."""
        self._procfs = procfs
        with open(os.path.join(procfs, INDEX), encoding="utf-8") as file:
            index = json.load(file)
        if index.get("schema") != SCHEMA:
            raise OSError(errno.EINVAL, f"not a recording of schema {SCHEMA}", procfs)
        self._calls: dict[str, Any] = index["calls"]
        self._contents: dict[str, list[int]] = index["contents"]

    def _answer(self, *call: object) -> Any:
        answer = self._calls.get(call_key(*call))
        if answer is None:
            raise FileNotFoundError(errno.ENOENT, "not in the recording", str(call))
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), str(call))
        return answer["value"]

    def pids(self) -> list[int]:
        """Return the ids of the recorded processes, ascending."""
        return sorted(int(name) for name in os.listdir(self._procfs) if name.isdigit())

    def read(self, pid: int, name: str) -> bytes:
        """Return the recorded content of /proc/PID/``name``."""
        self._raise_recorded("read", pid, name)
        with open(f"{self._procfs}/{pid}/{name}", "rb") as file:
            return file.read()

    def owner(self, pid: int) -> int:
        """Return the user id that a process ran as."""
        return int(self._answer("owner", pid))

    def link(self, pid: int, name: str) -> str:
        """Return where the link /proc/PID/``name`` pointed."""
        self._raise_recorded("link", pid, name)
        return os.readlink(f"{self._procfs}/{pid}/{name}")

    def _raise_recorded(self, *call: object) -> None:
        answer = self._calls.get(call_key(*call))
        if answer is not None and "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), str(call))

    def entries(self, pid: int, name: str) -> list[str]:
        """Return the names that were in the directory /proc/PID/``name``, sorted."""
        return list(self._answer("entries", pid, name))

    def socket_peers(self, pid: int) -> dict[int, int]:
        """Return the peers of UNIX sockets in a process's network namespace."""
        return {int(inode): peer for inode, peer in self._answer("socket_peers", pid).items()}

    def sockets(self, pid: int) -> dict[int, Connection]:
        """Return by inode the sockets that were in a process's network namespace."""
        try:
            answer = self._answer("sockets", pid)
        except FileNotFoundError:
            # recordings made before this question was asked hold the files of /proc/PID/net
            return from_procfs(lambda name: self.read(pid, name))
        return {int(inode): Connection(**found) for inode, found in answer.items()}

    def ask_mcp(self, pid: int, host: str, port: int, paths: tuple[str, ...]) -> McpReply:
        """Return what an MCP server answered when it was recorded."""
        found = self._answer("ask_mcp", pid, host, port, paths)
        return McpReply(**{**found, "tools": tuple(found["tools"])})

    def refresh(self) -> None:
        """Do nothing: a recording does not change."""

    def mounts(self, pid: int) -> MountTable:
        """Return the mount table of a process's mount namespace."""
        return parse(self.read(pid, "mountinfo"))

    def modules(self, pid: int) -> ModuleTable | None:
        """Return what a process had imported."""
        found = self._answer("modules", pid)
        if found is None:
            return None
        if "error" in found:
            raise InterpreterError(found["error"])
        modules = tuple(Module(*module) for module in found["modules"])
        return ModuleTable(**{**found, "modules": modules})

    def stat_use(self, pid: int, use: FileUse) -> FileStat:
        """Return the identity that a held file had."""
        return FileStat(**self._answer("stat_use", pid, use.handle))

    def open_use(self, pid: int, use: FileUse) -> RecordedFile:
        """Open what was recorded of a held file."""
        return self._open(self._answer("open_use", pid, use.handle))

    def open_in_root(self, pid: int, path: str) -> RecordedFile:
        """Open what was recorded of a file in the process's root."""
        return self._open(self._answer("open_in_root", pid, path))

    def _open(self, described: dict[str, Any]) -> RecordedFile:
        identifier = described["id"]
        folder = os.path.join(os.path.dirname(self._procfs.rstrip("/")), "content")
        with open(os.path.join(folder, identifier), "rb") as file:
            pieces = Pieces.unpack(self._contents[identifier], file.read())
        digests = [
            self._calls.get(call_key(way, identifier), {}).get("value")
            for way in ("sha256", "git_sha1")
        ]
        return RecordedFile(pieces, FileStat(**described["stat"]), *digests)

    def list_in_root(self, pid: int, path: str) -> list[str]:
        """Return the names that were in a directory of the process's root."""
        return list(self._answer("list_in_root", pid, path))

    def stat_in_root(self, pid: int, path: str) -> FileStat:
        """Return the identity that a file in the process's root had."""
        return FileStat(**self._answer("stat_in_root", pid, path))

    def real_path(self, pid: int, path: str) -> str:
        """Return what a path in the process's root resolved to."""
        return str(self._answer("real_path", pid, path))

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        """Return what a path was below an image layer."""
        found = self._answer("stat_in_layer", layer, path, runtime)
        return FileStat(**found) if found is not None else None

    def read_on_host(self, path: str, runtime: int | None) -> bytes:
        """Return what was recorded of a file of the runtime's own."""
        return str(self._answer("read_on_host", path, runtime)).encode()


def call_key(*call: object) -> str:
    """Return the key of a call in a recording's index."""
    return json.dumps(call, ensure_ascii=True)
