"""What is forgotten: by age first, and where that does not do, by size."""

import sqlite3

from aibom.agent.state.database import PAGE_BYTES, Database

#: Pages given back to the file system at once, so that no round takes long.
VACUUM_PAGES = 4096
_BATCH = 50
_ROUNDS = 200
# a file that is too large shrinks to this part of what it may be
_AIM = 0.75
_BEGIN = 0.9

# What is looked for here is not untold: findings that wait for the output have a table of their
# own, which nothing empties but their being told.
_EXPIRED = (
    "DELETE FROM owner WHERE seen < ?",
    "DELETE FROM sighting WHERE seen < ?",
    "DELETE FROM finding WHERE closed IS NOT NULL AND seen < ?",
)
_ORPHANS = "DELETE FROM thing WHERE id NOT IN (SELECT thing FROM sighting)"

# What was seen of a pod that has ended. It keeps its findings, which are not told anew; and a pod
# whose containers are only started again is back in minutes (Kubernetes waits for five at most).
_ENDED_SECONDS = 3600.0
_ENDED = """DELETE FROM memory WHERE owner IN (SELECT id FROM owner
  WHERE ended IS NOT NULL AND seen < ? AND substr(key, 1, 4) = CAST('pod:' AS BLOB))"""

# in the order in which they are given up, each the oldest first
_STEPS = (
    """DELETE FROM owner WHERE id IN
       (SELECT id FROM owner WHERE ended IS NOT NULL ORDER BY seen LIMIT ?)""",
    """DELETE FROM memory WHERE owner IN
       (SELECT id FROM owner JOIN memory ON owner=id ORDER BY seen LIMIT ?)""",
    """DELETE FROM sighting WHERE (owner, thing) IN
       (SELECT owner, thing FROM sighting ORDER BY seen LIMIT 100 * ?)""",
    "DELETE FROM adopted WHERE id IN (SELECT id FROM adopted LIMIT 100 * ?)",
)


def expire(database: Database, age: float, seconds: float) -> None:
    """Forget what a state of this age has not seen for ``seconds``, and pods that ended before."""

    def work(connection: sqlite3.Connection) -> None:
        for statement in _EXPIRED:
            connection.execute(statement, (age - seconds,))
        connection.execute(_ENDED, (age - _ENDED_SECONDS,))
        connection.execute(_ORPHANS)

    database.write(work)


def trim(database: Database, max_bytes: int) -> bool:
    """Make a file that comes near ``max_bytes`` smaller; return whether anything was given up."""
    if _used(database) < max_bytes * _BEGIN:
        return False
    given_up = False
    for statement in _STEPS:
        for _ in range(_ROUNDS):
            if _used(database) < max_bytes * _AIM or not _delete(database, statement):
                break
            given_up = True
    return given_up


def shrink(database: Database) -> None:
    """Give free pages back to the file system."""
    if _number(database, "freelist_count"):
        database.run(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        database.run("PRAGMA wal_checkpoint(TRUNCATE)")


def _delete(database: Database, statement: str) -> bool:
    deleted = 0

    def work(connection: sqlite3.Connection) -> None:
        nonlocal deleted
        deleted = connection.execute(statement, (_BATCH,)).rowcount
        connection.execute(_ORPHANS)

    return database.write(work) and deleted > 0


def _used(database: Database) -> int:
    pages = _number(database, "page_count") - _number(database, "freelist_count")
    return pages * PAGE_BYTES


def _number(database: Database, pragma: str) -> int:
    rows = database.rows(f"PRAGMA {pragma}")
    return int(rows[0][0]) if rows else 0
