"""Where documents are written to: never in the place of a device, a pipe or a standard stream."""

import os
from pathlib import Path

import pytest

from aibom.cli.terminal import CommandError, write_file


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


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/stdout")):
        with pytest.raises(CommandError, match="not a regular file"):
            write_file(path, "text")
    assert pipe.is_fifo()
    assert Path("/dev/stdout").is_symlink()


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_file(link, "new")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("old", "new", False)
