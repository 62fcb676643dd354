"""When a process was seen to do what: the first time and the last, within bounds."""

import time
from collections.abc import Callable

from aibom.types.facts import THE_PROCESS, Act, ProcessFacts, Span

#: Most acts of one process whose times are kept; of others only the process's own are told.
MAX_ACTS = 5_000


class Moments:
    """The times of one process's acts, in seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Take the time from ``clock``."""
        self._clock = clock
        self.spans: dict[Act, Span] = {}

    def note(self, *acts: Act) -> None:
        """Take acts that are seen now; the process itself is seen with them."""
        now = self._clock()
        for act in (THE_PROCESS, *acts):
            self._widen(act, Span(now, now))

    def note_look(self, facts: ProcessFacts) -> None:
        """Take everything that a look shows."""
        uses = [(use.model.file.path, use.use.kind) for use in facts.models]
        loads = [(one.file.path, one.how) for one in facts.packages]
        binaries = [(one.file.path, "mapped") for one in facts.binaries]
        self.note(*uses, *loads, *binaries, *((path, "open") for path in facts.devices))

    def add(self, other: "Moments") -> None:
        """Take the times of a like process."""
        for act, span in other.spans.items():
            self._widen(act, span)

    def _widen(self, act: Act, span: Span) -> None:
        known = self.spans.get(act)
        if known is not None:
            self.spans[act] = Span(min(known.first, span.first), max(known.last, span.last))
        elif len(self.spans) < MAX_ACTS:
            self.spans[act] = span
