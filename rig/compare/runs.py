"""One program run to its end: what it wrote, and what it cost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rig.errors import RigError

# A process is born with the peak of the one that started it (getrusage(2), ru_maxrss, which a
# program keeps that is begun in it). So a small Python lies in between, and writes what it knows.
_BETWEEN = """
import resource, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: None)  # ends with the program, which is told as well
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    file.write(f"[{used.ru_utime + used.ru_stime}, {used.ru_maxrss}]")
sys.exit(code if code >= 0 else 128 - code)
"""


_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a process and its children; KiB that the largest of them held at its peak."""

    seconds: float
    kibibytes: int

    @classmethod
    def read(cls, path: Path) -> "Cost":
        """Return the cost that a process wrote."""
        return cls(*json.loads(path.read_text()))

    def shown(self) -> str:
        """Return it as the cell of a table."""
        return f"{self.seconds:.2f} s / {self.kibibytes / 1024:.0f} MB"


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> tuple[int, Cost]:
    """Run a command in ``folder`` with what it says in ``log``; return its exit code and cost.

    It is ended, with all that it started, when we are interrupted.
    """
    used = log.with_suffix(".cost")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-ISc", _BETWEEN, str(used), *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        code = process.wait()
    except BaseException:
        # first politely: a watch passes it on to what it watches
        for how in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(process.pid, how)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_S)
                break
        raise
    return code, Cost.read(used)


def must(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Cost:
    """Run a command that has to end well. Raises RigError with its last line when it does not."""
    code, cost = run(command, folder, environment, log)
    if code:
        said = log.read_text(errors="replace").strip().splitlines()
        name = Path(command[0]).name
        raise RigError(f"{name} ended with {code}: {said[-1] if said else 'it said nothing'}")
    return cost
