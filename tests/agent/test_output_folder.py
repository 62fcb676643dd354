"""The output folder itself: links, modes, leftovers, and that one agent has it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aibom.agent.errors import AgentError
from tests.agent.outputs import POD, bom, files, ids, new, output
from tests.make import component

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it gives a folder away")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _fill(folder: Path) -> None:
    out = output(folder)
    out.check()
    out.append([new(1)])
    out.bom(POD, bom())
    out.bom(POD, bom(component("adapter", name="other")))
    out.bom(POD, bom(), status="ended")
    out.bom(POD, bom())
    out.summary({"a": 1})
    assert out.error == ""
    out.close()


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_everything_is_for_the_owner_and_the_group(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        _fill(tmp_path / "o")
    finally:
        os.umask(before)
    for path in (tmp_path / "o").rglob("*"):
        assert _mode(path) == (0o750 if path.is_dir() else 0o640), path


@needs_root
def test_a_group_of_readers_is_inherited(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    os.chown(folder, 0, 4321)
    folder.chmod(0o2750)
    _fill(folder)
    assert {path.stat().st_gid for path in folder.rglob("*")} == {4321}


def test_links_in_the_place_of_ours_are_replaced_and_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "o", tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("stays")
    (folder / "boms").mkdir(parents=True)
    for name in ("findings.jsonl", "node.json", "boms/default_web-0.cdx.json"):
        (folder / name).symlink_to(outside / "file")
    for name in ("boms/ended", "boms/history"):
        (folder / name).symlink_to(outside)
    _fill(folder)
    assert os.listdir(outside) == ["file"]
    assert (outside / "file").read_text() == "stays"
    assert ids(folder) == ["finding-1"]
    assert not any(path.is_symlink() for path in folder.rglob("*"))


def test_a_linked_folder_of_boms_is_replaced(tmp_path: Path) -> None:
    folder, outside = tmp_path / "o", tmp_path / "outside"
    outside.mkdir()
    folder.mkdir()
    (folder / "boms").symlink_to(outside)
    _fill(folder)
    assert os.listdir(outside) == []


def test_a_fifo_in_the_place_of_findings_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "findings.jsonl")
    reader = os.open(tmp_path / "findings.jsonl", os.O_RDONLY | os.O_NONBLOCK)
    out = output(tmp_path)
    try:
        assert out.append([new(1)]) == []
        assert "not a regular file" in out.error
    finally:
        os.close(reader)
    (tmp_path / "findings.jsonl").unlink()
    assert out.append([]) == ["finding-1"]


def test_leftovers_of_a_crash_are_removed_at_start(tmp_path: Path) -> None:
    for name in (".tmp-1", "boms/.tmp-2", "boms/ended/.tmp-3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("half")
    (tmp_path / "boms/notes").write_text("stays")
    output(tmp_path).check()
    assert files(tmp_path) == ["boms/notes", "findings.jsonl"]


@pytest.mark.parametrize("kind", ["link", "file", "everybody", "sticky"])
def test_a_folder_that_cannot_be_trusted_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "o"
    if kind == "link":
        (tmp_path / "real").mkdir()
        folder.symlink_to("real")
    elif kind == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o777 if kind == "everybody" else 0o1777)
    with pytest.raises(AgentError, match=f"^--output {folder}: ") as told:
        output(folder).check()
    assert "\n" not in str(told.value)
    out = output(folder)
    assert out.append([new(1)]) == []
    assert out.bom(POD, bom()) is not None
    assert out.error.startswith("boms: ")


@needs_root
def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    os.chown(folder, 4321, 0)
    with pytest.raises(AgentError, match="belongs to user 4321"):
        output(folder).check()


@pytest.mark.live
def test_two_agents_do_not_share_a_folder(tmp_path: Path) -> None:
    first = output(tmp_path)
    first.check()
    assert "another agent writes there" in _checked_by_another(tmp_path)
    first.close()
    assert _checked_by_another(tmp_path) == ""


def _checked_by_another(folder: Path) -> str:
    code = (
        "import sys, pathlib; from tests.agent.outputs import output;"
        " output(pathlib.Path(sys.argv[1])).check()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, folder],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stderr
