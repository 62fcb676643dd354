"""A SQLite file that may fail at any time: what goes wrong is said, and tried again."""

import contextlib
import math
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aibom.agent.errors import AgentError
from aibom.agent.log import Log
from aibom.agent.state.ages import Clocks
from aibom.agent.state.codec import StoredError
from aibom.agent.state.place import Place
from aibom.agent.state.schema import UnusableError, prepare

T = TypeVar("T")

#: SQLite's default (sqlite.org/pragma.html#pragma_page_size).
PAGE_BYTES = 4096

# sqlite.org/rescode.html
# what we store breaks no constraint but that of an index that is damaged
_DAMAGED = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)


# SQLite's messages name what a damaged schema says, which may be no text
_FAILURES = (sqlite3.Error, OSError, AgentError, StoredError, UnicodeDecodeError)

Work = Callable[[sqlite3.Connection], None]

#: Seconds between two attempts at what fails. Each attempt writes all that waits.
RETRY_SECONDS = 2.0
_FAILING = "state-database"
#: Seconds for which it is said that a file was put aside.
NOTICE_SECONDS = 3600.0


class Database:
    """The file in a ``Place``.

    No method raises sqlite3.Error: ``error`` says what is wrong until it works again, and
    ``notice`` for a while what was put aside. ``opened`` is called with each new connection.
    """

    def __init__(
        self,
        place: Place,
        log: Log,
        clocks: Clocks,
        max_bytes: int,
        opened: Work,
    ) -> None:
        """Open the file, or put it aside when it is damaged and begin a new one."""
        self.error = self._aside = ""
        self._noticed = -math.inf
        self._place = place
        self._log = log
        self._clocks = clocks
        self._resting = -math.inf
        self._pages = _pages(max_bytes)
        self._opened = opened
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._try(lambda _: None, writes=False)

    @property
    def notice(self) -> str:
        """What was put aside lately, empty when nothing was."""
        lately = self._clocks.monotonic() - self._noticed < NOTICE_SECONDS
        return self._aside if lately else ""

    def write(self, work: Work, *, durable: bool = False) -> bool:
        """Do ``work`` in one transaction and return whether it is stored.

        What is ``durable`` also survives a power cut: it is on disk when this returns.
        """

        def transaction(connection: sqlite3.Connection) -> None:
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            work(connection)
            connection.execute("COMMIT")

        return self._try(transaction)

    def read(self, reading: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return what ``reading`` returns; None when the file cannot be read."""
        found: list[T] = []

        def work(connection: sqlite3.Connection) -> None:
            found[:] = [_understood(reading, connection)]

        return found[0] if self._try(work, writes=False) and found else None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds; nothing when the file cannot be read."""
        return self.read(lambda connection: connection.execute(query, values).fetchall()) or []

    def run(self, statement: str) -> None:
        """Run a statement that is no part of a transaction."""

        def running(connection: sqlite3.Connection) -> None:
            # execute() takes one step only of what has no columns, which frees a single page
            connection.executescript(statement)

        self._try(running)

    def limit(self, max_bytes: int) -> None:
        """Let the file have so many bytes; what it has already it keeps until it is trimmed."""
        self._pages = _pages(max_bytes)
        if self._connection is not None:
            self.run(f"PRAGMA max_page_count={self._pages}")

    def check(self) -> None:
        """Notice when somebody took the file away or put another one in its place."""
        if self._connection is not None and self._place.identity() != self._identity:
            said = "the state's file was taken away; it is written anew"
            self._log.warning(said, file=self._place.path)
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _try(self, work: Work, *, writes: bool = True) -> bool:
        if self._clocks.monotonic() < self._resting and (writes or self._connection is None):
            return False
        for _ in range(2):
            try:
                work(self._open())
            except _FAILURES as error:
                self._roll_back()
                if not _is_damage(error):
                    self._fail(str(error))
                    return False
                self._begin_anew(error)
            else:
                if writes:  # what cannot be written may well be read
                    self._succeed()
                return True
        return False

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # transactions begin and end where we say it; one thread at a time uses it
            connection = sqlite3.connect(
                self._place.file(), timeout=1, isolation_level=None, check_same_thread=False
            )
            try:
                _understood(prepare, connection)
                connection.execute(f"PRAGMA max_page_count={self._pages}").fetchall()
                _understood(self._opened, connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._identity = self._place.identity()
        return self._connection

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _begin_anew(self, error: Exception) -> None:
        self.close()
        try:
            name = self._place.aside(self._clocks.wall)
        except OSError as failure:
            self._fail(f"damaged ({error}), and cannot be put aside: {failure.strerror}")
            return
        self._noticed = self._clocks.monotonic()
        self._aside = f"{self._place.path} could not be used ({error}); it is {name} now"
        said = "the state could not be used, and is put aside; a new one begins"
        self._log.warning(said, file=self._place.path, aside=name, error=str(error))

    def _fail(self, said: str) -> None:
        self._resting = self._clocks.monotonic() + RETRY_SECONDS
        self.error = f"{self._place.path}: {said}"
        message = "the state cannot be stored; it is kept in memory, and tried again"
        self._log.once(_FAILING, message, file=self._place.path, error=said)

    def _succeed(self) -> None:
        self._resting = -math.inf
        self.error = ""
        self._log.clear(_FAILING)


def _pages(max_bytes: int) -> int:
    return max(max_bytes // PAGE_BYTES, 64)


def _understood(reading: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
    """Return what is read; texts that are none are damage as well."""
    try:
        return reading(connection)
    except ValueError as error:
        raise UnusableError(f"its content is not aibom's: {error}") from None


def _is_damage(error: Exception) -> bool:
    if isinstance(error, UnusableError | StoredError | UnicodeDecodeError):
        return True
    # the lowest byte of an extended result code is the primary one
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return isinstance(error, sqlite3.DatabaseError) and (code & 0xFF) in _DAMAGED
