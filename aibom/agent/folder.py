"""A folder that is written to as if its content were hostile: by descriptor, through no link."""

import errno
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from aibom.observe.host.reading import at_most


class Modes(NamedTuple):
    """The modes of files and folders that are made."""

    file: int
    folder: int


#: For the owner to write and the group to read: a log shipper may be in it.
SHARED = Modes(0o640, 0o750)
#: For the owner alone.
PRIVATE = Modes(0o600, 0o700)

_TEMPORARY = ".tmp-"
# what file systems without hard links answer (link(2)), and kernels that protect others' files
_NO_LINKS = (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS)
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO in the place of a file must not hold us
OPEN_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Folder:
    """One open folder. Every method raises OSError."""

    def __init__(self, descriptor: int, modes: Modes = SHARED) -> None:
        """Own a descriptor of a folder. It is closed when the folder is not to be trusted.

        What is made in it has ``modes``.
        """
        self.descriptor = descriptor
        self.modes = modes
        found = os.fstat(descriptor)
        self.identity = (found.st_dev, found.st_ino)
        if reason := _distrust(found):
            os.close(descriptor)
            raise PermissionError(errno.EPERM, reason)

    @classmethod
    def at(cls, path: str, modes: Modes = SHARED) -> Self:
        """Open the folder at a path, made if it is missing; its last part may be no link."""
        made = not os.path.lexists(path)
        if made:
            os.makedirs(path, mode=modes.folder)
        folder = cls(os.open(path, _OPEN_FOLDER), modes)
        if made:
            folder.let_read()
        return folder

    def sub(self, name: str) -> "Folder":
        """Open a folder in this one, made if it is missing; a link in its place is removed."""
        found = self.find(name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            os.unlink(name, dir_fd=self.descriptor)
            found = None
        if found is None:
            os.mkdir(name, self.modes.folder, dir_fd=self.descriptor)
            self.sync()
        folder = Folder(os.open(name, _OPEN_FOLDER, dir_fd=self.descriptor), self.modes)
        if found is None:
            folder.let_read()
        return folder

    def let_read(self) -> None:
        """Give a folder that was just made its mode, whatever the umask is."""
        # that files get the group of their folder is inherited, too (inode(7), set-group-ID)
        inherited = os.fstat(self.descriptor).st_mode & stat.S_ISGID
        os.fchmod(self.descriptor, self.modes.folder | inherited)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        """Return the folder, which is closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the folder."""
        self.close()

    def names(self) -> list[str]:
        """Return what lies in the folder, sorted."""
        return sorted(os.listdir(self.descriptor))

    def find(self, name: str) -> os.stat_result | None:
        """Return what ``name`` is, links themselves included; None when nothing is there."""
        with suppress(FileNotFoundError):
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        return None

    def file(self, name: str) -> os.stat_result | None:
        """Return what ``name`` is if it is a regular file, else None."""
        found = self.find(name)
        return found if found is not None and stat.S_ISREG(found.st_mode) else None

    def open(self, name: str, flags: int) -> int:
        """Open a regular file without following links; return its descriptor."""
        descriptor = os.open(name, flags | OPEN_FILE, self.modes.file, dir_fd=self.descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        return descriptor

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file's content; None when there is none of at most ``limit`` bytes."""
        if self.file(name) is None:
            return None
        with os.fdopen(self.open(name, os.O_RDONLY), "rb") as file:
            data = at_most(file, limit + 1)
        return data if len(data) <= limit else None

    def write(self, name: str, data: bytes) -> None:
        """Make ``name`` a file with this content, whole or not at all, and lasting.

        Whatever had the name is replaced and not followed, but no folder.
        """
        self.write_all({name: data})

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Make several files so; when it fails, some of them may be there, each of them whole."""
        begun: list[tuple[str, int]] = []
        try:
            for data in files.values():
                temporary = f"{_TEMPORARY}{secrets.token_hex(8)}"
                begun.append((temporary, self.open(temporary, _NEW)))
                _write(begun[-1][1], data)
                os.fchmod(begun[-1][1], self.modes.file)
            # all are written before the first is waited for: the disk takes them as one
            for _, descriptor in begun:
                os.fsync(descriptor)
            for name, (temporary, _) in zip(files, begun, strict=True):
                self._rename(temporary, self, name)
            self.sync()
        except OSError:
            for temporary, _ in begun:
                self.remove(temporary)
            raise
        finally:
            for _, descriptor in begun:
                os.close(descriptor)

    def move(self, name: str, to: "Folder", new: str) -> None:
        """Give a file another name, in this folder or another one; it replaces what has it."""
        self._rename(name, to, new)
        to.sync()
        if to is not self:
            self.sync()

    def _rename(self, name: str, to: "Folder", new: str) -> None:
        os.rename(name, new, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def copy(self, name: str, to: "Folder", new: str) -> None:
        """Give a file a second name; where the file system has no such thing, only that one."""
        try:
            os.link(
                name,
                new,
                src_dir_fd=self.descriptor,
                dst_dir_fd=to.descriptor,
                follow_symlinks=False,
            )
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._rename(name, to, new)
        to.sync()

    def touch(self, name: str, seconds: float) -> None:
        """Set when a file was modified, in seconds since the epoch."""
        os.utime(name, (seconds, seconds), dir_fd=self.descriptor, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file or a link, if it is there; or a folder of files."""
        with suppress(FileNotFoundError):
            found = self.find(name)
            if found is None or not stat.S_ISDIR(found.st_mode):
                os.unlink(name, dir_fd=self.descriptor)
                return
            with self.sub(name) as folder:
                for inner in folder.names():
                    os.unlink(inner, dir_fd=folder.descriptor)
            os.rmdir(name, dir_fd=self.descriptor)

    def tidy(self) -> None:
        """Remove what a writer that was killed left half written."""
        for name in self.names():
            if name.startswith(_TEMPORARY):
                self.remove(name)

    def sync(self) -> None:
        """Make lasting what was renamed, made and removed."""
        os.fsync(self.descriptor)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _distrust(found: os.stat_result) -> str:
    """Return why a folder is not to be written to, or nothing."""
    if found.st_uid not in (0, os.geteuid()):
        return f"it belongs to user {found.st_uid}: give it to the agent's user with chown"
    if found.st_mode & stat.S_IWOTH:
        return "everybody may write to it: take that right away with chmod o-w"
    return ""
