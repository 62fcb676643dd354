"""Whether the clock of the wall can be believed: it jumps, and nothing may expire by that."""

import time
from collections.abc import Callable

#: Seconds by which the clock may be set without being called a jump.
_TOLERATED = 3600.0
_PAUSE = 86_400.0


def _uptime() -> float:
    # CLOCK_BOOTTIME goes on while the machine sleeps (clock_gettime(2))
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Jumps:
    """Compares the clock of the wall with one that nobody sets."""

    def __init__(self, uptime: Callable[[], float] = _uptime) -> None:
        """Compare with ``uptime``, in seconds."""
        self._uptime = uptime
        self._last: tuple[float, float] | None = None
        self._until = 0.0

    def settled(self, now: float, wait: float, before: float | None) -> bool:
        """Say whether ages can be told at ``now``: not for ``wait`` seconds after a jump ahead.

        ``before`` is when an agent was last at work, if that is known: of a pause of more than a
        day at the start nobody can say whether it was one.
        """
        steady = self._uptime()
        if self._last is None:
            if before is not None and now - before > _PAUSE:
                self._until = steady + wait
        else:
            jumped = (now - self._last[0]) - (steady - self._last[1])
            if jumped > _TOLERATED:
                self._until = steady + wait
            elif jumped < -_TOLERATED:
                self._until = 0.0
        self._last = now, steady
        return steady >= self._until
