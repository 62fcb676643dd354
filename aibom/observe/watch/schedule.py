"""When to look again: soon after a program began, more often at what matters, rarely at all."""

import heapq
import itertools
import time

from aibom.observe.watch.lives import Life

#: Seconds after the start of a program at which it is looked at: when it has loaded little, and
#: when most programs have loaded what they need.
LOOKS = (0.25, 1.0, 4.0)
LATE_LOOKS = (4.0,)
#: The same of a single command's processes: a pipeline's test may be over in two seconds.
CLOSE_LOOKS = (1.0, 4.0)
#: Seconds after the first code of AI software that a process opens: then the import is under way,
#: and mostly over.
TELLING_LOOKS = (0.5, 1.5)
#: Seconds after which looks are planned again for who goes on using models: events tell of each
#: use, and those planned before see most of what comes with it.
USED_SECONDS = 2.0
#: Seconds between looks at processes that have to do with AI software, and at most when nothing
#: changes.
BUSY_SECONDS = 5.0
MOST_SECONDS = 80.0
#: Seconds between sweeps of everything, with events and without.
SWEEP_SECONDS = 600.0
BLIND_SECONDS = 0.25
#: How much longer than a sweep the rest after it is, at least.
REST = 10
#: Seconds between two sweeps because events were lost.
LOSS_SECONDS = 2.0
#: How many processes are remembered to have looks planned before ended times are looked for.
MIN_TIDY = 64
#: Most looks that are planned at once; more processes than this begin only in a storm.
MAX_PLANNED = 50_000


class Schedule:
    """Plans looks by the monotonic clock."""

    def __init__(self, *, blind: bool) -> None:
        """Sweep often where no event tells what happens in between."""
        self._pause = BLIND_SECONDS if blind else SWEEP_SECONDS
        self._first: tuple[float, ...] = LOOKS if blind else LATE_LOOKS
        self._planned: list[tuple[float, int, Life]] = []
        self._count = itertools.count()
        self._next_sweep = self._next_busy = 0.0
        self._last_sweep = 0.0
        self._busy_pause = BUSY_SECONDS
        self._changes = -1
        self._settles = float("inf")
        self.sweeps = 0
        self._soon: dict[Life, float] = {}
        self._used: dict[Life, float] = {}
        self._tidy_at = MIN_TIDY

    def closely(self) -> None:
        """Look early at programs as well: there are few, and somebody waits for their end."""
        self._first = max(self._first, CLOSE_LOOKS, key=len)

    def begun(self, life: Life) -> None:
        """Plan looks at a process that began a program."""
        self._plan(life, self._first)

    def used(self, life: Life) -> None:
        """Plan looks at a process that used a model, unless that was done a moment ago."""
        if self._is_new(self._used, life, USED_SECONDS):
            self._plan(life, LOOKS)

    def telling(self, life: Life) -> None:
        """Plan looks at a process that opened the code of AI software, unless some are planned."""
        if self._is_new(self._soon, life, TELLING_LOOKS[0]):
            self._plan(life, TELLING_LOOKS)

    def _is_new(self, until: dict[Life, float], life: Life, seconds: float) -> bool:
        """Say whether a process was not there in the last so many ``seconds``, and note it."""
        now = time.monotonic()
        if until.get(life, 0.0) > now:
            return False
        if len(until) >= self._tidy_at:
            for one in [one for one, end in until.items() if end <= now]:
                del until[one]
            self._tidy_at = max(MIN_TIDY, 2 * len(until))
        until[life] = now + seconds
        return True

    def _plan(self, life: Life, looks: tuple[float, ...]) -> None:
        now = time.monotonic()
        for seconds in looks:
            if len(self._planned) < MAX_PLANNED:
                heapq.heappush(self._planned, (now + seconds, next(self._count), life))

    def due(self) -> list[Life]:
        """Return whom to look at now."""
        now = time.monotonic()
        found: dict[Life, None] = {}
        while self._planned and self._planned[0][0] <= now:
            found[heapq.heappop(self._planned)[2]] = None
        return list(found)

    def settle_at(self, when: float) -> None:
        """Be back at a moment."""
        self._settles = min(self._settles, when)

    def rest(self) -> float:
        """Return the seconds until something is to be done."""
        now = time.monotonic()
        first = self._planned[0][0] if self._planned else float("inf")
        wake = min(first, self._next_sweep, self._next_busy, self._settles)
        self._settles = float("inf") if self._settles <= now else self._settles
        return max(0.0, wake - now)

    def sweep_now(self) -> None:
        """Sweep soon, because something was lost."""
        self._next_sweep = min(self._next_sweep, self._last_sweep + LOSS_SECONDS)

    def sweep_is_due(self) -> bool:
        """Say whether everything is to be looked at."""
        return time.monotonic() >= self._next_sweep

    def swept(self, spent: float = 0.0) -> None:
        """Take note that everything was looked at, which took ``spent`` seconds."""
        self.sweeps += 1
        self._last_sweep = time.monotonic()
        self._next_sweep = self._last_sweep + max(self._pause, REST * spent)
        self._next_busy = self._last_sweep + self._busy_pause

    def busy_is_due(self, changes: int) -> bool:
        """Say whether what matters is to be looked at, and count from now on.

        ``changes`` grows with everything new; while it does not, looks become rare.
        """
        now = time.monotonic()
        if now < self._next_busy:
            return False
        quiet = changes == self._changes
        self._busy_pause = min(2 * self._busy_pause, MOST_SECONDS) if quiet else BUSY_SECONDS
        self._changes = changes
        self._next_busy = now + self._busy_pause
        return True
