"""The host that this program runs on, seen through procfs."""

import errno
import os
import re
import stat as stat_module
from collections.abc import Container

from aibom.formats.cpython.modules import ModuleTable
from aibom.formats.mcp.messages import McpReply
from aibom.formats.procfs.mountinfo import Mount, MountTable
from aibom.formats.procfs.process import parse_mount_id
from aibom.formats.source import FormatError
from aibom.observe.files import hashing
from aibom.observe.host import rootdir
from aibom.observe.host.mounttables import MountTables
from aibom.observe.host.protocol import FileStat, OutsideRootError, RemoteFileSystemError
from aibom.observe.host.reading import at_most
from aibom.observe.mcp import ask as mcpask
from aibom.observe.network import peers
from aibom.observe.network.httpwire import Place
from aibom.observe.network.sockets import from_procfs
from aibom.observe.python.interpreters import Interpreters
from aibom.types.files import FileUse
from aibom.types.processes import Connection

#: Most bytes of one /proc file that are read: 65,530 mappings (vm.max_map_count) of long paths.
MAX_PROC = 32 << 20
#: Most bytes of a small file (a bundle's config.json) that are read.
MAX_SMALL = 4 << 20
#: Most bytes that the parsers together may read of one file.
HEADER_BUDGET = 128 << 20
# files of the kernel's own, which lie on no mount
_KERNELS_OWN = re.compile(r"/memfd:[^/]*|/dev/zero|/SYSV[0-9a-f]{8}")
#: Most names of one directory that are looked at.
MAX_ENTRIES = 100_000


class LiveFile:
    """A regular file of a workload, open for reading under a budget of bytes."""

    def __init__(self, descriptor: int, found: FileStat) -> None:
        """Take over ``descriptor``, open for reading, whose identity is ``found``."""
        self._descriptor = descriptor
        self._left = HEADER_BUDGET
        self.stat = found

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        return self.stat.size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset``; see ByteSource.read."""
        # room is made for as much as is asked for
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        self._left -= length
        if self._left < 0:
            raise FormatError("read budget used up")
        return os.pread(self._descriptor, length, offset)

    def sha256(self, pace: hashing.Pace | None = None) -> str:
        """Return the digest of the whole content in hex. Raises OSError.

        ``pace`` is called after each chunk. Raises ChangedError when the content is no longer
        what it was when the file was opened.
        """
        if stat_of(os.fstat(self._descriptor)).content != self.stat.content:
            raise hashing.ChangedError
        return hashing.sha256_of(self._descriptor, pace)

    def duplicate(self) -> "LiveFile":
        """Return the same file once more; each of the two is closed for itself."""
        return LiveFile(os.dup(self._descriptor), self.stat)

    def git_sha1(self) -> str:
        """Return the name that git gives the content, a SHA-1 in hex. Raises OSError."""
        return hashing.git_sha1_of(self._descriptor)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


class LiveHost:
    """A node's processes through its procfs; implements the protocol Host."""

    def __init__(self, procfs: str = "/proc", rootfs: str = "/") -> None:
        """Read processes below ``procfs`` and the host's own files below ``rootfs``."""
        self.procfs = procfs
        self.rootfs = rootfs
        self._mounts: dict[tuple[str, str], MountTable] = {}
        self._interpreters = Interpreters(self, procfs)
        self._parse_mounts = MountTables().of

    def pids(self) -> list[int]:
        """Return the ids of all processes, ascending."""
        return sorted(int(name) for name in os.listdir(self.procfs) if name.isdigit())

    def read(self, pid: int, name: str) -> bytes:
        """Return the content of /proc/PID/``name``, capped at MAX_PROC bytes."""
        with open(f"{self.procfs}/{pid}/{name}", "rb", buffering=0) as file:
            return at_most(file, MAX_PROC)

    def owner(self, pid: int) -> int:
        """Return the user id that a process runs as."""
        return os.stat(f"{self.procfs}/{pid}").st_uid

    def link(self, pid: int, name: str) -> str:
        """Return where the link /proc/PID/``name`` points."""
        return os.readlink(f"{self.procfs}/{pid}/{name}")

    def entries(self, pid: int, name: str) -> list[str]:
        """Return the names in the directory /proc/PID/``name``, sorted."""
        return sorted(os.listdir(f"{self.procfs}/{pid}/{name}"))

    def socket_peers(self, pid: int) -> dict[int, int]:
        """Return the peer's inode of each UNIX socket in a process's network namespace."""
        return peers.socket_peers(f"{self.procfs}/{pid}/ns/net")

    def sockets(self, pid: int) -> dict[int, Connection]:
        """Return by inode the TCP and UDP sockets in a process's network namespace."""
        try:
            return peers.connections(f"{self.procfs}/{pid}/ns/net")
        except OSError:
            # another namespace may not be entered, or the kernel lacks sock_diag
            return from_procfs(lambda name: self.read(pid, name))

    def ask_mcp(self, pid: int, host: str, port: int, paths: tuple[str, ...]) -> McpReply:
        """Ask the MCP server that a process is for its tools, from its network namespace."""
        return mcpask.ask(f"{self.procfs}/{pid}/ns/net", Place(host, port), paths)

    def refresh(self) -> None:
        """Forget the mount tables, as the node is looked at anew."""
        self._mounts.clear()

    def mounts(self, pid: int) -> MountTable:
        """Return the mount table of a process's mount namespace, read once per namespace."""
        # mountinfo shows what lies below the process's root directory
        namespace, root = self.link(pid, "ns/mnt"), self.link(pid, "root")
        view = (namespace, root)
        table = self._mounts.get(view)
        if table is None:
            table = self._parse_mounts(self._mountinfo(pid))
            # after a chroot the mount that holds the new root is no longer shown
            whole = self._mounts.get((namespace, "/"))
            table = whole if table.root is None and whole is not None else table
            self._mounts[view] = table
        return table

    def _mountinfo(self, pid: int) -> bytes:
        try:
            return self.read(pid, "mountinfo")
        except OSError as error:
            if error.errno == errno.EINVAL:  # what the kernel says of a process that has ended
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
            raise

    def modules(self, pid: int) -> ModuleTable | None:
        """Return what a CPython process has imported, read from its memory."""
        return self._interpreters.modules(pid)

    def forget(self, alive: Container[int]) -> None:
        """Forget what was read of processes that are not ``alive`` any more."""
        self._interpreters.forget(alive)

    def stat_use(self, pid: int, use: FileUse) -> FileStat:
        """Return the identity of the very file that a process holds, deleted or not."""
        self._refuse_remote(pid, use)
        try:
            return stat_of(os.stat(f"{self.procfs}/{pid}/{use.handle}"))
        except PermissionError:
            # map_files asks for CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN; a path may do instead
            descriptor = self._open_by_path(pid, use)
        try:
            return stat_of(os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def open_use(self, pid: int, use: FileUse) -> LiveFile:
        """Open the very file that a process holds, for reading."""
        self._refuse_remote(pid, use)
        try:
            flags = os.O_PATH | os.O_CLOEXEC
            descriptor = os.open(f"{self.procfs}/{pid}/{use.handle}", flags)
        except PermissionError:
            descriptor = self._open_by_path(pid, use)
        return reopen(descriptor, use.path)

    def _mount_of(self, mounts: MountTable, identifier: int) -> Mount | None:
        """Return a mount by its id, which may be of the namespace that a process came from."""
        tables = (mounts, *list(self._mounts.values()))
        return next((m for t in tables if (m := t.by_id(identifier)) is not None), None)

    def _mount_id(self, pid: int, use: FileUse) -> int:
        found = parse_mount_id(self.read(pid, f"fdinfo/{use.handle.removeprefix('fd/')}"))
        return -1 if found is None else found

    def _open_by_path(self, pid: int, use: FileUse) -> int:
        if not use.path.startswith("/"):
            raise PermissionError(errno.EACCES, "mapped file has no name to open it by", use.path)
        # what looks like a deleted file's mark may be the end of its name
        path = f"{use.path} (deleted)" if use.deleted else use.path
        try:
            descriptor = rootdir.open_path(f"{self.procfs}/{pid}/root", path, self.mounts(pid))
        except FileNotFoundError:
            raise PermissionError(errno.EACCES, "a deleted file cannot be opened", path) from None
        if os.fstat(descriptor).st_ino != use.inode:
            os.close(descriptor)
            raise OutsideRootError(errno.ESTALE, "another file bears the name now", use.path)
        return descriptor

    def open_in_root(self, pid: int, path: str) -> LiveFile:
        """Open a regular file by its path in the process's root."""
        root = f"{self.procfs}/{pid}/root"
        return reopen(rootdir.open_path(root, path, self.mounts(pid)), path)

    def list_in_root(self, pid: int, path: str) -> list[str]:
        """Return the names in a directory of the process's root, sorted, at most MAX_ENTRIES."""
        descriptor = rootdir.open_path(f"{self.procfs}/{pid}/root", path, self.mounts(pid))
        try:
            if not stat_module.S_ISDIR(os.fstat(descriptor).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            with os.scandir(f"/proc/self/fd/{descriptor}") as entries:
                names = [entry.name for _, entry in zip(range(MAX_ENTRIES), entries, strict=False)]
        finally:
            os.close(descriptor)
        return sorted(names)

    def stat_in_root(self, pid: int, path: str) -> FileStat:
        """Return the identity of a file or folder by its path in the process's root."""
        descriptor = rootdir.open_path(f"{self.procfs}/{pid}/root", path, self.mounts(pid))
        try:
            return stat_of(os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def real_path(self, pid: int, path: str) -> str:
        """Return ``path`` in the process's root with every symlink resolved."""
        root = f"{self.procfs}/{pid}/root"
        descriptor = rootdir.open_path(root, path, self.mounts(pid))
        try:
            found = os.readlink(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        chroot = os.readlink(root).rstrip("/")
        return found.removeprefix(chroot) if found.startswith(chroot + "/") else found

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        """Return what ``path`` is below an image layer, as ``runtime`` sees the host."""
        folder = rootdir.open_path(self._root_of(runtime), layer)
        try:
            below = f"/proc/self/fd/{folder}"
            descriptor = rootdir.open_path(below, path, follow=False)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise
        finally:
            os.close(folder)
        try:
            return stat_of(os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def read_on_host(self, path: str, runtime: int | None) -> bytes:
        """Return the content of a file of the runtime's own, capped at MAX_SMALL bytes."""
        file = reopen(rootdir.open_path(self._root_of(runtime), path), path)
        try:
            return file.read(0, MAX_SMALL)
        finally:
            file.close()

    def _root_of(self, runtime: int | None) -> str:
        return self.rootfs if runtime is None else f"{self.procfs}/{runtime}/root"

    def _refuse_remote(self, pid: int, use: FileUse) -> None:
        if use.deleted and _KERNELS_OWN.fullmatch(use.path):
            return
        mounts = self.mounts(pid)
        if use.device:
            blocks = mounts.may_block(use.device)
        elif use.handle.startswith("fd/"):
            mount = self._mount_of(mounts, self._mount_id(pid, use))
            blocks = mount is None or mount.remote
        else:
            mount = mounts.at(use.path)
            blocks = mount is not None and mount.remote
        if blocks:
            raise RemoteFileSystemError(
                errno.EXDEV, "on a network or user-space file system", use.path
            )


def open_file(path: str) -> LiveFile:
    """Open a regular file of the user's own by its path. Raises OSError."""
    return reopen(os.open(path, os.O_PATH | os.O_CLOEXEC), path)


def reopen(descriptor: int, path: str) -> LiveFile:
    """Turn an O_PATH descriptor, which is closed, into a readable file, if it is a regular one."""
    try:
        found = stat_of(os.fstat(descriptor))
        if not found.regular:
            raise OutsideRootError(errno.EINVAL, "not a regular file", path)
        # O_NONBLOCK: a lease that a process holds on its file must not hold us
        flags = os.O_RDONLY | os.O_NOATIME | os.O_NONBLOCK | os.O_CLOEXEC
        readable = _open_again(descriptor, flags)
    finally:
        os.close(descriptor)
    return LiveFile(readable, found)


def _open_again(descriptor: int, flags: int) -> int:
    try:
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    except PermissionError:
        # O_NOATIME is the owner's and root's privilege
        return os.open(f"/proc/self/fd/{descriptor}", flags & ~os.O_NOATIME)


def stat_of(found: os.stat_result) -> FileStat:
    """Return the fields of stat(2) that aibom uses."""
    return FileStat(
        device=found.st_dev,
        inode=found.st_ino,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        links=found.st_nlink,
        regular=stat_module.S_ISREG(found.st_mode),
    )


def visible_rootfs(procfs: str) -> str:
    """Return where the host's own files are: ``/``, or process 1's root from inside a container.

    In a container with the host's pid namespace, /proc/1/root is the host.
    """
    try:
        if os.readlink(f"{procfs}/self/ns/mnt") != os.readlink(f"{procfs}/1/ns/mnt"):
            os.stat(f"{procfs}/1/root/")
            return f"{procfs}/1/root"
    except OSError:
        return "/"
    return "/"
