"""Digests on disk: a private SQLite file of bounded size that only saves time."""

import contextlib
import os
import sqlite3
import time

from aibom.types.files import FileKey

#: Digests that were not used on so many days on which the file was used are forgotten. Whoever
#: watches for months has them in memory, and uses the file's only after the next start.
UNUSED_DAYS = 400
#: Most digests that are kept: about 60 MB.
MOST = 500_000
#: Digests that are written at once, and seconds after which fewer are.
WRITTEN_AT_ONCE = 500
WRITE_SECONDS = 5.0
#: Bytes of a file whose digest took so long that it is written at once.
DEAR_BYTES = 64 << 20

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digest (
  device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
  sha256 TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (device, inode, size, mtime_ns, ctime_ns)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS day (number INTEGER PRIMARY KEY, date INTEGER NOT NULL)
"""
_KEY = "device=? AND inode=? AND size=? AND mtime_ns=? AND ctime_ns=?"
_LEAST_USED = """DELETE FROM digest WHERE (device, inode, size, mtime_ns, ctime_ns) IN
  (SELECT device, inode, size, mtime_ns, ctime_ns FROM digest ORDER BY used LIMIT ?)"""
_DAY = 86_400
# what SQLite says of a file that is none of its own, or not whole (sqlite.org/rescode.html)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_VOLATILE_DEVICE_MAJOR = 0
# of 64 bits SQLite keeps all, and reads the highest as a sign (sqlite.org/datatype3.html)
_SIGN, _RANGE = 1 << 63, 1 << 64


class DigestFile:
    """A file of digests by the identity of files' content. What goes wrong with it is no error.

    Its days are those on which it was used, counted one by one: a clock that jumps by years makes
    nothing old. One thread at a time may use it.
    """

    def __init__(self, path: str) -> None:
        """Open the file or make it, and anew where it is damaged. Raises OSError, sqlite3.Error."""
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) not in _DAMAGED:
                raise
            os.unlink(path)
            self._connection = _open(path)
        self._today = -1
        self._day = 0
        self._unwritten: dict[tuple[int, ...], tuple[str, int]] = {}
        self._write_at = time.monotonic()

    def recall(self, key: FileKey) -> str | None:
        """Return the digest of a content, if it is known."""
        if not _lasting(key):
            return None
        if (unwritten := self._unwritten.get(_columns(key))) is not None:
            return unwritten[0]
        with contextlib.suppress(sqlite3.Error):
            day = self._now()
            query = f"SELECT sha256, used FROM digest WHERE {_KEY}"  # noqa: S608
            row = self._connection.execute(query, _columns(key)).fetchone()
            if row is None:
                return None
            if row[1] != day:
                with contextlib.suppress(sqlite3.Error), self._connection:
                    update = f"UPDATE digest SET used=? WHERE {_KEY}"  # noqa: S608
                    self._connection.execute(update, (day, *_columns(key)))
            return str(row[0])
        return None

    def store(self, key: FileKey, digest: str) -> None:
        """Keep the digest of a content; many are written at once, as each waits for the disk."""
        if not _lasting(key):
            return
        with contextlib.suppress(sqlite3.Error):
            self._unwritten[_columns(key)] = (digest, self._now())
        many = len(self._unwritten) >= WRITTEN_AT_ONCE or time.monotonic() >= self._write_at
        if many or key.size >= DEAR_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet; what cannot be is computed again some day."""
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((*columns, *known) for columns, known in self._unwritten.items()),
            )
        self._unwritten.clear()
        self._write_at = time.monotonic() + WRITE_SECONDS

    def prune(self) -> None:
        """Forget what was not used for UNUSED_DAYS, and the least used of what is too much."""
        self.flush()
        with contextlib.suppress(sqlite3.Error):
            with self._connection:
                day = self._now()
                self._connection.execute("DELETE FROM digest WHERE used<?", (day - UNUSED_DAYS,))
                self._connection.execute("DELETE FROM day WHERE number<?", (day,))
                count = self._connection.execute("SELECT count(*) FROM digest").fetchone()[0]
                self._connection.execute(_LEAST_USED, (max(count - MOST, 0),))
            if self._pragma("freelist_count") > self._pragma("page_count") // 2:
                self._connection.execute("VACUUM")

    def close(self) -> None:
        """Write what is not written yet, and close the file."""
        self.flush()
        self._connection.close()

    def _now(self) -> int:
        """Return the number of this day, which is a new one when the clock has another date."""
        today = int(time.time() // _DAY)
        if today != self._today:
            self._today = today
            query = "SELECT number, date FROM day ORDER BY number DESC LIMIT 1"
            number, date = self._connection.execute(query).fetchone() or (0, None)
            self._day = number
            if date != today:
                self._day += 1
                self._connection.execute("INSERT INTO day VALUES (?, ?)", (self._day, today))
                self._connection.commit()
                self.prune()
        return self._day

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])


def _columns(key: FileKey) -> tuple[int, ...]:
    numbers = (key.device, key.inode, key.size, key.mtime_ns, key.ctime_ns)
    return tuple((n + _SIGN) % _RANGE - _SIGN for n in numbers)


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
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # with both a commit waits for no disk, and a loss of power leaves the file whole: so says
    # SQLite of its pragma "synchronous" (sqlite.org/pragma.html)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)
    columns = {row[1] for row in connection.execute("PRAGMA table_info(digest)")}
    if "used" not in columns:  # made before digests were forgotten
        connection.execute("ALTER TABLE digest ADD COLUMN used INTEGER NOT NULL DEFAULT 0")
