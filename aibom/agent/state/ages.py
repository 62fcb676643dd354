"""Time that no clock's jump moves: what is kept ages by it."""

from collections.abc import Callable
from typing import NamedTuple

#: Most seconds that the time between two runs of an agent counts for. A node may have been off
#: for months, or its clock may be wrong by years; both look the same.
OFFLINE_SECONDS = 86_400.0


class Clocks(NamedTuple):
    """The wall clock, in seconds since the epoch, and one that only goes forward."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


class Ages:
    """The age of a state in seconds: how long agents ran on it, and a little for the pauses.

    While an agent runs, the age goes on with the monotonic clock. What was not seen again for
    thirty days of *this* time may be forgotten: a wall clock that goes ten years forward or one
    back makes nothing old, and nothing young.
    """

    def __init__(
        self, age: float, wall: float | None, now: float, monotonic: Callable[[], float]
    ) -> None:
        """Go on from ``age``, which was written when the wall clock said ``wall``.

        ``now`` is what the wall clock says; ``wall`` is None of a state that begins.
        """
        away = 0.0 if wall is None else min(max(now - wall, 0.0), OFFLINE_SECONDS)
        self._monotonic = monotonic
        self._base = age + away - monotonic()

    def now(self) -> float:
        """Return the age."""
        return self._base + self._monotonic()

    def at(self, moment: float, now: float) -> float:
        """Return the age that belongs to a ``moment`` of the wall clock, which now says ``now``.

        A moment in the future is now.
        """
        return self.now() - max(now - moment, 0.0)
