"""SHA-256 of whole files, computed once per content and remembered on disk between runs."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from aibom.observe.files.hashing import be_idle
from aibom.observe.files.recent import Recent
from aibom.observe.host.protocol import HostFile
from aibom.types.files import FileFacts, FileKey

#: Files larger than this many bytes are not hashed unless the caller asks for it.
DEFAULT_LIMIT = 20 * 10**9

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digest (
  device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (device, inode, size, mtime_ns, ctime_ns)
) WITHOUT ROWID
"""
_KEY = "device=? AND inode=? AND size=? AND mtime_ns=? AND ctime_ns=?"
_VOLATILE_DEVICE_MAJOR = 0
_REMEMBERED = 100_000


class TooLargeError(Exception):
    """The file is larger than the limit, and its digest is not known yet."""


class PendingError(Exception):
    """The file is hashed in the background: its digest is known later."""


class Digests:
    """A cache of digests: in memory, and in a private SQLite file where one is given."""

    def __init__(self, path: str | None = None, limit: int = DEFAULT_LIMIT) -> None:
        """Keep digests in the file ``path``; hash files up to ``limit`` bytes.

        A cache file that cannot be used is left alone: it only saves time.
        """
        self.limit = limit
        #: called, by another thread, when ``finished`` has something to tell
        self.on_finished: Callable[[], object] = lambda: None
        self._memory: Recent[FileKey, str] = Recent(_REMEMBERED)
        self._database: sqlite3.Connection | None = None
        if path is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._database = _open(path)

    def sha256(self, file: HostFile, key: FileKey, group: str = "") -> str:
        """Return the digest of an open file, whose identity is ``key``.

        ``group`` names the workload that holds it, to be fair to all of them. Raises
        TooLargeError, OSError; PendingError where digests are computed in the background.
        """
        digest = self._memory.get(key) or self._recall(key)
        if digest is None:
            if key.size > self.limit:
                raise TooLargeError
            digest = self._compute(file, key, group)
            self._store(key, digest)
        return self._memory.put(key, digest)

    def _compute(self, file: HostFile, key: FileKey, group: str) -> str:  # noqa: ARG002
        be_idle()
        return file.sha256()

    def settled(self, file: FileFacts) -> FileFacts:
        """Return what is said of a file, with the digest if that is known by now."""
        digest = self._memory.get(file.key) if not file.sha256 else None
        return replace(file, sha256=digest, pending=False) if digest else file

    def failing(self, key: FileKey) -> str:  # noqa: ARG002
        """Return in words why a digest will not be known; empty where it still may be."""
        return ""

    def is_due(self, file: FileFacts) -> bool:
        """Say whether a file without a digest is worth asking for again."""
        return self._memory.get(file.key) is not None

    def finished(self) -> frozenset[FileKey]:
        """Return what has become known since the last time without having been asked for."""
        return frozenset()

    def _recall(self, key: FileKey) -> str | None:
        if self._database is None or not _lasting(key):
            return None
        with contextlib.suppress(sqlite3.Error):
            query = f"SELECT sha256 FROM digest WHERE {_KEY}"  # noqa: S608
            row = self._database.execute(query, _columns(key)).fetchone()
            return str(row[0]) if row else None
        return None

    def _store(self, key: FileKey, digest: str) -> None:
        if self._database is None or not _lasting(key):
            return
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?, ?)",
                (*_columns(key), digest),
            )

    def close(self) -> None:
        """Close the cache file."""
        if self._database is not None:
            self._database.close()
            self._database = None


def _columns(key: FileKey) -> tuple[int, ...]:
    return (key.device, key.inode, key.size, key.mtime_ns, key.ctime_ns)


def _lasting(key: FileKey) -> bool:
    # device numbers with major 0 (tmpfs, memfd) are given again to other file systems; overlay
    # files have device 0 and are told by their layer file's inode and ctime
    return key.device == 0 or os.major(key.device) != _VOLATILE_DEVICE_MAJOR


def _open(path: str) -> sqlite3.Connection:
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    # somebody else's folder or file could plant digests
    if os.stat(folder).st_uid != os.geteuid() or os.stat(folder).st_mode & 0o022:
        raise PermissionError(folder)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    connection = sqlite3.connect(path, timeout=1)
    connection.execute(_SCHEMA)
    return connection


def default_path() -> str:
    """Return where the cache lies by default, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "aibom", "digests.sqlite")
