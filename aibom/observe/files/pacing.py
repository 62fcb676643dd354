"""How fast to read in the background: not above a rate, and not while others wait for disks."""

import re
import threading
import time
from collections.abc import Callable

#: Share of the time in which somebody waited for a disk, above which it is asked whether that was
#: our doing. Below it, reading disturbs nobody much.
PRESSED = 0.2
#: Seconds of reading between two looks at the pressure.
LOOK_SECONDS = 0.25
#: Seconds of the first rest, and of the longest; each is twice the one before. Between them it is
#: read for as long as between two looks: however much others wait, hashing goes on at a
#: twenty-fifth of its speed.
FIRST_REST, LONGEST_REST = 0.1, 3.2
#: Seconds at the full rate that may be read at once after a pause.
BURST_SECONDS = 0.25
# Documentation/accounting/psi.rst: microseconds in all, up to this moment (the averages of 10 s
# and more are of what may be over)
_SOME = re.compile(r"^some .*\btotal=([0-9]+)$", re.MULTILINE)


class StoppedError(Exception):
    """It is time to end."""


class Pressure:
    """How much tasks of this node wait for disks (/proc/pressure/io, since Linux 4.20)."""

    def __init__(self, procfs: str = "/proc") -> None:
        """Read below ``procfs``. Kernels without it are never under pressure."""
        self._path = f"{procfs}/pressure/io"

    def read(self) -> float:
        """Return the seconds, since the node started, in which some task waited for a disk."""
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                found = _SOME.search(file.read(1_000))
        except OSError:
            return 0.0
        return int(found[1]) / 1e6 if found else 0.0


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
        self.rate = rate
        self._pressure = pressure or Pressure()
        self._clock = clock
        self._free_at = clock()
        self._looked = (clock(), self._pressure.read())

    def __call__(self, count: int) -> None:
        """Take note of ``count`` bytes, and return when the next may be read.

        Raises StoppedError.
        """
        if self._stopped.is_set():
            raise StoppedError
        # once, as another thread may change it
        if rate := self.rate:
            self._keep_to_rate(count, rate)
        if self._clock() >= self._looked[0] + LOOK_SECONDS:
            self._let_others()

    def _keep_to_rate(self, count: int, rate: int) -> None:
        now = self._clock()
        self._free_at = max(self._free_at, now - BURST_SECONDS) + count / rate
        if self._free_at > now:
            self._rest(self._free_at - now)

    def _let_others(self) -> None:
        """Rest while others wait for disks.

        Our own waiting counts as well as anybody's, and a slow disk makes it count all of the
        time. So it is measured while we do not read: who waits then is somebody else.
        """
        rest = FIRST_REST
        while self._waited() > PRESSED and rest <= LONGEST_REST:
            self._rest(rest)
            rest *= 2
        self._waited()

    def _waited(self) -> float:
        """Return the share of the time since the last look in which somebody waited."""
        began, before = self._looked
        self._looked = now, total = self._clock(), self._pressure.read()
        return (total - before) / max(now - began, FIRST_REST)

    def _rest(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StoppedError
