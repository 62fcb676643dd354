"""The files of a spool in order, with what tells them apart; only what their names say."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from aibom.agent.sinks.item import Item

_NAME = re.compile(r"(\d{15})-([0-9a-f]{16})-([0-9a-f]{16}|)\.item")
_BLOCK = 4096  # what a small file takes of the disk


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that waits; ``born`` is when it came, by the monotonic clock, ``size`` in bytes."""

    number: int
    key: str
    subject: str
    size: int
    born: float

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.number:015}-{self.key}-{self.subject}.item"

    @classmethod
    def of(cls, number: int, item: Item, size: int, born: float) -> Self:
        """Return the entry of an item."""
        subject = short(item.subject) if item.subject else ""
        return cls(number, short(item.key), subject, size, born)

    @classmethod
    def named(cls, name: str, size: int, born: float) -> Self | None:
        """Return the entry of a file, None when it is called like none of ours."""
        match = _NAME.fullmatch(name)
        return cls(int(match[1]), match[2], match[3], size, born) if match else None


class Waiting:
    """Entries, the next one first. ``size`` is what they take of the disk, in bytes."""

    def __init__(self) -> None:
        """Begin with none."""
        self.size = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._subjects: dict[str, str] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        """Return whether something waits, by its short key."""
        return key in self._entries

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries."""
        return iter(self._entries.values())

    def add(self, entry: Entry) -> None:
        """Add an entry as the last one."""
        self._entries[entry.key] = entry
        self.size += taken(entry.size)
        if entry.subject:
            self._subjects[entry.subject] = entry.key

    def about(self, subject: str) -> str:
        """Return the short key of what waits with a subject, or the empty string."""
        return self._subjects.get(short(subject), "")

    def pop(self, key: str) -> Entry | None:
        """Forget an entry and return it, None when there is none."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= taken(entry.size)
            if self._subjects.get(entry.subject) == key:
                del self._subjects[entry.subject]
        return entry

    def put_last(self, key: str) -> None:
        """Let the others go first."""
        if key in self._entries:
            self._entries.move_to_end(key)


def short(text: str) -> str:
    """Return what stands for a key or a subject in a file's name."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def taken(size: int) -> int:
    """Return what a file of ``size`` bytes takes of the disk."""
    return -(-size // _BLOCK) * _BLOCK
