"""``aibom watch`` as a process of its own, and how much CPU time it has used so far."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig.errors import RigError

# a second in which the agent used less than this share of a core is a quiet one
_QUIET = 0.05
_PATIENCE = 120
_WATCH = (sys.executable, "-m", "aibom", "watch", "--no-cache")


def node_cpu() -> float:
    """Return the CPU seconds that all processes of this machine have used since it started."""
    with Path("/proc/stat").open() as stat:
        # proc_stat(5): user, nice and system time of all processors
        ticks = stat.readline().split()[1:4]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """What a process had used when it had ended: CPU seconds of itself and of its descendants.

    ``peak`` is the most memory that it held, in bytes.
    """

    own: float
    descendants: float
    peak: int


class Agent:
    """An agent that runs, and writes its BOMs below ``boms``."""

    def __init__(self, process: subprocess.Popen[bytes], boms: Path) -> None:
        """Take a started process; ``ended`` reaps it."""
        self.boms = boms
        self._process = process
        # clock_getcpuclockid(3): the clock of a process, all its threads, no descendants
        clock = ctypes.c_int()
        ctypes.CDLL(None).clock_getcpuclockid(process.pid, ctypes.byref(clock))
        self._clock = clock.value

    def cpu(self) -> float:
        """Return the CPU seconds that it has used, threads included, descendants not."""
        return time.clock_gettime(self._clock)

    def settle(self) -> float:
        """Wait until it has nothing to do, and return the CPU seconds used until then."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            before = self.cpu()
            time.sleep(1.0)
            if before > 0.1 and self.cpu() - before < _QUIET:
                return self.cpu()
        raise RigError("the agent does not come to rest, or has ended: is the machine busy?")

    def said(self, word: bytes) -> float:
        """Wait until a watched command writes a line, and return the CPU seconds used then."""
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        for line in self._process.stdout:
            if line.strip() == word:
                return self.cpu()
        raise RigError(f"the watched command did not say {word!r}")

    def ended(self, *, ask: bool = True) -> Used:
        """Wait for its end, asking it to end first, and return what it used in all."""
        if ask:
            self._process.send_signal(signal.SIGINT)
        # a process that has ended keeps its clock until it is reaped
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        own = self.cpu()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        used = usage.ru_utime + usage.ru_stime
        return Used(own, max(0.0, used - own), usage.ru_maxrss * 1024)


@contextmanager
def watching(options: Sequence[str] = (), command: Sequence[str] = ()) -> Iterator[Agent]:
    """Start an agent that watches this machine, or ``command``; it does not outlive the block."""
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as folder:
        boms = Path(folder) / "boms"
        boms.mkdir()
        argv = [*_WATCH, *options, "--all", "-o", str(boms)]
        if command:
            argv += ["--", *command]
        with (Path(folder) / "said").open("wb") as said:
            process = subprocess.Popen(
                argv, stdout=subprocess.PIPE if command else said, stderr=said
            )
        try:
            yield Agent(process, boms)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
