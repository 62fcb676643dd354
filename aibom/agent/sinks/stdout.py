"""The sink that writes findings to stdout, a line of JSON each."""

import os
from collections.abc import Sequence

from aibom.agent.events import NewFinding
from aibom.agent.sinks.item import Item, key_for
from aibom.agent.sinks.lines import line_of
from aibom.agent.sinks.sink import Event, LaterError


class StdoutSink:
    """Writes whole lines, as far as whoever reads them lets it."""

    def __init__(self, descriptor: int = 1) -> None:
        """Write to an open file; 1 is stdout."""
        self._descriptor = descriptor
        self._within = False  # a line that was begun and not ended

    def items(self, events: Sequence[Event]) -> list[Item]:
        """Return the findings."""
        findings = (event for event in events if isinstance(event, NewFinding))
        return [Item(key_for(f.id), line_of(f).strip().encode(errors="replace")) for f in findings]

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
