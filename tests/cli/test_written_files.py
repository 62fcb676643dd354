"""Where documents are written to: never in the place of a device or a standard stream."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aibom.cli.terminal import write_file


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
