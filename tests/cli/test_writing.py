"""Files that are written whole, and what is no file and must stay what it is."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aibom.cli.terminal import CommandError, write_file

LONG = "line\n" * 100_000


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to_and_stays(tmp_path: Path, linked: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target = pipe
    if linked:
        target = tmp_path / "link"
        target.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(target, "short\n")
        assert os.read(reader, 100) == b"short\n"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert linked == target.is_symlink()


def test_a_pipe_without_a_reader_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandError, match="cannot write"):
        write_file(tmp_path / "pipe", LONG)


def test_a_link_to_a_device_stays_one(tmp_path: Path) -> None:
    for name in ("null", "full"):
        (tmp_path / name).symlink_to(f"/dev/{name}")
    write_file(tmp_path / "null", LONG)
    with pytest.raises(CommandError, match="No space left"):
        write_file(tmp_path / "full", LONG)
    assert (tmp_path / "null").is_symlink()
    assert (tmp_path / "full").is_symlink()


def test_a_link_to_a_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("stays")
    (tmp_path / "link").symlink_to("other")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "other").read_text() == "stays"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes a device")
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o020666, os.makedev(1, 3))  # what /dev/null is (null(4))
        null.write_text("")
    except PermissionError as error:
        pytest.skip(f"no devices can be made here: {error}")
    write_file(null, "text")
    assert null.is_char_device()


def test_the_links_of_dev_stay(tmp_path: Path) -> None:
    before = os.readlink("/dev/stdout")
    told = tmp_path / "told"
    with told.open("w") as file:
        program = "from aibom.cli.terminal import write_file as w; from pathlib import Path;"
        program += "w(Path('/dev/stdout'), 'text')"
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert (os.readlink("/dev/stdout"), told.read_text()) == (before, "text")


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_file(link, "new")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("old", "new", False)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640)])
def test_a_file_is_for_whom_the_umask_says(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_file(tmp_path / "bom.json", "{}")
    finally:
        os.umask(before)
    assert (tmp_path / "bom.json").stat().st_mode & 0o777 == mode
