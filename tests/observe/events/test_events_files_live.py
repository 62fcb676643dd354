"""Opens, writes, creations and renames of real files on file systems of the tests' own."""

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.events import files, libc
from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents, fsid_of, open_handle, path_of

pytestmark = pytest.mark.live

_QUEUE = Path("/proc/sys/fs/fanotify/max_queued_events")


@pytest.fixture
def events() -> Iterator[FileEvents]:
    try:
        sensor = FileEvents()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    yield sensor
    sensor.close()


@pytest.fixture
def tmpfs() -> Iterator[int]:
    """A directory descriptor on an empty tmpfs that is mounted nowhere and ends with it."""
    descriptor = opened_tmpfs()
    yield descriptor
    os.close(descriptor)


def opened_tmpfs() -> int:
    try:
        mount = libc.detached_mount("tmpfs", {"size": "64M"})
    except OSError as error:
        pytest.skip(f"no file system of one's own here: {error}")
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=mount)
    finally:
        os.close(mount)


def shell(script: str, folder: int) -> int:
    """Run a script in a folder, in another process; return its pid."""
    started = subprocess.Popen(
        ["sh", "-c", script], cwd=f"/proc/self/fd/{folder}", pass_fds=[folder]
    )
    assert started.wait() == 0
    return started.pid


def seen(events: list[FileEvent], name: bytes) -> int:
    """Return the OR of what happened to files of a name."""
    mask = 0
    for event in events:
        if event.name == name:
            mask |= event.mask
    return mask


def marks(events: FileEvents) -> int:
    """Count the marks that a group has, as the kernel tells (proc_pid_fdinfo(5))."""
    info = Path(f"/proc/self/fdinfo/{events.fileno()}").read_text()
    return sum(line.startswith("fanotify sdev:") for line in info.splitlines())


def test_everything_that_happens_has_a_name(events: FileEvents, tmpfs: int) -> None:
    events.mark(tmpfs)
    pid = shell("echo x > a.part; mv a.part a.gguf; read y < a.gguf; : > '\n'", tmpfs)
    found = events.read()
    assert seen(found, b"a.part") == files.CREATED | files.OPENED | files.WRITTEN
    assert seen(found, b"a.gguf") == files.RENAMED | files.OPENED
    assert seen(found, b"\n") & files.CREATED
    assert {event.filesystem for event in found} == {fsid_of(tmpfs)}
    assert {event.pid for event in found if event.name == b"a.part"} == {pid}
    assert {event.descriptor for event in found} == {-1}
    assert events.read() == []
    assert events.overflows == 0


def test_a_handle_is_the_file(events: FileEvents, tmp_path: Path) -> None:
    below = tmp_path / "hub/blobs"
    below.mkdir(parents=True)
    root = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            events.mark(root)
        except SensorError as error:
            pytest.skip(f"{tmp_path}: {error.detail}")
        shell("echo content > hub/blobs/model.gguf", root)
        (event, *_) = [
            event
            for event in events.read()
            if event.name == b"model.gguf" and event.filesystem == fsid_of(root)
        ]
        assert path_of(root, event.folder) == str(below)
        descriptor = open_handle(root, event.file)
        try:
            assert os.path.samestat(os.fstat(descriptor), (below / "model.gguf").stat())
            assert Path(f"/proc/self/fd/{descriptor}").read_text() == "content\n"
        finally:
            os.close(descriptor)
        (below / "model.gguf").unlink()
        below.rmdir()
        for ask in (lambda: path_of(root, event.folder), lambda: open_handle(root, event.file)):
            with pytest.raises(OSError, match="Stale") as caught:
                ask()
            assert caught.value.errno == errno.ESTALE
    finally:
        os.close(root)


def test_a_fifo_is_not_opened(events: FileEvents, tmpfs: int) -> None:
    events.mark(tmpfs)
    shell("mkfifo f; ln -s f l", tmpfs)
    handles = {event.name: event.file for event in events.read()}
    if not all(handles.values()):
        pytest.skip("this kernel tells no handle of what was created (before Linux 5.17)")
    for name, kind in ((b"f", stat.S_ISFIFO), (b"l", stat.S_ISLNK)):
        descriptor = open_handle(tmpfs, handles[name])
        assert kind(os.fstat(descriptor).st_mode)
        os.close(descriptor)


@pytest.mark.parametrize(
    "handle", [b"", b"\0" * 7, b"\xff\xff\xff\xff\1\0\0\0abcd", b"\4\0\0\0\1\0\0\0", b"\0" * 137]
)
def test_a_handle_that_lies_never_reaches_the_kernel(handle: bytes) -> None:
    with pytest.raises(OSError, match="file handle") as caught:
        open_handle(-1, handle)
    assert caught.value.errno == errno.EINVAL


def test_own_opens_are_left_out(events: FileEvents, tmpfs: int) -> None:
    events.mark(tmpfs)
    os.close(os.open("own", os.O_CREAT | os.O_WRONLY, dir_fd=tmpfs))
    shell(": > other", tmpfs)
    assert {event.name for event in events.read()} == {b"other"}


def test_an_overflow_is_reported(events: FileEvents, tmpfs: int) -> None:
    queue = int(_QUEUE.read_text())
    if queue > 50_000:
        pytest.skip(f"the queue holds {queue} events; filling it takes too long")
    events.mark(tmpfs)
    storm = f"for i in range({queue + 10}): open(str(i), 'w').close()"
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", storm], cwd=f"/proc/self/fd/{tmpfs}", pass_fds=[tmpfs]
    )
    assert child.wait() == 0
    found = []
    while batch := events.read():
        found += batch
    assert found[-1].mask & files.OVERFLOW
    assert events.overflows == 1
    assert len(found) == queue + 1


def test_a_marked_file_system_can_be_unmounted(events: FileEvents) -> None:
    tmpfs = opened_tmpfs()
    before = marks(events)
    events.mark(tmpfs)
    assert marks(events) == before + 1
    os.close(tmpfs)
    # the kernel takes a mount down in the background
    patience = 500
    while marks(events) != before and patience:
        time.sleep(0.01)
        patience -= 1
    assert marks(events) == before
    events.read()


def test_close_removes_descriptor_and_marks(tmpfs: int) -> None:
    before = os.listdir("/proc/self/fd")
    try:
        sensor = FileEvents()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    sensor.mark(tmpfs)
    sensor.close()
    sensor.close()
    assert os.listdir("/proc/self/fd") == before


def test_what_cannot_be_marked_says_why(events: FileEvents) -> None:
    proc = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    with pytest.raises(SensorError) as caught:
        events.mark(proc)
    os.close(proc)
    assert caught.value.detail
    assert caught.value.remedy


def test_without_privilege_it_says_what_it_takes() -> None:
    ask = (
        "import os\n"
        "from aibom.observe.events.errors import SensorError\n"
        "from aibom.observe.events.files import FileEvents\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: FileEvents()\n"
        "except SensorError as error: print(error.detail, error.remedy, sep='; ')\n"
    )
    said = subprocess.check_output([sys.executable, "-c", ask], text=True)
    assert said.startswith("file events are denied; run as root with CAP_SYS_ADMIN")
