"""For how long something was watched, over all runs of an agent."""

from dataclasses import dataclass
from typing import NamedTuple


class Watched(NamedTuple):
    """First and last time, in seconds since the epoch, and the seconds in which it was watched.

    ``seconds`` does not count the time in which no agent ran, nor do clocks that jump change it,
    so it may be less than ``last - first``, and even more.
    """

    first: float
    last: float
    seconds: float


@dataclass(slots=True)
class Watch:
    """A stopwatch. ``since`` is by the monotonic clock, None while nobody watches.

    ``first`` and ``last`` are by the wall clock, ``seen`` is the state's age at the last time.
    """

    first: float
    last: float
    seen: float
    seconds: float = 0.0
    since: float | None = None

    def meet(self, now: float, age: float, monotonic: float) -> None:
        """Note that it is there at ``now``."""
        # a clock that went back makes a shorter span, never a negative one
        self.first = min(self.first, now)
        self.last = now
        self.seen = max(self.seen, age)
        if self.since is None:
            self.since = monotonic

    def leave(self, monotonic: float) -> None:
        """Note that it is not watched any more."""
        self.seconds = self.total(monotonic)
        self.since = None

    def total(self, monotonic: float) -> float:
        """Return for how many seconds it was watched until now."""
        return self.seconds + (monotonic - self.since if self.since is not None else 0.0)

    def told(self, monotonic: float) -> Watched:
        """Return what is to be said of it."""
        return Watched(self.first, self.last, self.total(monotonic))
