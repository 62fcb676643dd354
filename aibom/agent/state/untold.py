"""Findings that are new and not yet written to the output: each is told once."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from aibom.agent.events import NewFinding, key_of
from aibom.agent.state.codec import StoredError, bytes_of, packed, unpacked

#: Most findings that wait for the output; more are found again later.
MAX_UNTOLD = 10_000
#: Most ids that are taken over from an output.
MAX_ADOPTED = 100_000

_FORGET = """DELETE FROM finding WHERE fingerprint=?2 AND owner IN
  (SELECT id FROM owner WHERE kind=0 AND key=?1)"""


class Untold:
    """What waits to be told, in memory and in the database."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._waiting: dict[str, NewFinding] = {}
        self._unsaved: set[str] = set()
        self._told: set[str] = set()
        self._adopting: dict[str, None] = {}
        self._may_adopt = True
        self._has_adopted = False

    @property
    def dirty(self) -> bool:
        """Whether something has to be stored."""
        return bool(self._unsaved or self._told or self._adopting)

    @property
    def full(self) -> bool:
        """Whether nothing more may wait."""
        return len(self._waiting) >= MAX_UNTOLD

    def add(self, finding: NewFinding) -> None:
        """Note that a finding is new."""
        self._waiting[finding.id] = finding
        self._unsaved.add(finding.id)
        self._told.discard(finding.id)

    def waits(self, finding_id: str) -> bool:
        """Say whether a finding waits already."""
        return finding_id in self._waiting

    def all(self) -> list[NewFinding]:
        """Return what waits, the oldest first."""
        return list(self._waiting.values())

    def told(self, ids: Iterable[str]) -> None:
        """Note that findings were written."""
        for finding_id in ids:
            if self._waiting.pop(finding_id, None) is not None:
                self._told.add(finding_id)
                self._unsaved.discard(finding_id)

    def adopt(self, ids: Iterable[str]) -> None:
        """Take ids as told that an output has, if this state began without knowing them."""
        if self._may_adopt:
            self._may_adopt = False
            self._adopting = dict.fromkeys(list(ids)[-MAX_ADOPTED:])
            self._has_adopted = True

    def is_adopted(
        self, finding_id: str, rows: Callable[[str, tuple[str]], Sequence[object]]
    ) -> bool:
        """Say whether a finding was told before this state began."""
        if not self._has_adopted:
            return False
        query = "SELECT 1 FROM adopted WHERE id=?"
        return finding_id in self._adopting or bool(rows(query, (finding_id,)))

    def load(self, connection: sqlite3.Connection) -> None:
        """Take over what a database has, and note what it does not have."""
        self._unsaved = set(self._waiting)
        query = "SELECT id, key, fingerprint, body FROM untold ORDER BY number"
        for finding_id, key, fingerprint, body in connection.execute(query).fetchall():
            if finding_id in self._told:
                continue
            try:
                new = unpacked(body, NewFinding)
                self._waiting.setdefault(new.id, new)
            except StoredError:  # of another version: forgotten, so that it is found again
                connection.execute(_FORGET, (key, fingerprint))
                self._told.add(finding_id)
        found = connection.execute("SELECT value FROM meta WHERE name='adopted'").fetchone()
        self._may_adopt = found is None
        count = connection.execute("SELECT count(*) FROM adopted").fetchone()[0]
        self._has_adopted = bool(count or self._adopting)

    def save(self, connection: sqlite3.Connection) -> None:
        """Store what changed."""
        connection.executemany(
            "INSERT OR REPLACE INTO untold (id, key, fingerprint, body) VALUES (?, ?, ?, ?)",
            [_row(new) for new in self._waiting.values() if new.id in self._unsaved],
        )
        connection.executemany("DELETE FROM untold WHERE id=?", [(i,) for i in self._told])
        if not self._may_adopt:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('adopted', 1)")
        connection.executemany(
            "INSERT OR IGNORE INTO adopted VALUES (?)", [(i,) for i in self._adopting]
        )

    def saved(self) -> None:
        """Note that everything is stored."""
        self._unsaved.clear()
        self._told.clear()
        self._adopting = {}


def _row(new: NewFinding) -> tuple[str, bytes, bytes, bytes]:
    fingerprint = bytes_of(new.finding.fingerprint)
    return new.id, bytes_of(key_of(new.workload)), fingerprint, packed(new)
