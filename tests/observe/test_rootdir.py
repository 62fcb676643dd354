"""Paths in another process's root: none may lead out, none may block."""

import errno
import os
from pathlib import Path

import pytest

from aibom.formats.procfs.mountinfo import MountTable, parse
from aibom.formats.source import FormatError
from aibom.observe.host import rootdir
from aibom.observe.host.live import HEADER_BUDGET, LiveHost, open_file
from aibom.observe.host.protocol import OutsideRootError, RemoteFileSystemError

ROOT_ONLY = parse(b"1 0 8:1 / / rw - ext4 /dev/sda rw\n")
WITH_FUSE = parse(
    b"1 0 8:1 / / rw - ext4 /dev/sda rw\n"
    b"2 1 0:9 / /s3 rw - fuse.s3fs s3 rw\n"
    b"3 1 8:2 / /data rw - ext4 /dev/sdb rw\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A container's root with every way out that a workload may try."""
    inside = tmp_path / "root"
    (inside / "etc").mkdir(parents=True)
    (inside / "etc/passwd").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    (inside / "absolute").symlink_to("/etc/passwd")
    (inside / "dotdot").symlink_to("../../../../../../../etc/passwd")
    (inside / "proc-link").symlink_to("/proc/self/root/etc/passwd")
    (inside / "loop").symlink_to("loop")
    (inside / "neighbour").symlink_to("../secret")
    os.mkfifo(inside / "model.gguf")
    return inside


def content(root: Path, path: str, mounts: MountTable = ROOT_ONLY) -> str:
    descriptor = rootdir.open_path(str(root), path, mounts)
    try:
        return Path(f"/proc/self/fd/{descriptor}").read_text()
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("path", ["/etc/passwd", "/absolute", "/dotdot", "/../../etc/passwd"])
def test_every_link_stays_inside(root: Path, path: str) -> None:
    assert content(root, path) == "inside"


@pytest.mark.parametrize("path", ["/neighbour", "/proc-link", "/loop", "/none", "/etc/passwd/x"])
def test_ways_out_lead_nowhere(root: Path, path: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - which error is the kernel's choice
        content(root, path)
    assert caught.value.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)


def test_a_nul_is_refused(root: Path) -> None:
    with pytest.raises(OutsideRootError):
        content(root, "/etc/pass\0wd")


def test_links_are_not_followed_when_told_so(root: Path) -> None:
    with pytest.raises(OSError, match="symbolic links"):
        rootdir.open_path(str(root), "/absolute", follow=False)


@pytest.mark.parametrize("path", ["/s3", "/s3/model.gguf"])
def test_user_space_file_systems_are_not_touched(root: Path, path: str) -> None:
    with pytest.raises(RemoteFileSystemError):
        content(root, path, WITH_FUSE)


def test_beside_a_user_space_file_system_links_still_work_in_the_root(root: Path) -> None:
    assert content(root, "/absolute", WITH_FUSE) == "inside"


def test_a_fifo_at_a_models_path_is_refused_at_once(root: Path) -> None:
    with pytest.raises(OutsideRootError, match="not a regular file"):
        open_file(str(root / "model.gguf"))


def test_reads_are_bounded(tmp_path: Path) -> None:
    sparse = tmp_path / "huge"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    opened = open_file(str(sparse))
    try:
        assert len(opened.read(0, 4096)) == 4096
        assert opened.read(1 << 41, 10) == b""
        with pytest.raises(FormatError, match="budget"):
            opened.read(0, HEADER_BUDGET)
    finally:
        opened.close()


def test_a_process_sees_its_own_files() -> None:
    host = LiveHost()
    own = os.getpid()
    path = os.path.realpath(__file__)
    file = host.open_in_root(own, path)
    assert file.read(0, 3) == b'"""'
    file.close()
    assert host.real_path(own, path) == path
    assert Path(path).name in host.list_in_root(own, str(Path(path).parent))
