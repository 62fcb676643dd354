"""The sink that writes findings to stdout, a line of JSON each."""

import os
import time
from collections.abc import Callable, Sequence

from aibom.agent.events import NewFinding
from aibom.agent.findingline import finding_line
from aibom.agent.sinks.item import Item, key_for
from aibom.agent.sinks.sink import Event, LaterError


class StdoutSink:
    """Writes whole lines, as far as whoever reads them lets it."""

    def __init__(self, descriptor: int = 1, clock: Callable[[], float] = time.time) -> None:
        """Write to an open file; 1 is stdout."""
        self._descriptor, self._clock = descriptor, clock
        self._within = False  # a line that was begun and not ended

    def items(self, events: Sequence[Event]) -> list[Item]:
        """Return the findings."""
        return [self._item(event) for event in events if isinstance(event, NewFinding)]

    def _item(self, new: NewFinding) -> Item:
        line = finding_line(new, self._clock()).strip()
        return Item(key_for(new.id), line.encode(errors="replace"))

    def deliver(self, item: Item) -> None:
        """Write a line. Raises LaterError."""
        rest = memoryview((b"\n" if self._within else b"") + item.body + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
                self._within = bool(rest)
        except OSError as error:
            raise LaterError(f"stdout: {error.strerror}") from None

    def rest(self) -> None:
        """Do nothing: stdout is not ours to close."""
