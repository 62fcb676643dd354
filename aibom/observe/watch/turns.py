"""Uses of models that wait to be taken: places take turns, as one may use thousands at once."""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.watch.lives import Life

#: Most uses that wait, and most of them that hold a descriptor open meanwhile.
MAX_WAITING = 200_000
MAX_DESCRIPTORS = 512

Use = tuple[Life | None, FileEvent]


class Turns:
    """Uses by the container or unit that they are of; in each they stay in their order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._places: dict[str, deque[Use]] = {}
        self._waiting = 0
        self._descriptors = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._waiting

    def add(self, uses: Iterable[Use]) -> int:
        """Let uses wait for their turn; return how many there was no room for."""
        dropped = 0
        for use in uses:
            held = use[1].descriptor >= 0
            if self._waiting >= MAX_WAITING or (held and self._descriptors >= MAX_DESCRIPTORS):
                dropped += 1
                let_go(use[1])
                continue
            self._places.setdefault(_place_of(use[0]), deque()).append(use)
            self._waiting += 1
            self._descriptors += held
        return dropped

    def take(self, seconds: float) -> Iterator[Use]:
        """Yield one use of each place after the other, until the time is over or none waits."""
        until = time.monotonic() + seconds
        while self._waiting:
            place = next(iter(self._places))
            queue = self._places.pop(place)
            use = queue.popleft()
            if queue:
                self._places[place] = queue  # at the end
            self._waiting -= 1
            self._descriptors -= use[1].descriptor >= 0
            yield use
            if time.monotonic() >= until:
                return

    def close(self) -> None:
        """Let go of everything that waits."""
        for queue in self._places.values():
            for _, event in queue:
                let_go(event)
        self._places.clear()
        self._waiting = self._descriptors = 0


def _place_of(user: Life | None) -> str:
    if user is None:
        return ""
    place = user.process.cgroup
    return place.container_id or place.unit or "/"


def let_go(event: FileEvent) -> None:
    """Close the descriptor that an event of an overlay came with."""
    if event.descriptor >= 0:
        os.close(event.descriptor)
