"""What a sweep needs of a host: a live one and a recorded one answer alike."""

from dataclasses import dataclass
from typing import Protocol

from aibom.formats.cpython.modules import ModuleTable
from aibom.formats.mcp.messages import McpReply
from aibom.formats.procfs.mountinfo import MountTable
from aibom.types.files import FileUse
from aibom.types.processes import Connection


class OutsideRootError(OSError):
    """A path that does not lie in the process's root directory, or is no regular file there."""


class RemoteFileSystemError(OSError):
    """A file whose reading may wait for another machine or process, so it is not read."""


@dataclass(frozen=True, slots=True)
class FileStat:
    """The fields of stat(2) that aibom uses. ``regular`` is false for devices, pipes, folders."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    links: int
    regular: bool

    @property
    def content(self) -> tuple[int, int, int]:
        """What the content is known by: size, and the times of the last changes."""
        return self.size, self.mtime_ns, self.ctime_ns


class HostFile(Protocol):
    """An opened regular file of a workload: a ByteSource with an identity and a digest."""

    @property
    def stat(self) -> FileStat:
        """Identity and size of the file that is open."""
        ...

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset``, under a budget (see ByteSource)."""
        ...

    def sha256(self) -> str:
        """Return the digest of the whole content in hex. Raises OSError."""
        ...

    def git_sha1(self) -> str:
        """Return the name that git gives the content, a SHA-1 in hex. Raises OSError."""
        ...

    def close(self) -> None:
        """Let the file go."""
        ...


class Host(Protocol):
    """A node: its process table, and the files of its processes.

    Every method raises OSError (FileNotFoundError and ProcessLookupError for what has vanished,
    PermissionError for what is denied) and never blocks on a file that a workload made.
    Paths "in the root" are absolute paths as the process sees them, resolved so that no symlink
    leads out of its root directory.
    """

    def pids(self) -> list[int]:
        """Return the ids of all processes, ascending."""
        ...

    def read(self, pid: int, name: str) -> bytes:
        """Return the content of /proc/PID/``name``, capped."""
        ...

    def owner(self, pid: int) -> int:
        """Return the user id that a process runs as."""
        ...

    def link(self, pid: int, name: str) -> str:
        """Return where the link /proc/PID/``name`` points."""
        ...

    def entries(self, pid: int, name: str) -> list[str]:
        """Return the names in the directory /proc/PID/``name``, sorted."""
        ...

    def stat_use(self, pid: int, use: FileUse) -> FileStat:
        """Return the identity of the very file that a process holds, deleted or not."""
        ...

    def open_use(self, pid: int, use: FileUse) -> HostFile:
        """Open the very file that a process holds, for reading."""
        ...

    def open_in_root(self, pid: int, path: str) -> HostFile:
        """Open a regular file by its path in the process's root."""
        ...

    def list_in_root(self, pid: int, path: str) -> list[str]:
        """Return the names in a directory of the process's root, sorted, capped."""
        ...

    def stat_in_root(self, pid: int, path: str) -> FileStat:
        """Return the identity of a file or folder by its path in the process's root."""
        ...

    def real_path(self, pid: int, path: str) -> str:
        """Return ``path`` in the process's root with every symlink resolved."""
        ...

    def socket_peers(self, pid: int) -> dict[int, int]:
        """Return the peer's inode of each UNIX socket in a process's network namespace."""
        ...

    def sockets(self, pid: int) -> dict[int, Connection]:
        """Return by inode the TCP and UDP sockets in a process's network namespace.

        Those that listen, and those that have another end.
        """
        ...

    def ask_mcp(self, pid: int, host: str, port: int, paths: tuple[str, ...]) -> McpReply:
        """Ask the MCP server that a process is for its tools, at an address that it listens on.

        ``paths`` are tried in order. Nothing else here speaks; see observe/mcp/ask.py.
        """
        ...

    def refresh(self) -> None:
        """Forget what is remembered of mounts, as the node is looked at anew."""
        ...

    def mounts(self, pid: int) -> MountTable:
        """Return the mount table of a process's mount namespace."""
        ...

    def modules(self, pid: int) -> ModuleTable | None:
        """Return what a CPython process has imported; None when no CPython runs in it.

        Raises InterpreterError for a CPython that cannot be read or does not validate.
        """
        ...

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        """Return what ``path`` (absolute, without symlinks) is below an image layer, or None.

        ``layer`` is a path on the host as the process ``runtime`` sees it; None is the host's
        own root.
        """
        ...

    def read_on_host(self, path: str, runtime: int | None) -> bytes:
        """Return the content of a file of the runtime's own, capped."""
        ...
