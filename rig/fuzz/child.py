"""Inputs run in a child process, whose memory and CPU time the kernel limits."""

import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rig.fuzz.target import Target

#: Seconds of CPU for one input of up to a megabyte, and for each megabyte of a larger one.
CPU_SECONDS = 2.0
#: What one input may take of memory beside what the process has already.
MEMORY = 200 << 20


class Failure(NamedTuple):
    """An input that went wrong: its number and how."""

    number: int
    how: str


def wrong(target: Target, data: bytes) -> str:
    """Run one input and return what went wrong: an error that is not allowed; "" when nothing."""
    try:
        target.run(data)
    except target.allowed:
        return ""
    except Exception as error:  # noqa: BLE001 - anything that gets out is what we look for
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__} {Path(place.filename).name}:{place.lineno} {error}"
        return " ".join(said.encode("ascii", "backslashreplace").decode().split())[:200]
    return ""


def run(target: Target, numbers: range, made: Callable[[int], bytes]) -> Failure | None:
    """Run the inputs ``made`` of ``numbers`` in a child; return the first that goes wrong."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(target, numbers, made, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as answers:
        lines = answers.read().split("\n")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    done = len(lines) - 1
    if done and lines[done - 1]:
        return Failure(numbers[done - 1], lines[done - 1])
    if code == -signal.SIGPROF:
        limit = CPU_SECONDS * target.slowness
        return Failure(numbers[done], f"more than {limit:g} s of CPU for a megabyte")
    return Failure(numbers[min(done, len(numbers) - 1)], f"ended by {code}") if code else None


def _child(target: Target, numbers: range, made: Callable[[int], bytes], writing: int) -> None:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        warm = max(len(numbers) // 50, 1)
        for index, number in enumerate(numbers):
            data = made(number)
            if index < warm:  # what is imported or cached once is not an input's
                _limit_memory()
            allowed = CPU_SECONDS * target.slowness * max(len(data) / (1 << 20), 1)
            signal.setitimer(signal.ITIMER_PROF, allowed)
            how = wrong(target, data)
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.write(writing, f"{how}\n".encode())
            if how:
                break
        code = 0
    finally:
        os._exit(code)


def _limit_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def batches(count: int, size: int) -> Iterator[range]:
    """Yield the numbers from 0 to ``count`` in pieces."""
    numbers = iter(range(count))
    while piece := list(islice(numbers, size)):
        yield range(piece[0], piece[-1] + 1)
