"""Rows read and written: workloads, images, what was seen of them and found in them."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from aibom.agent.state.ages import Ages
from aibom.agent.state.codec import StoredError, bytes_of, number_of, packed, text_of, unpacked
from aibom.agent.state.findings import Held
from aibom.agent.state.known import Image, Known
from aibom.agent.state.things import sightings
from aibom.agent.state.watches import Watch
from aibom.types.findings import SEVERITIES
from aibom.types.inventory import Inventory, Workload

WORKLOAD, IMAGE = 0, 1

_OWNER = """INSERT INTO owner (kind, key, workload, first, last, seen, seconds, ended)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET
  workload=excluded.workload, first=excluded.first, last=excluded.last, seen=excluded.seen,
  seconds=excluded.seconds, ended=excluded.ended"""
_FINDING = """INSERT OR REPLACE INTO finding
  (owner, fingerprint, kind, severity, told, first, last, seen, closed)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_THING = "INSERT OR IGNORE INTO thing (digest, ref, names) VALUES (?, ?, ?)"
_SIGHTING = """INSERT INTO sighting (owner, thing, first, last, seen)
  SELECT ?, id, ?, ?, ? FROM thing WHERE digest=?
  ON CONFLICT (owner, thing) DO UPDATE SET first=min(first, excluded.first),
  last=max(excluded.last, min(first, excluded.first)), seen=max(seen, excluded.seen)"""
_INVENTORY = "SELECT inventory FROM memory JOIN owner ON owner=id WHERE kind=? AND key=?"
_COLUMNS = "id, key, workload, first, last, seen, seconds, ended"


def save_workload(connection: sqlite3.Connection, known: Known, monotonic: float) -> int:
    """Store a workload and its findings; return its number."""
    document = packed(known.workload)
    number = _save_owner(
        connection, (WORKLOAD, known.key, document, known.ended), known.watch, monotonic
    )
    connection.executemany(
        _FINDING,
        [
            (
                number,
                bytes_of(fingerprint),
                held.kind,
                held.severity,
                held.told,
                held.first,
                held.last,
                held.seen,
                held.closed,
            )
            for fingerprint, held in known.findings.items()
        ],
    )
    return number


def save_image(connection: sqlite3.Connection, image: Image, monotonic: float) -> int:
    """Store an image; return its number."""
    return _save_owner(connection, (IMAGE, image.digest, None, None), image.watch, monotonic)


def _save_owner(
    connection: sqlite3.Connection,
    named: tuple[int, str, bytes | None, float | None],
    watch: Watch,
    monotonic: float,
) -> int:
    kind, key, document, ended = named
    seconds = watch.total(monotonic)
    values = (kind, bytes_of(key), document, watch.first, watch.last, watch.seen, seconds, ended)
    connection.execute(_OWNER, values)
    query = "SELECT id FROM owner WHERE kind=? AND key=?"
    found = connection.execute(query, values[:2]).fetchone()
    if found is None:
        raise StoredError("what was written is not there")
    return int(found[0])


def save_inventory(
    connection: sqlite3.Connection,
    owners: tuple[int, dict[str, int]],
    inventory: Inventory,
    now: float,
    ages: Ages,
) -> None:
    """Store what was seen of a workload as it is, and when its images were seen to load what.

    ``owners`` are the numbers of the workload and of its images by their digests.
    """
    number, images = owners
    connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (number, packed(inventory)))
    seen = list(sightings(inventory, now))
    connection.executemany(_THING, [(s.thing.digest, s.thing.ref, s.thing.names) for s in seen])
    connection.executemany(
        _SIGHTING,
        [
            (
                owner,
                sighting.first,
                sighting.last,
                ages.at(sighting.last, now),
                sighting.thing.digest,
            )
            for sighting in seen
            for owner in (images[d] for d in sighting.images if d in images)
        ],
    )


def living(connection: sqlite3.Connection) -> Iterator[Known]:
    """Yield the workloads that have not ended, with their findings."""
    query = f"SELECT {_COLUMNS} FROM owner WHERE kind=? AND ended IS NULL"  # noqa: S608
    yield from _workloads(connection, connection.execute(query, (WORKLOAD,)).fetchall())


def find_workload(connection: sqlite3.Connection, key: str) -> Known | None:
    """Return a workload with its findings, if it is known."""
    query = f"SELECT {_COLUMNS} FROM owner WHERE kind=? AND key=?"  # noqa: S608
    found = connection.execute(query, (WORKLOAD, bytes_of(key))).fetchall()
    return next(_workloads(connection, found), None)


def inventory_of(connection: sqlite3.Connection, key: str) -> Inventory | None:
    """Return what is remembered of a workload, if this version of aibom understands it."""
    found = connection.execute(_INVENTORY, (WORKLOAD, bytes_of(key))).fetchone()
    try:
        return unpacked(found[0], Inventory) if found else None
    except StoredError:
        return None


def find_image(connection: sqlite3.Connection, digest: str) -> Image | None:
    """Return an image, if it is known."""
    query = f"SELECT {_COLUMNS} FROM owner WHERE kind=? AND key=?"  # noqa: S608
    row = connection.execute(query, (IMAGE, bytes_of(digest))).fetchone()
    return Image(digest, _watch(row)) if row else None


def _watch(row: tuple[Any, ...]) -> Watch:
    first, last, seen, seconds = map(number_of, row[3:7])
    return Watch(first, last, seen, seconds)


def _workloads(connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> Iterator[Known]:
    for row in rows:
        try:
            workload = unpacked(row[2], Workload)
        except StoredError:
            continue  # of another version; it will be met again
        findings = dict(_findings(connection, row[0]))
        key = text_of(row[1])
        yield Known(key, workload, _watch(row), findings, ended=row[7], dirty=False)


def _findings(connection: sqlite3.Connection, owner: int) -> Iterator[tuple[str, Held]]:
    query = """SELECT fingerprint, kind, severity, told, first, last, seen, closed FROM finding
      WHERE owner=?"""
    for fingerprint, kind, severity, *values in connection.execute(query, (owner,)):
        if severity not in SEVERITIES or not isinstance(kind, str):
            continue  # of another version; it is told again
        told, first, last, seen = map(number_of, values[:4])
        closed = number_of(values[4]) if values[4] is not None else None
        yield text_of(fingerprint), Held(kind, severity, int(told), first, last, seen, closed)
