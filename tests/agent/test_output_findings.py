"""findings.jsonl: every line whole and once, whatever others and the disk do to the file."""

import errno
import os
from pathlib import Path

import pytest

from aibom.agent.output import journal
from tests.agent.outputs import Heard, files, ids, new, output


def test_lines_are_appended_and_told(tmp_path: Path) -> None:
    out = output(tmp_path / "o")
    out.check()
    assert out.append([new(1), new(2)]) == ["finding-1", "finding-2"]
    assert out.append([]) == []
    assert out.append([new(3)]) == ["finding-3"]
    assert ids(tmp_path / "o") == ["finding-1", "finding-2", "finding-3"]
    assert (out.findings_written, out.error, out.failures) == (3, "", 0)


def test_what_was_untold_is_written_once(tmp_path: Path) -> None:
    first = output(tmp_path)
    first.append([new(1), new(2)])
    first.close()
    second = output(tmp_path)
    second.check()
    missing = second.reconcile([new(2), new(3)])
    assert missing == [new(3)]
    second.append(missing)
    assert ids(tmp_path) == ["finding-1", "finding-2", "finding-3"]
    assert second.recent_ids() == {"finding-1", "finding-2", "finding-3"}


@pytest.mark.parametrize("torn", [b'{"id": "half', b"\0" * 4096, b"{"])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    first = output(tmp_path)
    first.append([new(1)])
    first.close()
    with (tmp_path / "findings.jsonl").open("ab") as file:
        file.write(torn)
    second = output(tmp_path)
    second.check()
    assert ids(tmp_path) == ["finding-1"]
    second.append([new(2)])
    assert ids(tmp_path) == ["finding-1", "finding-2"]


def test_a_file_of_one_torn_line_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "findings.jsonl").write_bytes(b'{"id": "half')
    output(tmp_path).check()
    assert (tmp_path / "findings.jsonl").read_bytes() == b""


def test_other_lines_are_passed_over_when_ids_are_read(tmp_path: Path) -> None:
    lines = [b"\xff\xfe", b"[" * 100_000, b"[1]", b'{"id": 7}', b'{"id": "seen"}', b"x" * 2**21]
    (tmp_path / "findings.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert output(tmp_path).recent_ids() == {"seen"}


def test_files_are_put_aside_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    out = output(tmp_path, findings_bytes=3000, findings_files=3)
    # a reader that holds the file goes on to its end and then looks at the name: tail -F
    read, reader = [], None
    for number in range(12):
        out.append([new(number)])
        if reader is None:
            reader = (tmp_path / "findings.jsonl").open("rb")
        read += reader.readlines()
        if os.fstat(reader.fileno()).st_ino != (tmp_path / "findings.jsonl").stat().st_ino:
            reader.close()
            reader = (tmp_path / "findings.jsonl").open("rb")
            read += reader.readlines()
    assert reader is not None
    reader.close()
    assert len(read) == len(set(read)) == 12
    parts = [f"findings.jsonl.{n}" for n in (3, 2, 1)]
    assert files(tmp_path) == ["findings.jsonl", *reversed(parts)]
    kept = b"".join((tmp_path / name).read_bytes() for name in (*parts, "findings.jsonl"))
    assert b"".join(read).endswith(kept)
    assert all((tmp_path / name).stat().st_size <= 3000 for name in files(tmp_path))
    assert {"finding-11", "finding-10", "finding-9"} <= out.recent_ids()


def test_fewer_files_are_kept_after_a_reload(tmp_path: Path) -> None:
    out = output(tmp_path, findings_bytes=1, findings_files=4)
    for number in range(6):
        out.append([new(number)])
    assert len(files(tmp_path)) == 5
    out.reload(output(tmp_path, findings_files=1)._keep)
    out.prune(0)
    assert files(tmp_path) == ["findings.jsonl", "findings.jsonl.1"]


def test_no_older_file_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    out = output(tmp_path, findings_bytes=1, findings_files=0)
    out.append([new(1)])
    out.append([new(2)])
    assert files(tmp_path) == ["findings.jsonl"]
    assert ids(tmp_path) == ["finding-2"]


def test_what_cannot_be_put_aside_grows_on(tmp_path: Path) -> None:
    (tmp_path / "findings.jsonl.1").mkdir()
    log = Heard()
    out = output(tmp_path, log, findings_bytes=1, findings_files=1)
    for number in range(3):
        assert out.append([new(number)]) == [f"finding-{number}"]
    assert len(ids(tmp_path)) == 3
    assert "older findings.jsonl" in out.error
    assert len(log.lines) == 1
    (tmp_path / "findings.jsonl.1").rmdir()
    out.append([new(3)])
    assert ids(tmp_path) == ["finding-3"]
    assert out.error == ""


def test_a_file_that_others_empty_is_written_from_its_beginning(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.append([new(1)])
    os.truncate(tmp_path / "findings.jsonl", 0)
    out.append([new(2)])
    assert ids(tmp_path) == ["finding-2"]
    assert b"\0" not in (tmp_path / "findings.jsonl").read_bytes()


@pytest.mark.parametrize("other", [None, b'{"id": "other"}\n', b"no newline"])
def test_a_file_that_others_remove_or_replace_is_noticed(
    tmp_path: Path, other: bytes | None
) -> None:
    out = output(tmp_path)
    out.append([new(1)])
    (tmp_path / "findings.jsonl").rename(tmp_path / "taken")
    if other is not None:
        (tmp_path / "findings.jsonl").write_bytes(other)
    out.append([new(2)])
    assert ids(tmp_path)[-1] == "finding-2"
    assert b"finding-2" not in (tmp_path / "taken").read_bytes()


def test_a_folder_that_others_remove_comes_again(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    out = output(folder)
    out.append([new(1)])
    folder.rename(tmp_path / "taken")
    assert out.append([new(2)]) == ["finding-2"]
    assert ids(folder) == ["finding-2"]


class Disk:
    """Writes that fail as a disk's do: after some bytes, or when they are to last."""

    def __init__(self, room: int, fails: str) -> None:
        self.room = room
        self.fails = fails

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        sent = os.write(descriptor, data[: self.room])
        self.room -= sent
        return sent

    def fsync(self, descriptor: int) -> None:
        if self.fails:
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(descriptor)

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


@pytest.mark.parametrize("room", [0, 1, 900, 2500, 6000])
@pytest.mark.parametrize("fails", ["", "fsync"])
def test_a_disk_that_fails_leaves_whole_lines_and_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, fails: str
) -> None:
    log = Heard()
    out = output(tmp_path, log)
    before = out.append([new(0)])
    with monkeypatch.context() as patch:
        patch.setattr(journal, "os", Disk(room, fails))
        told = out.append([new(n) for n in range(1, 9)])
        assert len(told) < 8
        assert ids(tmp_path) == before + told
        assert "findings.jsonl: " in out.error
        told += out.append([new(9)])
        assert len(log.lines) == 1
    told += out.append([])
    assert before + told == ids(tmp_path) == [f"finding-{n}" for n in range(10)]
    assert out.error == ""
    assert len(log.lines) == 2


def test_what_waits_is_bounded_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "WAITING_BYTES", 4000)
    out = output(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "os", Disk(0, ""))
        assert out.append([new(n) for n in range(8)]) == []
        assert out.append([new(0)]) == []  # it waits already
        assert 0 < out.dropped < 8
    kept = out.append([])
    assert ids(tmp_path) == kept == [f"finding-{n}" for n in range(8 - out.dropped)]


def test_what_cannot_be_read_is_told_again(tmp_path: Path) -> None:
    (tmp_path / "findings.jsonl").mkdir()
    out = output(tmp_path)
    assert out.reconcile([new(1)]) == [new(1)]
    assert out.recent_ids() == set()
    assert out.append([new(1)]) == []
    assert "findings.jsonl" in out.error
