"""The tables of a state, and how those of an older version become them."""

import contextlib
import sqlite3
from typing import Any

#: ``PRAGMA application_id`` of our files: "aibm" (sqlite.org/pragma.html#pragma_application_id).
APPLICATION_ID = 0x6169626D

# Ages are in seconds of the state's own time (ages.py), other times in seconds since the epoch.
# Texts that a workload chose are BLOBs, as they may be no UTF-8.
_FIRST = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID",
    # a workload (kind 0), or an image that workloads run (kind 1)
    """CREATE TABLE owner (
      id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL,
      workload BLOB, first REAL NOT NULL, last REAL NOT NULL, seen REAL NOT NULL,
      seconds REAL NOT NULL, ended REAL,
      UNIQUE (kind, key))""",
    """CREATE TABLE memory (
      owner INTEGER PRIMARY KEY REFERENCES owner ON DELETE CASCADE, inventory BLOB NOT NULL)""",
    """CREATE TABLE thing (
      id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, ref BLOB NOT NULL,
      names BLOB NOT NULL)""",
    """CREATE TABLE sighting (
      owner INTEGER NOT NULL REFERENCES owner ON DELETE CASCADE,
      thing INTEGER NOT NULL REFERENCES thing,
      first REAL NOT NULL, last REAL NOT NULL, seen REAL NOT NULL,
      PRIMARY KEY (owner, thing)) WITHOUT ROWID""",
    "CREATE INDEX sighting_thing ON sighting (thing)",
    """CREATE TABLE finding (
      owner INTEGER NOT NULL REFERENCES owner ON DELETE CASCADE,
      fingerprint BLOB NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
      told INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL, seen REAL NOT NULL,
      closed REAL,
      PRIMARY KEY (owner, fingerprint)) WITHOUT ROWID""",
    # findings that are new and were not yet written to the output
    """CREATE TABLE untold (
      number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key BLOB NOT NULL,
      fingerprint BLOB NOT NULL, body BLOB NOT NULL)""",
    # ids that the output knows of from before this state began
    "CREATE TABLE adopted (id TEXT PRIMARY KEY) WITHOUT ROWID",
)

#: What leads from each version to the next one, from an empty file on.
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)

_Shape = dict[str, tuple[list[Any], list[Any]]]


class UnusableError(sqlite3.DatabaseError):
    """The file is damaged, or another program's, or a newer version's."""


def prepare(connection: sqlite3.Connection) -> None:
    """Set a connection up, check its file, and bring it to this version.

    Raises UnusableError, sqlite3.Error.
    """
    # nobody else reads it: no reader can keep the log from being emptied, and without shared memory
    # beside the file a full disk cannot end us with SIGBUS (sqlite.org/wal.html)
    _set(connection, "locking_mode=EXCLUSIVE", "temp_store=MEMORY", "trusted_schema=OFF")
    version = _number(connection, "user_version")
    _check(connection, version)
    if not version:
        _set(connection, "auto_vacuum=INCREMENTAL")  # before the first table, or never
    _set(connection, "journal_mode=WAL", "journal_size_limit=4194304", "foreign_keys=ON")
    for number in range(version, len(MIGRATIONS)):
        connection.execute("BEGIN IMMEDIATE")
        for statement in MIGRATIONS[number]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={number + 1}")
        connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, version: int) -> None:
    if version > len(MIGRATIONS):
        raise UnusableError(f"written by a newer aibom (version {version} of its tables)")
    shape = _shape(connection)
    if shape and (version < 1 or _number(connection, "application_id") != APPLICATION_ID):
        raise UnusableError("another program's database")
    if shape != _expected(version):
        raise UnusableError("its tables are not those of its version")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise UnusableError(str(found).partition("\n")[0])


def _expected(version: int) -> _Shape:
    with contextlib.closing(sqlite3.connect(":memory:")) as made:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                made.execute(statement)
        return _shape(made)


def _shape(connection: sqlite3.Connection) -> _Shape:
    """Return the columns and indexes of every table."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
    found: _Shape = {}
    for (name,) in names:
        columns = connection.execute("SELECT * FROM pragma_table_info(?)", (name,)).fetchall()
        indexes = connection.execute("SELECT * FROM pragma_index_list(?)", (name,)).fetchall()
        found[name] = (columns, indexes)
    return found


def _set(connection: sqlite3.Connection, *settings: str) -> None:
    for setting in settings:
        connection.execute(f"PRAGMA {setting}").fetchall()


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
