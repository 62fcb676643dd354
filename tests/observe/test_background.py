"""Digests in the background: right, once, within bounds, and gone when it is time to end."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from aibom.observe.files import background as module
from aibom.observe.files.background import BackgroundDigests
from aibom.observe.files.digests import PendingError, TooLargeError
from aibom.observe.files.pacing import StoppedError
from aibom.observe.host.live import LiveFile, open_file
from aibom.types.files import FileFacts, FileKey, Origin

Make = Callable[..., BackgroundDigests]
SMALL = 1 << 20


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make digests that hash everything above one mebibyte in the background."""
    monkeypatch.setattr(module, "INLINE_SIZE", SMALL)
    made: list[BackgroundDigests] = []

    def one(*arguments: object, **fields: object) -> BackgroundDigests:
        made.append(BackgroundDigests(*arguments, **fields))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for digests in made:
        digests.close(5.0)


def key_of(file: LiveFile) -> FileKey:
    found = file.stat
    return FileKey(found.device, found.inode, found.size, found.mtime_ns, found.ctime_ns)


def ask(digests: BackgroundDigests, path: Path, group: str = "") -> str | None:
    """Ask for a digest as a look does; None while it is pending."""
    with closing(open_file(str(path))) as file:
        try:
            return digests.sha256(file, key_of(file), group)
        except PendingError:
            return None


def facts(path: Path, *, pending: bool = True) -> FileFacts:
    with closing(open_file(str(path))) as file:
        return FileFacts(str(path), key_of(file), Origin("host"), pending=pending)


def await_finished(digests: BackgroundDigests) -> frozenset[FileKey]:
    for _ in range(3_000):
        if found := digests.finished():
            return found
        time.sleep(0.01)
    pytest.fail("nothing was hashed")


def await_done(digests: BackgroundDigests, count: int = 1) -> None:
    """Wait until the thread is through with so many files, whatever became of them."""
    for _ in range(3_000):
        if len(digests._done) >= count:
            return
        time.sleep(0.01)
    pytest.fail("the thread hangs")


def stopped_at(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))


def large(path: Path, name: str = "large", size: int = 2 * SMALL + 5) -> Path:
    (path / name).write_bytes(os.urandom(size))
    return path / name


def test_small_files_are_hashed_at_once(tmp_path: Path, make: Make) -> None:
    path = large(tmp_path, size=100)
    digests = make()
    assert ask(digests, path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert digests.files == 1
    assert digests.bytes == 100
    assert digests.waiting == (0, 0)


def test_many_small_files_at_once_are_much(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INLINE_BYTES", 250)
    digests = make()
    stopped_at(monkeypatch, [100.0])
    asked = [ask(digests, large(tmp_path, str(n), 100)) for n in range(4)]
    assert [digest is not None for digest in asked] == [True, True, False, False]


def test_large_files_are_hashed_in_the_background(tmp_path: Path, make: Make) -> None:
    path = large(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    digests = make(str(tmp_path / "cache" / "digests.sqlite"))
    rung = threading.Event()
    digests.on_finished = rung.set
    file = facts(path)
    assert ask(digests, path) is None
    assert rung.wait(30)
    assert await_finished(digests) == {file.key}
    assert ask(digests, path) == digest
    settled = digests.settled(file)
    assert (settled.sha256, settled.pending) == (digest, False)
    assert (digests.files, digests.bytes) == (1, file.size)
    digests.close()
    again = make(str(tmp_path / "cache" / "digests.sqlite"))
    assert ask(again, path) == digest  # it was kept on disk


def test_a_limit_holds_in_the_background_as_well(tmp_path: Path, make: Make) -> None:
    with pytest.raises(TooLargeError):
        ask(make(limit=SMALL), large(tmp_path))


def test_a_file_that_fifty_pods_hold_is_read_once(tmp_path: Path, make: Make) -> None:
    path = large(tmp_path)
    read: list[int] = []
    digests = make(pace=read.append)
    for number in range(50):
        ask(digests, path, f"pod-{number}")
    await_finished(digests)
    assert all(ask(digests, path, f"pod-{number}") for number in range(50))
    assert sum(read) == path.stat().st_size
    assert digests.files == 1


class Gate:
    """Lets a reader go on when it is told to."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, _: int) -> None:
        self.reached.set()
        self.open.wait(30)


@pytest.fixture
def gate() -> Iterator[Gate]:
    one = Gate()
    yield one
    one.open.set()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_few_descriptors_are_open_however_many_files_are_asked_for(
    tmp_path: Path, make: Make, gate: Gate
) -> None:
    digests = make(pace=gate)
    before = descriptors()
    paths = [large(tmp_path, str(n), SMALL + 1) for n in range(200)]
    assert {ask(digests, path, "greedy") for path in paths} == {None}
    gate.reached.wait(30)
    assert digests.waiting[0] <= module.MOST_WAITING + 1
    assert descriptors() - before <= module.MOST_WAITING + 8
    assert not digests.is_due(facts(paths[-1]))
    digests.close(0.0)
    gate.open.set()
    digests.close(5.0)
    assert descriptors() <= before


def test_what_found_no_room_is_asked_for_again(tmp_path: Path, make: Make) -> None:
    digests = make()
    left = [large(tmp_path, str(n), SMALL + 1) for n in range(150)]
    for _ in range(100):
        left = [path for path in left if ask(digests, path) is None]
        if not left:
            break
        await_finished(digests)
    assert digests.files == 150


def test_a_file_does_not_wait_with_an_open_descriptor_for_long(
    tmp_path: Path, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HOLD_SECONDS", -1.0)
    digests = make(pace=gate)
    ask(digests, large(tmp_path, "a"))
    gate.reached.wait(30)
    path = large(tmp_path, "b")
    ask(digests, path)
    assert digests.waiting[0] == 2
    digests.finished()
    assert digests.waiting[0] == 1
    assert digests.is_due(facts(path))


def test_a_file_that_changes_is_tried_again_later(
    tmp_path: Path, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000.0]
    stopped_at(monkeypatch, clock)
    digests = make(pace=gate)
    path = large(tmp_path)
    first = facts(path)
    ask(digests, path)
    gate.reached.wait(30)
    with path.open("ab") as file:
        file.write(b"more")
    gate.open.set()
    await_done(digests)
    assert digests.finished() == {first.key}  # which is no file's any more
    assert not digests.settled(first).pending
    assert "changed" in digests.failing(first.key)
    assert ask(digests, path) is None
    assert digests.waiting == (0, 0)
    assert not digests.is_due(facts(path))
    clock[0] += module.RETRY_SECONDS
    assert digests.is_due(facts(path))
    ask(digests, path)
    await_finished(digests)
    assert ask(digests, path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_changed_while_it_waited_is_not_taken_for_the_old_one(
    tmp_path: Path, make: Make, gate: Gate
) -> None:
    digests = make(pace=gate)
    ask(digests, large(tmp_path, "a"))
    gate.reached.wait(30)
    path = large(tmp_path, "b")
    old = facts(path)
    ask(digests, path)
    path.write_bytes(os.urandom(old.size))
    gate.open.set()
    await_done(digests, 2)
    assert old.key in digests.finished()
    assert not digests.settled(old).sha256
    assert "changed" in digests.failing(old.key)


def test_what_cannot_be_read_is_said_after_some_tries(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    digests = make(pace=broken)
    path = large(tmp_path)
    told = frozenset[FileKey]()
    for _ in range(module.MAX_TRIES):
        assert ask(digests, path) is None
        await_done(digests)
        told = digests.finished()
    assert told == {facts(path).key}
    assert not digests.settled(facts(path)).pending
    with pytest.raises(OSError, match="Input/output"):
        ask(digests, path)


def test_a_small_file_of_others_does_not_wait_for_a_large_one(
    tmp_path: Path, make: Make, gate: Gate
) -> None:
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(1 << 40)
    digests = make(limit=1 << 50, pace=gate)
    ask(digests, endless, "flood")
    gate.reached.wait(30)
    own, others = large(tmp_path, "own"), large(tmp_path, "others")
    ask(digests, own, "flood")
    ask(digests, others, "victim")
    gate.open.set()
    try:
        assert await_finished(digests) == {facts(others).key}
        assert ask(digests, own, "flood") is None
    finally:
        digests._stopped.set()
        digests._pace = _stop
    assert ask(digests, others, "victim") is not None


def _stop(_: int) -> None:
    raise StoppedError


def test_one_bad_file_does_not_end_the_hashing(tmp_path: Path, make: Make) -> None:
    times: list[int] = []

    def once(count: int) -> None:
        times.append(count)
        if len(times) == 1:
            raise MemoryError

    digests = make(pace=once)
    ask(digests, large(tmp_path, "a"))
    ask(digests, large(tmp_path, "b"))
    await_finished(digests)
    assert ask(digests, tmp_path / "b") is not None


def test_whoever_waits_too_long_is_told(
    tmp_path: Path, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000.0]
    stopped_at(monkeypatch, clock)
    digests = make(pace=gate)
    path = large(tmp_path)
    ask(digests, path)
    gate.reached.wait(30)
    assert digests.finished() == set()
    clock[0] += module.PATIENCE_SECONDS + 1
    assert digests.finished() == {facts(path).key}
    assert not digests.settled(facts(path)).pending
    with pytest.raises(OSError, match="not hashed within"):
        ask(digests, path)
    gate.open.set()
    assert await_finished(digests) == {facts(path).key}  # late is better than never
    assert digests.settled(facts(path, pending=False)).sha256


def test_the_thread_stands_back_and_no_other(tmp_path: Path, make: Make) -> None:
    seen: list[tuple[int, int]] = []

    def look(_: int) -> None:
        thread = threading.get_native_id()
        idle = psutil.Process(thread).ionice().ioclass
        seen.append((idle, os.getpriority(os.PRIO_PROCESS, thread)))

    before = psutil.Process().ionice(), os.getpriority(os.PRIO_PROCESS, 0)
    digests = make(pace=look)
    ask(digests, large(tmp_path))
    await_finished(digests)
    assert set(seen) == {(psutil.IOPRIO_CLASS_IDLE, 19)}
    assert (psutil.Process().ionice(), os.getpriority(os.PRIO_PROCESS, 0)) == before


def test_it_ends_in_the_middle_of_a_file(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "endless"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    digests = make(limit=1 << 50)
    before = descriptors()
    ask(digests, path)
    time.sleep(0.05)
    digests.close(30.0)
    assert digests._thread is not None
    assert not digests._thread.is_alive()
    assert descriptors() <= before


def test_a_read_that_hangs_keeps_nobody_from_ending(tmp_path: Path, make: Make, gate: Gate) -> None:
    digests = make(pace=gate)
    ask(digests, large(tmp_path))
    gate.reached.wait(30)
    digests.close(0.05)
    assert digests._thread is not None
    assert digests._thread.daemon  # so that the program can end all the same


_HASHING = """
import signal, sys
from aibom.observe.files.background import BackgroundDigests
from aibom.observe.files.digests import PendingError
from aibom.observe.host.live import open_file
from aibom.types.files import FileKey

file = open_file(sys.argv[1])
stat = file.stat
key = FileKey(stat.device, stat.inode, stat.size, stat.mtime_ns, stat.ctime_ns)
digests = BackgroundDigests(limit=1 << 50)
try:
    digests.sha256(file, key)
except PendingError:
    print("pending", flush=True)
signal.sigwait([signal.SIGTERM])
digests.close()
"""


def test_a_program_that_hashes_ends_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    blocked = [signal.SIGTERM]
    argv = [sys.executable, "-c", _HASHING, str(path)]
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)  # until it waits for the signal
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    with process, process.stdout as out:  # type: ignore[union-attr]
        try:
            assert out.readline() == "pending\n"
            time.sleep(0.2)
            process.terminate()
            assert process.wait(10) == 0  # two seconds are promised; machines are shared
        finally:
            with suppress(ProcessLookupError):
                process.kill()
