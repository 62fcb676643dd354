"""How old a state is, and for how long what lives was watched, as rows."""

import sqlite3
from collections.abc import Iterable

from aibom.agent.state.codec import bytes_of, number_of
from aibom.agent.state.known import Image, Known
from aibom.agent.state.rows import IMAGE, WORKLOAD


def save_times(connection: sqlite3.Connection, now: float, age: float) -> None:
    """Store how old the state is at ``now``."""
    connection.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)", (("age", age), ("wall", now))
    )


def times(connection: sqlite3.Connection) -> tuple[float | None, float | None]:
    """Return how old the state was, and at which time, as ``save_times`` stored it."""
    found = dict(connection.execute("SELECT name, value FROM meta"))
    age, wall = found.get("age"), found.get("wall")
    return number_of(age) if age is not None else None, number_of(
        wall
    ) if wall is not None else None


def save_watches(
    connection: sqlite3.Connection,
    workloads: Iterable[Known],
    images: Iterable[Image],
    monotonic: float,
) -> None:
    """Store since when and for how long workloads and images were watched."""
    watches = [(WORKLOAD, known.key, known.watch) for known in workloads]
    watches += [(IMAGE, image.digest, image.watch) for image in images]
    connection.executemany(
        "UPDATE owner SET first=?, last=?, seen=?, seconds=? WHERE kind=? AND key=?",
        [
            (w.first, w.last, w.seen, w.total(monotonic), kind, bytes_of(key))
            for kind, key, w in watches
        ],
    )
