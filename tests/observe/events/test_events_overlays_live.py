"""Containers' files: through an overlay in a mount namespace of its own, both ways of seeing."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from aibom.observe.events import files
from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents, path_of
from aibom.observe.events.overlays import OverlayEvents
from aibom.observe.events.selftest import self_test

pytestmark = pytest.mark.live


class Inside(NamedTuple):
    """A shell in a mount namespace of its own, in an overlay over ``layers``."""

    process: "subprocess.Popen[str]"
    layers: Path
    merged: Path

    def run(self, script: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{script}\necho done\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    @property
    def seen_from_outside(self) -> str:
        return f"/proc/{self.process.pid}/root{self.merged}"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    (tmp_path / "lower/models").mkdir()
    (tmp_path / "lower/models/low.gguf").write_text("GGUF")
    layers = "lowerdir=lower,upperdir=upper,workdir=work"
    script = f"mount -t overlay overlay -o {layers} merged && cd merged && echo ready && exec sh"
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        if process.stdout.readline() != "ready\n":
            pytest.skip(f"no overlay here: {process.communicate()[1].strip()}")
        yield Inside(process, tmp_path, tmp_path / "merged")
    finally:
        process.kill()
        process.communicate()


def way(folder: Path) -> str:
    try:
        return self_test(str(folder))
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")


def test_the_self_test_says_what_happens(inside: Inside, tmp_path: Path) -> None:
    expected = way(tmp_path)
    events = FileEvents()
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        events.mark(folder)
        inside.run("read x < models/low.gguf; echo y > models/new.onnx; mv models/new.onnx n.onnx")
        found = [event for event in events.read() if event.name in (b"low.gguf", b"n.onnx")]
        paths = {f"{path_of(folder, event.folder)}/{event.name.decode()}" for event in found}
    finally:
        os.close(folder)
        events.close()
    assert f"{tmp_path}/upper/n.onnx" in paths
    assert (f"{tmp_path}/lower/models/low.gguf" in paths) == (expected == "filesystem")


def test_the_self_test_leaves_nothing_behind(tmp_path: Path) -> None:
    descriptors = os.listdir("/proc/self/fd")
    mounts = Path("/proc/self/mountinfo").read_text()
    # as a killed one would have left it
    (tmp_path / ".aibom-self-test-killed/1").mkdir(parents=True)
    way(tmp_path)
    assert os.listdir(tmp_path) == []
    assert os.listdir("/proc/self/fd") == descriptors
    assert Path("/proc/self/mountinfo").read_text() == mounts


def test_the_self_test_leaves_one_that_runs_alone(tmp_path: Path) -> None:
    other = tmp_path / ".aibom-self-test-other"
    other.mkdir()
    hold = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], 0), fcntl.LOCK_SH)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{hold}; print(flush=True); input()", other],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        way(tmp_path)
        assert os.listdir(tmp_path) == [other.name]


def test_a_self_test_that_cannot_be_tried_says_why(tmp_path: Path) -> None:
    with pytest.raises(SensorError) as caught:
        self_test(str(tmp_path / "none"))
    assert caught.value.remedy


@pytest.fixture
def overlay(inside: Inside) -> Iterator[OverlayEvents]:
    try:
        events = OverlayEvents(lambda path: path.endswith(b".gguf"))
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    folder = os.open(inside.seen_from_outside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        events.mark(folder)
    finally:
        os.close(folder)
    yield events
    events.close()


def test_one_overlay_by_itself(inside: Inside, overlay: OverlayEvents) -> None:
    before = os.listdir("/proc/self/fd")
    inside.run("read x < models/low.gguf; echo y > models/new.gguf; echo z > other; rm other")
    found = overlay.read()
    assert [(event.name, event.pid) for event in found] == [
        (b"low.gguf", inside.process.pid),
        (b"new.gguf", inside.process.pid),
    ]
    assert found[0].mask == files.OPENED
    assert found[1].mask == files.OPENED | files.WRITTEN
    for event, content in zip(found, (b"GGUF", b"y\n"), strict=True):
        assert os.pread(event.descriptor, 9, 0) == content
        os.close(event.descriptor)
    assert os.listdir("/proc/self/fd") == before
    assert overlay.overflows == 0


def test_large_and_deleted_files_and_fifos(inside: Inside, overlay: OverlayEvents) -> None:
    inside.run(
        "truncate -s 3G big.gguf; : < big.gguf; echo x > gone.gguf; rm gone.gguf;"
        "mkfifo f.gguf; : <> f.gguf"
    )
    found = {event.name: event.descriptor for event in overlay.read()}
    assert set(found) >= {b"big.gguf", b"gone.gguf"}
    assert os.fstat(found[b"big.gguf"]).st_size == 3 << 30
    assert all(
        stat.S_ISFIFO(os.fstat(descriptor).st_mode) == (name == b"f.gguf")
        for name, descriptor in found.items()
    )
    for event in found.values():
        os.close(event)


def test_many_files_come_in_portions(inside: Inside, overlay: OverlayEvents) -> None:
    inside.run("for i in $(seq 1000); do : > $i.gguf; : > $i.txt; done")
    names = set()
    while found := overlay.read():
        assert len(found) < 400
        for event in found:
            names.add(event.name)
            os.close(event.descriptor)
    assert len(names) == 1000
