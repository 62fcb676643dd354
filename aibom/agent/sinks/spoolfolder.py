"""The folder of one spool: private, opened when it is needed, with a folder for what is refused."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aibom.agent.folder import OPEN_FILE, PRIVATE, Folder
from aibom.observe.host.reading import at_most

#: Where files are put that cannot be delivered, or that are none of ours.
ASIDE = "aside"
#: Most files that are kept there.
MAX_ASIDE = 100


class SpoolFolder:
    """Files by name in one folder. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        """Take ``path``; it is made and opened when it is needed."""
        self._path = path
        self._folder: Folder | None = None

    def names(self) -> list[tuple[str, int, float]]:
        """Return names, sizes and times of change of the files in it, in order of their names.

        What a crash left half written is removed.
        """
        folder = self._opened()
        folder.tidy()
        found = []
        for name in folder.names():
            status = folder.find(name)
            if status is not None and not stat.S_ISDIR(status.st_mode):
                found.append((name, status.st_size, status.st_mtime))
        return found

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write new files; when that fails none of them is there."""
        try:
            self._write(files)
        except FileNotFoundError:  # somebody removed the folder
            self.close()
            self._write(files)

    def _write(self, files: Mapping[str, bytes]) -> None:
        folder = self._opened()
        try:
            folder.write_all(files)
        except OSError:
            for name in files:
                with suppress(OSError):
                    folder.remove(name)
            raise

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's content, at most ``limit`` bytes of it."""
        descriptor = os.open(name, os.O_RDONLY | OPEN_FILE, dir_fd=self._opened().descriptor)
        with os.fdopen(descriptor, "rb") as file:
            return at_most(file, limit)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._opened().remove(name)

    def put_aside(self, name: str, limit: int) -> None:
        """Put a file where it is kept and never sent: ``limit`` bytes, the oldest make room."""
        folder = self._opened()
        with folder.sub(ASIDE) as aside:
            folder.move(name, aside, name)
            _make_room(aside, limit)

    def close(self) -> None:
        """Close the folder; it is opened again when it is needed."""
        if self._folder is not None:
            self._folder.close()
        self._folder = None

    def _opened(self) -> Folder:
        if self._folder is None:
            self._folder = Folder.at(str(self._path), PRIVATE)
        return self._folder


def _make_room(folder: Folder, limit: int) -> None:
    """Remove the first of a folder's files until few enough are left."""
    names = folder.names()
    sizes = [os.stat(n, dir_fd=folder.descriptor, follow_symlinks=False).st_size for n in names]
    kept, room = 0, limit
    while kept < min(MAX_ASIDE, len(names)) and sizes[-1 - kept] <= room:
        room -= sizes[-1 - kept]
        kept += 1
    for name in names[: len(names) - kept]:
        with suppress(OSError):
            folder.remove(name)
