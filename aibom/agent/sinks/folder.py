"""The folder of one spool: whole files or none, and no way out of it by a link."""

import os
import stat
from contextlib import suppress
from pathlib import Path

#: Where files are put that cannot be delivered, or that are none of ours.
ASIDE = "aside"
#: Most files that are kept there.
MAX_ASIDE = 100

_TEMPORARY = ".new-"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """Files by name in one folder. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        """Take ``path``; it is made and opened when it is needed."""
        self._path = path
        self._descriptor = -1

    def names(self) -> list[tuple[str, int, float]]:
        """Return names, sizes and times of change of the files in it, in order of their names.

        What a crash left half written is removed.
        """
        found = []
        here = self._open()
        for name in sorted(os.listdir(here)):
            if name.startswith(_TEMPORARY):
                os.unlink(name, dir_fd=here)
                continue
            status = os.stat(name, dir_fd=here, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                found.append((name, status.st_size, status.st_mtime))
        return found

    def write(self, files: dict[str, bytes]) -> None:
        """Write new files: after a crash each of them is there as a whole or not at all."""
        try:
            self._write(files)
        except FileNotFoundError:  # somebody removed the folder
            self.close()
            self._write(files)

    def _write(self, files: dict[str, bytes]) -> None:
        here = self._open()
        begun: list[tuple[str, int]] = []
        try:
            for name, data in files.items():
                begun.append((name, os.open(_TEMPORARY + name, _NEW, 0o600, dir_fd=here)))
                _write_all(begun[-1][1], data)
            # all are written before the first is waited for: the disk takes them as one
            for _, descriptor in begun:
                os.fsync(descriptor)
            for name, _ in begun:
                os.rename(_TEMPORARY + name, name, src_dir_fd=here, dst_dir_fd=here)
            os.fsync(here)
        except OSError:
            for name, _ in begun:
                for left in (_TEMPORARY + name, name):
                    with suppress(OSError):
                        os.unlink(left, dir_fd=here)
            raise
        finally:
            for _, descriptor in begun:
                os.close(descriptor)

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's content, at most ``limit`` bytes of it."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=self._open()), "rb") as file:
            return file.read(limit)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._open())

    def put_aside(self, name: str, limit: int) -> None:
        """Put a file where it is kept and never sent: ``limit`` bytes, the oldest make room."""
        here = self._open()
        with suppress(FileExistsError):
            os.mkdir(ASIDE, 0o700, dir_fd=here)
        aside = os.open(ASIDE, _FOLDER, dir_fd=here)
        try:
            os.rename(name, name, src_dir_fd=here, dst_dir_fd=aside)
            _make_room(aside, limit)
        finally:
            os.close(aside)

    def close(self) -> None:
        """Close the folder; it is opened again when it is needed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> int:
        if self._descriptor < 0:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, _FOLDER)
        return self._descriptor


def _make_room(folder: int, limit: int) -> None:
    """Remove the first of a folder's files until few enough are left."""
    names = sorted(os.listdir(folder))
    sizes = [os.stat(n, dir_fd=folder, follow_symlinks=False).st_size for n in names]
    kept, room = 0, limit
    while kept < min(MAX_ASIDE, len(names)) and sizes[-1 - kept] <= room:
        room -= sizes[-1 - kept]
        kept += 1
    for name in names[: len(names) - kept]:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
