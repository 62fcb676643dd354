"""The output folder itself: opened once, by one agent, and again when another has its place."""

import errno
import fcntl
import os
from contextlib import suppress

from aibom.agent.folder import Folder


class Root:
    """A folder at a path, which is opened when it is asked for."""

    def __init__(self, path: str) -> None:
        """Stand for the folder at ``path``."""
        self._path = path
        self._folder: Folder | None = None

    def __call__(self) -> Folder:
        """Return the folder, made if it is missing.

        Raises OSError; BlockingIOError where another process has it.
        """
        if self._folder is not None:
            with suppress(FileNotFoundError):
                found = os.stat(self._path, follow_symlinks=False)
                if (found.st_dev, found.st_ino) == self._folder.identity:
                    return self._folder
            self.close()
        folder = Folder.at(self._path)
        try:
            _lock(folder)
        except OSError:
            folder.close()
            raise
        self._folder = folder
        return folder

    def close(self) -> None:
        """Close the folder."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


def _lock(folder: Folder) -> None:
    try:
        # the lock ends with the process, however that ends
        fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            raise
        # some network file systems have no locks
