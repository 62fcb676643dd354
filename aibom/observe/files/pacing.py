"""How fast to read in the background: not above a rate, and not while others wait for disks."""

import re
import threading
import time
from collections.abc import Callable

#: Percent of the last ten seconds in which somebody waited for a disk, above which it is asked
#: whether that was our doing. Below it, reading disturbs nobody much.
PRESSED = 20.0
#: Seconds between two looks at the pressure.
LOOK_SECONDS = 1.0
#: Seconds of the first rest, and of the longest. Between two rests a look's time is read: however
#: much others wait, hashing goes on at a tenth of its speed.
FIRST_REST, LONGEST_REST = 0.25, 8.0
#: Seconds at the full rate that may be read at once after a pause.
BURST_SECONDS = 0.25
# Documentation/accounting/psi.rst: share of time in percent over 10 s, and microseconds in all
_SOME = re.compile(r"^some avg10=([0-9.]+) .*\btotal=([0-9]+)$", re.MULTILINE)


class StoppedError(Exception):
    """It is time to end."""


class Pressure:
    """How much tasks of this node wait for disks (/proc/pressure/io, since Linux 4.20)."""

    def __init__(self, procfs: str = "/proc") -> None:
        """Read below ``procfs``. Kernels without it are never under pressure."""
        self._path = f"{procfs}/pressure/io"

    def read(self) -> tuple[float, float]:
        """Return the percent of the last ten seconds, and the seconds in all, both of waiting."""
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                found = _SOME.search(file.read(1_000))
        except OSError:
            return 0.0, 0.0
        return (float(found[1]), int(found[2]) / 1e6) if found else (0.0, 0.0)


class Pace:
    """Holds a reader back; it is called with the bytes of each chunk."""

    def __init__(
        self,
        stopped: threading.Event,
        rate: int = 0,
        pressure: Pressure | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read at most ``rate`` bytes in a second (0: as fast as it goes) until ``stopped``."""
        self._stopped = stopped
        self._rate = rate
        self._pressure = pressure or Pressure()
        self._clock = clock
        self._free_at = clock()
        self._look_at = clock() + LOOK_SECONDS

    def __call__(self, count: int) -> None:
        """Take note of ``count`` bytes, and return when the next may be read.

        Raises StoppedError.
        """
        if self._stopped.is_set():
            raise StoppedError
        if self._rate:
            self._keep_to_rate(count)
        if self._clock() >= self._look_at:
            self._let_others()
            self._look_at = self._clock() + LOOK_SECONDS

    def _keep_to_rate(self, count: int) -> None:
        now = self._clock()
        self._free_at = max(self._free_at, now - BURST_SECONDS) + count / self._rate
        if self._free_at > now:
            self._rest(self._free_at - now)

    def _let_others(self) -> None:
        """Rest while others wait for disks.

        Our own waiting counts as well as anybody's, and a slow disk makes it count all of the
        time. So it is measured while we do not read: who waits then is somebody else.
        """
        rest = FIRST_REST
        share, _ = self._pressure.read()
        while share > PRESSED and rest <= LONGEST_REST:
            began, before = self._clock(), self._pressure.read()[1]
            self._rest(rest)
            waited = self._pressure.read()[1] - before
            share = 100 * waited / max(self._clock() - began, FIRST_REST)
            rest *= 2

    def _rest(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StoppedError
