"""How often the BOM of one workload is written, whatever the workload does. Pure."""

from dataclasses import dataclass

#: Seconds after a BOM before the next one, and the most that this grows to while one change
#: follows the other: who changes all the time neither wears out the disk nor drives the older
#: versions away within a minute.
SHORTEST, LONGEST = 1.0, 60.0
#: How much longer than the writing of a BOM the rest after it is.
REST = 30


@dataclass(slots=True)
class Pace:
    """When a BOM is due. Times are by the monotonic clock, in seconds."""

    asked: bool = False
    _due: float = 0.0
    _rest: float = SHORTEST

    def ask(self, now: float) -> None:
        """Note that there is something new to write."""
        if not self.asked and now >= self._due + self._rest:
            self._rest = SHORTEST  # it was quiet for a while
        self.asked = True

    def is_due(self, now: float) -> bool:
        """Say whether something is to be written, and may be."""
        return self.asked and now >= self._due

    def done(self, now: float, spent: float) -> None:
        """Note that it was written, for which ``spent`` seconds of CPU were used."""
        self.asked = False
        self._due = now + max(self._rest, REST * spent)
        self._rest = min(2 * self._rest, LONGEST)
