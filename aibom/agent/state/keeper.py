"""Memory and database, kept together: memory leads, and the database follows when it can."""

import math
import sqlite3
from typing import NamedTuple

from aibom.agent.log import Log
from aibom.agent.state import bounds, rows, times
from aibom.agent.state.ages import Ages, Clocks
from aibom.agent.state.database import Database
from aibom.agent.state.known import Image, Known
from aibom.agent.state.memory import Memory
from aibom.agent.state.place import Place
from aibom.agent.state.untold import Untold
from aibom.agent.state.watches import Watch
from aibom.types.inventory import Workload

#: Seconds between two looks for what is too old.
EXPIRE_SECONDS = 3600.0


class Bounds(NamedTuple):
    """What was not seen for ``seconds`` is forgotten; the file stays below ``max_bytes``."""

    seconds: float
    max_bytes: int


class Keeper:
    """Keeps what lives and what waits, and stores it."""

    def __init__(self, place: Place, log: Log, clocks: Clocks, limits: Bounds) -> None:
        """Take over what the database in ``place`` has."""
        self.clocks = clocks
        self.limits = limits
        self.memory = Memory()
        self.untold = Untold()
        self.ages = Ages(0.0, None, clocks.wall(), clocks.monotonic)
        self._begun = False
        self._expired: float | None = None
        self._trimmed = -math.inf
        self._log = log
        self._place = place
        self.database = Database(place, log, clocks, limits.max_bytes, self._opened)

    def _opened(self, connection: sqlite3.Connection) -> None:
        """Take over what a database has, and note that it has nothing else."""
        age, wall = times.times(connection)
        if age is not None and not self._begun:
            self.ages = Ages(age, wall, self.clocks.wall(), self.clocks.monotonic)
        self._begun = True
        for known in self.memory.knowns.values():
            known.forget_stored()
        for stored in rows.living(connection):
            self.memory.merge(stored)
        self.untold.load(connection)

    @property
    def error(self) -> str:
        """What is wrong, empty when nothing is."""
        full = "too many findings wait to be told" if self.untold.full else ""
        lately = self.clocks.monotonic() - self._trimmed < EXPIRE_SECONDS
        small = "it is full, and forgot what it should keep" if lately else ""
        return "; ".join(filter(None, (self.database.error, self.database.notice, full, small)))

    def moment(self, now: float) -> tuple[float, float, float]:
        """Return the times of an act: wall clock, the state's age, monotonic clock."""
        return now, self.ages.now(), self.clocks.monotonic()

    def known(self, key: str, workload: Workload) -> Known:
        """Return what is known of a workload, which lives from now on."""
        known = self.memory.knowns.get(key)
        if known is None:
            now, age, _ = self.moment(self.clocks.wall())
            known = self.find(key) or Known(key, workload, Watch(now, now, age))
            self.memory.knowns[key] = known
        return known

    def find(self, key: str) -> Known | None:
        """Return what is known of a workload, if it is."""
        held = self.memory.knowns.get(key)
        return held or self.database.read(lambda file: rows.find_workload(file, key))

    def image(self, digest: str) -> Image | None:
        """Return what is known of an image, if it is."""
        held = self.memory.images.get(digest)
        return held or self.database.read(lambda file: rows.find_image(file, digest))

    def limit(self, limits: Bounds) -> None:
        """Keep within other bounds; the next look for what is too old heeds them."""
        self.limits = limits
        self._expired = None
        self.database.limit(limits.max_bytes)

    def save(self, now: float, *, durable: bool = False, everything: bool = False) -> None:
        """Store what waits; ``everything`` also what may wait longer. See Database.write."""
        _, age, monotonic = self.moment(now)
        due = self.memory.due(monotonic, everything=everything)
        if not due and not self.untold.dirty:
            return

        def work(connection: sqlite3.Connection) -> None:
            for known in due:
                self._store(connection, known, now, monotonic)
            self.untold.save(connection)

        if self.database.write(work, durable=durable):
            for known in due:
                if known.unsaved is not None:
                    known.unsaved, known.saved, known.refreshed = None, monotonic, age
            self.memory.saved(due)
            self.untold.saved()
        else:
            self.memory.bound()

    def _store(
        self, connection: sqlite3.Connection, known: Known, now: float, monotonic: float
    ) -> None:
        number = rows.save_workload(connection, known, monotonic)
        found = ((d, self.memory.images.get(d)) for d in known.images)
        images = {d: rows.save_image(connection, i, monotonic) for d, i in found if i is not None}
        if known.unsaved is not None:
            rows.save_inventory(connection, (number, images), known.unsaved, now, self.ages)

    def prune(self, now: float) -> None:
        """Note what still lives, forget what is too old, and keep the file small."""
        self.database.check()
        moment = self.moment(now)
        living = self.memory.pulse(*moment)
        images = list(self.memory.images.values())

        def work(connection: sqlite3.Connection) -> None:
            times.save_times(connection, now, moment[1])
            times.save_watches(connection, living, images, moment[2])

        if self.database.write(work):
            self.save(now)
            self._bound(moment[1], moment[2])

    def _bound(self, age: float, monotonic: float) -> None:
        if self._expired is None or monotonic - self._expired >= EXPIRE_SECONDS:
            self._expired = monotonic
            bounds.expire(self.database, age, self.limits.seconds)
        if bounds.trim(self.database, self.limits.max_bytes):
            self._trimmed = monotonic
            said = "the state is as large as it may be; the oldest is forgotten"
            self._log.once("state-size", said, bytes=self.limits.max_bytes)
        bounds.shrink(self.database)

    def close(self, now: float) -> None:
        """Store what waits, and leave the folder to others."""
        for known in self.memory.pulse(*self.moment(now)):
            known.dirty = True
        self.save(now, everything=True)
        self.database.write(lambda file: times.save_times(file, now, self.ages.now()))
        self.database.close()
        self._place.close()
