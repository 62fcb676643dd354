"""Images read beside the loop, by one thread that stands back; what was read is kept."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from aibom.agent.images.shelf import Shelf
from aibom.agent.images.store import ImageStore
from aibom.agent.log import Log
from aibom.observe.files.hashing import stand_back
from aibom.observe.files.pacing import Pace, StoppedError
from aibom.types.declared import Document

#: Seconds until an image is tried again that could not be read, doubled each time up to the most:
#: it may be pulled at this moment, and its layers may be gone for good.
RETRY_SECONDS, MOST_RETRY_SECONDS = 30.0, 3_600.0
#: Seconds for which what was read for a workload waits for it.
HELD_SECONDS = 60.0

Documents = tuple[Document, ...]
#: Returns what an image promises, by NAME@DIGEST, calling what it is given with the bytes of each
#: read. Raises whatever says in one line why it could not.
Read = Callable[[str, Callable[[int], None]], Documents]


@dataclass(frozen=True, slots=True)
class Missed:
    """Why an image could not be read, how often, and when it is tried again (monotonic)."""

    reference: str
    why: str
    times: int
    until: float


class _Held(NamedTuple):
    """What was read together, for somebody who needs all of it, and until when it is held."""

    found: Mapping[str, Documents]
    until: float


class ImageReader:
    """Reads images in the background. All methods but ``close`` are for the loop's thread."""

    def __init__(
        self,
        read: Read,
        store: ImageStore,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
        pace: Callable[[int], None] | None = None,
    ) -> None:
        """Read by ``read`` what ``store`` does not have; ``clock`` and ``pace`` are for tests."""
        self._read, self._store, self._log = read, store, log
        self._clock = clock
        self._stopped = threading.Event()
        self._pace = pace or Pace(self._stopped)
        self._change = threading.Condition()
        # these are guarded by the condition
        self._shelf: Shelf[str, Documents] = Shelf(size_of)
        self._jobs: dict[tuple[str, ...], None] = {}
        self._held: dict[tuple[str, ...], _Held] = {}
        self._missed: dict[str, Missed] = {}
        self._done: set[str] = set()
        self._news = False
        self._thread: threading.Thread | None = None
        #: images that were read, and those that came from disk
        self.read = 0
        self.loaded = 0

    def ask(self, references: tuple[str, ...]) -> dict[str, Documents | Missed | None]:
        """Return what is known of images; None of those that are now being read."""
        with self._change:
            held = self._held.pop(references, None)
            at_hand = held.found if held is not None else {}
            known: dict[str, Documents | Missed | None] = {}
            for reference in references:
                found = at_hand.get(reference) or self._shelf.get(reference)
                known[reference] = found or self._missed.get(reference)
            if None in known.values():
                self._jobs.setdefault(references)
                self._start()
            self._change.notify()
        return known

    def news(self) -> frozenset[str] | None:
        """Return what was read since this was asked last; None when nothing was tried."""
        with self._change:
            news, self._news = self._news, False
            done, self._done = frozenset(self._done), set()
        return done if news else None

    def keep(self, wanted: Collection[str]) -> None:
        """Try again none but these of the images that could not be read."""
        with self._change:
            self._missed = {key: one for key, one in self._missed.items() if key in wanted}

    def close(self, seconds: float = 0.3) -> None:
        """End, in the middle of an image as well; wait at most ``seconds`` for the thread."""
        self._stopped.set()
        with self._change:
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def _start(self) -> None:
        if self._thread is None and not self._stopped.is_set():
            self._thread = threading.Thread(target=self._work, name="aibom-images", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        stand_back()
        with suppress(StoppedError):
            while (job := self._next()) is not None:
                self._do(job)
        self._store.close()

    def _next(self) -> tuple[str, ...] | None:
        """Wait for images to read; None when it is time to end."""
        with self._change:
            while not self._stopped.is_set():
                self._let_go()
                # what was read is taken first, or one would drive out the other
                is_roomy = sum(map(_size, self._held.values())) <= self._shelf.limit
                if is_roomy and (due := self._due()):
                    return due
                self._change.wait(1.0 if self._jobs or self._held or self._missed else None)
        return None

    def _let_go(self) -> None:
        now = self._clock()
        self._held = {key: held for key, held in self._held.items() if held.until > now}

    def _due(self) -> tuple[str, ...]:
        if self._jobs:
            return next(iter(self._jobs))
        now = self._clock()
        return next(((key,) for key, missed in self._missed.items() if missed.until <= now), ())

    def _do(self, job: tuple[str, ...]) -> None:
        found = dict(self._found(job))
        with self._change:
            self._jobs.pop(job, None)
            # more than the shelf takes is held for who asked
            if found:
                self._held[job] = _Held(found, self._clock() + HELD_SECONDS)
            self._news = True

    def _found(self, job: tuple[str, ...]) -> Iterator[tuple[str, Documents]]:
        for reference in job:
            with self._change:
                known = self._shelf.get(reference)
                missed = self._missed.get(reference)
            if known is None and missed is not None and missed.until > self._clock():
                continue
            documents = known or self._obtained(reference)
            if documents:
                yield reference, documents

    def _obtained(self, reference: str) -> Documents:
        """Return what an image promises, from disk or anew; nothing where it cannot be had."""
        digest = reference.rpartition("@")[2]
        try:
            documents = self._store.load(digest)
            if documents is not None:
                self.loaded += 1
                self._log.debug("image known", image=reference)
            else:
                documents = self._read(reference, self._pace)
                self.read += 1
                self._log.debug("image read", image=reference, size=size_of(documents))
                self._store.save(digest, documents)
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - one image must not end the reading of others
            self._misses(reference, str(error) or type(error).__name__)
            return ()
        with self._change:
            self._missed.pop(reference, None)
            self._done.add(reference)
            self._shelf.put(reference, documents)
        return documents

    def _misses(self, reference: str, why: str) -> None:
        with self._change:
            known = self._missed.get(reference)
            times = known.times + 1 if known is not None else 1
            pause = min(RETRY_SECONDS * 2 ** min(times - 1, 20), MOST_RETRY_SECONDS)
            self._missed[reference] = Missed(reference, why, times, self._clock() + pause)
        if known is None:
            self._log.warning("an image cannot be read", image=reference, why=why)


def size_of(documents: Documents) -> int:
    """Return how large documents are in all (see ``Document.size``)."""
    return sum(document.size for document in documents)


def _size(held: _Held) -> int:
    return sum(map(size_of, held.found.values()))
