"""The folder of a state: private, and one agent's at a time."""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable

from aibom.agent.errors import AgentError

#: The database's file, and the one that is locked while an agent uses the folder.
NAME, LOCK_NAME = "state.sqlite", "state.lock"
#: Of databases that were put aside so many are kept.
ASIDE_KEPT = 2

# what SQLite keeps beside a database (sqlite.org/tempfiles.html)
_BESIDE = ("-wal", "-shm", "-journal")
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Place:
    """A folder that only its owner may write to, held by a lock until ``close``."""

    def __init__(self, folder: str) -> None:
        """Make the folder if need be, check whose it is, and lock it. Raises AgentError."""
        self.folder = folder
        self.path = os.path.join(folder, NAME)
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            _check(folder, os.stat(folder), stat.S_ISDIR)
            self._lock = _private(os.path.join(folder, LOCK_NAME))
        except OSError as error:
            raise AgentError(f"--state {folder}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(_private(self.path))
        except OSError as error:
            os.close(self._lock)
            said = "another agent uses it" if error.errno == errno.EWOULDBLOCK else error.strerror
            raise AgentError(f"--state {folder}: {said}") from None
        except AgentError:
            os.close(self._lock)
            raise

    def file(self) -> str:
        """Return the path of the database, which is a private file. Raises OSError, AgentError."""
        os.close(_private(self.path))
        return self.path

    def identity(self) -> tuple[int, int] | None:
        """Return what tells the database's file from another one; None where there is none."""
        try:
            found = os.lstat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def aside(self, clock: Callable[[], float]) -> str:
        """Put the database aside and return its new name. Raises OSError.

        What lies beside it goes with it, as it may hold what can be saved. Older ones are removed.
        """
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock()))
        name = f"{NAME}.corrupt-{moment}"
        taken = set(os.listdir(self.folder))
        number = 1
        while name in taken:
            number += 1
            name = f"{NAME}.corrupt-{moment}-{number}"
        for ending in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.path + ending, os.path.join(self.folder, name + ending))
        os.rename(self.path, os.path.join(self.folder, name))
        self._forget(name)
        return name

    def _forget(self, newest: str) -> None:
        marker = f"{NAME}.corrupt-"
        found = [n for n in os.listdir(self.folder) if n.startswith(marker)]
        bases = [n for n in found if not n.endswith(_BESIDE) and n != newest]
        bases.sort(key=lambda n: os.lstat(os.path.join(self.folder, n)).st_mtime_ns)
        kept = {newest, *bases[len(bases) - ASIDE_KEPT + 1 :]}
        for name in found:
            base = next((name.removesuffix(e) for e in _BESIDE if name.endswith(e)), name)
            if base not in kept:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.folder, name))

    def close(self) -> None:
        """Leave the folder to others."""
        os.close(self._lock)


def _private(path: str) -> int:
    """Open a regular file that only we may use, made where it is missing.

    Raises OSError, AgentError.
    """
    try:
        descriptor = os.open(path, _FLAGS, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise AgentError(f"{path}: is a symbolic link") from None
        raise
    try:
        found = os.fstat(descriptor)
        _check(path, found, stat.S_ISREG)
        if found.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    except (OSError, AgentError):
        os.close(descriptor)
        raise
    return descriptor


def _check(path: str, found: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(found.st_mode):
        raise AgentError(f"{path}: is of another kind than it must be")
    if found.st_uid != os.geteuid():
        raise AgentError(f"{path}: belongs to another user (uid {found.st_uid})")
    if stat.S_ISREG(found.st_mode) and found.st_nlink != 1:
        raise AgentError(f"{path}: has another name elsewhere")
    if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o022:
        raise AgentError(f"{path}: others may write to it (chmod go-w)")
