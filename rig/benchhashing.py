"""What hashing a large model in the background costs: ``python -m rig.benchhashing``.

A file of ten gigabytes, or of what the disk has room for, is hashed by a process of its own as an
agent does it. Measured are its CPU time, the pages that a workload has cached before and after,
what another reader of the same disk gets with and without it, in turns, how long a thread beside
it is kept from running, and how long the process needs to end in the middle of the file.
"""

import argparse
import ctypes
import mmap
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from aibom.observe.files.background import BackgroundDigests
from aibom.observe.files.digests import PendingError
from aibom.observe.files.hashing import way_of
from aibom.observe.host.live import open_file
from aibom.types.files import FileKey
from rig.errors import RigError

_GB = 10**9
_BLOCK = 64 << 20
#: Bytes of the file that a workload keeps in the page cache.
_CACHED = 256 << 20
#: Bytes of the other reader's file, the seconds for which it reads that again and again, and how
#: often it does so with and without hashing.
_READ = 2 * _GB
_SECONDS = 4.0
_TURNS = 7
#: Bytes that are left on the disk whatever is measured.
_LEFT = 4 * _GB
_TICK = 0.01


def made(path: Path, size: int) -> Path:
    """Make a file of random bytes that is on disk and not in the page cache."""
    block = os.urandom(_BLOCK)
    with path.open("wb") as file:
        for number in range(size // _BLOCK):
            file.write(number.to_bytes(8, "big") + block[8:])
        file.flush()
        os.fsync(file.fileno())
    evict(path)
    return path


def evict(path: Path) -> None:
    """Throw a file out of the page cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(path: Path, offset: int = 0, length: int = 0) -> int:
    """Return how many pages of a file, or of a part of it, are in the page cache (mincore(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    length = length or path.stat().st_size - offset
    with path.open("r+b") as file, mmap.mmap(file.fileno(), length, offset=offset) as mapped:
        held = ctypes.c_char.from_buffer(mapped)
        pages = (ctypes.c_ubyte * -(-length // mmap.PAGESIZE))()
        address = ctypes.c_void_p(ctypes.addressof(held))
        if libc.mincore(address, ctypes.c_size_t(length), pages):
            raise RigError(os.strerror(ctypes.get_errno()))
        del held
        return sum(page & 1 for page in pages)


def child(path: str) -> None:
    """Hash a file again and again in the background, beside a loop, until SIGTERM.

    Prints for each time the bytes, CPU and elapsed seconds, and the loop's longest delay.
    """
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    while not ended:
        digests = BackgroundDigests(limit=1 << 50)
        with closing(open_file(path)) as file:
            found = file.stat
            stamps = (found.mtime_ns, found.ctime_ns)
            try:
                digests.sha256(file, FileKey(found.device, found.inode, found.size, *stamps))
            except PendingError:
                print("began", flush=True)
        began, cpu, delay = time.monotonic(), time.process_time(), 0.0
        while not digests.finished() and not ended:
            asleep = time.monotonic()
            time.sleep(_TICK)
            delay = max(delay, time.monotonic() - asleep - _TICK)
        spent = time.process_time() - cpu, time.monotonic() - began
        digests.close()
        if not ended:
            print(found.size, *spent, delay, flush=True)


@contextmanager
def hashing(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Hash a file all the time, by a process of its own."""
    argv = [sys.executable, "-m", "rig.benchhashing", "--child", str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            _line(process)
            yield process
        finally:
            process.kill()


def _line(process: "subprocess.Popen[str]") -> str:
    if process.stdout is None or not (line := process.stdout.readline()):
        raise RigError("the hashing process ended")
    return line


def once(path: Path) -> None:
    """Tell what hashing a file costs, and what it leaves in the page cache."""
    with path.open("rb") as file:
        print(f"file: {path.stat().st_size / _GB:.1f} GB, read {way_of(file.fileno())}")
        os.pread(file.fileno(), mmap.PAGESIZE, 0)
        for offset in range(0, _CACHED, _BLOCK):  # as a workload that uses it
            os.pread(file.fileno(), _BLOCK, offset)
    before, in_all = resident(path, 0, _CACHED), resident(path)
    with hashing(path) as process:
        size, cpu, wall, delay = (float(word) for word in _line(process).split())
    after, after_all = resident(path, 0, _CACHED), resident(path)
    print(f"CPU {cpu:.2f} s, elapsed {wall:.2f} s, {size / wall / _GB:.2f} GB/s")
    print(f"longest delay of a loop beside it: {1_000 * delay:.1f} ms")
    print(f"pages of the workload's part: {before} before, {after} after")
    print(f"pages of the whole file: {in_all} before, {after_all} after")


def read_through(path: Path) -> float:
    """Read an uncached file from start to end, for some time; return bytes per second."""
    count, spent = 0, 0.0
    while spent < _SECONDS:
        evict(path)
        began = time.monotonic()
        with path.open("rb", buffering=0) as file:
            while got := len(file.read(1 << 20)):
                count += got
        spent += time.monotonic() - began
    return count / spent


def beside(path: Path, other: Path) -> None:
    """Tell what another reader gets with and without hashing beside it, in turns."""
    alone: list[float] = []
    shared: list[float] = []
    for _ in range(_TURNS):
        alone.append(read_through(other))
        evict(path)
        with hashing(path):
            shared.append(read_through(other))
    for name, found in (("alone", alone), ("beside hashing", shared)):
        rates = ", ".join(f"{rate / _GB:.2f}" for rate in found)
        print(f"reader {name}: {statistics.median(found) / _GB:.2f} GB/s ({rates})")
    ratios = [b / a for a, b in zip(alone, shared, strict=True)]
    print(f"it gets {100 * statistics.median(ratios):.0f}% (median of {_TURNS} pairs)")


def ending(path: Path) -> None:
    """Tell how long the process needs to end in the middle of a file."""
    took = []
    for _ in range(_TURNS):
        evict(path)
        with hashing(path) as process:
            time.sleep(0.5)
            began = time.monotonic()
            process.terminate()
            process.wait(60)
            took.append(time.monotonic() - began)
    print(f"gone after SIGTERM: {', '.join(f'{seconds:.2f}' for seconds in took)} s")


def main() -> None:
    """Measure, and remove the files again."""
    parser = argparse.ArgumentParser(description="what hashing a large model costs")
    parser.add_argument("--child", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--gigabytes", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return
    with tempfile.TemporaryDirectory(prefix="aibom-hashing-", dir="/var/tmp") as folder:
        room = shutil.disk_usage(folder).free - _LEFT - _READ
        size = min(arguments.gigabytes * _GB, room)
        if size < _GB:
            raise SystemExit("too little room on the disk")
        path = made(Path(folder, "model.gguf"), size)
        other = made(Path(folder, "other"), _READ)
        once(path)
        beside(path, other)
        ending(path)


if __name__ == "__main__":
    main()
