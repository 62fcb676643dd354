"""docs/ci.md: every command on the page is run, and prints what the page shows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.processes import ProcessEvents

PAGE = Path(__file__).parents[2] / "docs" / "ci.md"
_SHELL = re.compile(r"^```sh\n(?P<run>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.M | re.S)
_CODE = re.compile(r"[Ii]ts exit code is (\d)")
# what differs from run to run: process ids, times and how long it took
_PASSING = (
    (re.compile(r"\(pid \d+\)"), "(pid N)"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\(\d+ seconds\)"), "(N seconds)"),
)


class Block(NamedTuple):
    """Commands, what they print according to the page, and with which exit code they end."""

    run: str
    shown: str | None
    code: int


def blocks(page: str) -> Iterator[Block]:
    found = list(_SHELL.finditer(page))
    ends = [*(m.start() for m in found[1:]), len(page)]
    for match, end in zip(found, ends, strict=True):
        code = _CODE.match(page[match.end() : end].lstrip())
        yield Block(match["run"], match["shown"], int(code[1]) if code else 0)


def plain(text: str, folder: str) -> str:
    """Return text on one line, without what differs from run to run."""
    text = text.replace(folder, "/work/demo")
    for pattern, name in _PASSING:
        text = pattern.sub(name, text)
    return " ".join(text.split())


def pattern_of(shown: str) -> str:
    """Return the regular expression of what a page shows, in which ``...`` stands for anything."""
    return ".*".join(re.escape(part) for part in plain(shown, "/work/demo").split("..."))


@pytest.mark.live
def test_every_command_on_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    try:
        FileEvents().close()
        ProcessEvents().close()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    for block in blocks(PAGE.read_text()):
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", block.run],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode and "pip install" in block.run:
            pytest.skip(f"pip could not install: {done.stderr.strip().splitlines()[-1:]}")
        assert done.returncode == block.code, (block.run, done.stdout, done.stderr)
        if block.shown is not None:
            wanted = pattern_of(block.shown)
            assert re.fullmatch(wanted, plain(done.stdout, str(tmp_path))), done.stdout


def test_the_page_is_read_as_it_is_meant() -> None:
    found = list(blocks(PAGE.read_text()))
    assert [block.code for block in found if "aibom diff" in block.run] == [1, 0, 0, 0]
    assert sum(block.shown is not None for block in found) == 4
    assert re.fullmatch(pattern_of("a ... (pid 1)\n..."), plain("a b\n  (pid 27) c", "/x"))
