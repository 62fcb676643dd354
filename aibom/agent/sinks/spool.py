"""What waits for one sink: in files that survive a restart, within bounds, oldest first."""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from aibom.agent.sinks.item import Item, TornError, read, written
from aibom.agent.sinks.spoolfolder import SpoolFolder
from aibom.agent.sinks.waiting import Entry, Waiting, short, taken

#: Most that waits in memory while the disk takes nothing: items, and bytes of them.
MAX_HELD, MAX_HELD_BYTES = 1000, 8 << 20

_TOGETHER = 64  # files that are open at once


class Spool:
    """Items by their keys; any thread may call it, and nothing raises.

    ``dropped`` counts items that are gone undelivered, ``torn`` files that were none of ours,
    ``error`` says why the disk takes nothing; empty when it does.
    """

    def __init__(self, path: Path, limit: int, clock: Callable[[], float] = time.time) -> None:
        """Take up what waits in a folder; ``limit`` bounds in bytes what it takes of the disk."""
        self.limit = limit
        self.dropped = self.torn = 0
        self.error = ""
        self._folder = SpoolFolder(path)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._held: OrderedDict[str, Item] = OrderedDict()
        self._next = -1  # number of the next file; negative until the folder was read
        with self._lock:
            self._settle()

    def put(self, items: Iterable[Item]) -> None:
        """Take items: when this returns they are on the disk, or ``error`` says why not.

        One that waits already, by its key, is taken for the same; what waits with the same
        subject is superseded.
        """
        with self._lock:
            for item in items:
                key = short(item.key)
                if key in self._waiting or key in self._held:
                    continue
                if taken(len(item.body)) > self.limit // 2:  # it would drive out all others
                    self.dropped += 1
                    continue
                self._supersede(item.subject)
                self._held[key] = item
            self._settle()

    def first(self) -> Item | None:
        """Return the item whose turn it is; it waits on until it is done or refused."""
        with self._lock:
            for entry in iter(lambda: next(iter(self._waiting), None), None):
                try:
                    return self._read(entry)
                except FileNotFoundError:
                    self._waiting.pop(entry.key)
                    self.dropped += 1
                except TornError:
                    self._waiting.pop(entry.key)
                    self._put_aside(entry.name)
                    self.torn += 1
                except OSError as error:
                    self.error = f"cannot read {entry.name}: {error.strerror}"
                    self._waiting.put_last(entry.key)
                    break
            return next(iter(self._held.values()), None)

    def done(self, item: Item) -> None:
        """Forget an item that was delivered."""
        with self._lock:
            self._remove(short(item.key))

    def refuse(self, item: Item) -> None:
        """Put an item aside that is never sent again."""
        with self._lock:
            self._settle()
            entry = self._waiting.pop(short(item.key))
            if entry is not None:
                self._put_aside(entry.name)
            self._held.pop(short(item.key), None)

    def defer(self, item: Item) -> None:
        """Let the others go first."""
        with self._lock:
            self._waiting.put_last(short(item.key))

    def counts(self) -> tuple[int, int, float]:
        """Return how many wait, how many bytes they take, and the age of the oldest, in seconds."""
        with self._lock:
            first = next(iter(self._waiting), None)
            age = 0.0 if first is None else max(0.0, time.monotonic() - first.born)
            waiting = len(self._waiting) + len(self._held)
            return waiting, self._waiting.size + self._held_bytes(), age

    def close(self) -> None:
        """Try once more to write what is only in memory, and close the folder."""
        with self._lock:
            self._settle()
            self._folder.close()

    def _settle(self) -> None:
        """Bring to the disk what is only in memory, as far as it goes, and keep within bounds."""
        try:
            if self._next < 0:
                self._load()
            while self._held:
                self._store(list(itertools.islice(self._held.items(), _TOGETHER)))
            self.error = ""
        except OSError as error:
            self.error = f"the spool cannot be written: {error.strerror}"
        while len(self._held) > MAX_HELD or self._held_bytes() > MAX_HELD_BYTES:
            self._held.popitem(last=False)
            self.dropped += 1
        while self._waiting.size > self.limit:
            self._remove(next(iter(self._waiting)).key)
            self.dropped += 1

    def _held_bytes(self) -> int:
        return sum(len(item.body) for item in self._held.values())

    def _load(self) -> None:
        numbers = [-1]
        now, wall = time.monotonic(), self._clock()
        for name, size, changed in self._folder.names():
            entry = Entry.named(name, size, now - max(0.0, wall - changed))
            if entry is None:
                self._put_aside(name)
                self.torn += 1
                continue
            numbers.append(entry.number)
            self._remove(entry.key)
            self._waiting.add(entry)
        self._next = max(numbers) + 1

    def _store(self, items: list[tuple[str, Item]]) -> None:
        files: dict[str, bytes] = {}
        entries = []
        for number, (_, item) in enumerate(items, self._next):
            data = written(item)
            entries.append(Entry.of(number, item, len(data), time.monotonic()))
            files[entries[-1].name] = data
        self._next += len(items)
        self._folder.write(files)
        for (key, _), entry in zip(items, entries, strict=True):
            del self._held[key]
            self._waiting.add(entry)

    def _read(self, entry: Entry) -> Item:
        item = read(self._folder.read(entry.name, entry.size + 1))
        if short(item.key) != entry.key:
            raise TornError("it is called like another one")
        return item

    def _supersede(self, subject: str) -> None:
        if subject:
            self._remove(self._waiting.about(subject))
            for key in [k for k, item in self._held.items() if item.subject == subject]:
                del self._held[key]

    def _remove(self, key: str) -> None:
        self._held.pop(key, None)
        entry = self._waiting.pop(key)
        if entry is not None:
            try:
                self._folder.remove(entry.name)
            except OSError as error:
                self.error = f"cannot remove {entry.name}: {error.strerror}"

    def _put_aside(self, name: str) -> None:
        try:
            self._folder.put_aside(name, self.limit // 4)
        except OSError as error:
            self.error = f"cannot put {name} aside: {error.strerror}"
