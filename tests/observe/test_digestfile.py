"""Digests on disk: old files are read, they stay small, no clock that jumps empties them."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aibom.observe.files import digestfile
from aibom.observe.files.digestfile import DigestFile
from aibom.types.files import FileKey

DAY = 86_400
Travel = Callable[[float], None]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "digests.sqlite")


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Travel:
    now = time.time()

    def to(seconds: float) -> None:
        nonlocal now
        now += seconds
        monkeypatch.setattr(digestfile.time, "time", lambda: now)

    to(0)
    return to


def key(inode: int = 1) -> FileKey:
    return FileKey(0x801, inode, 10, 2, 3)


def count(path: str) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT count(*) FROM digest").fetchone()[0]
    connection.close()
    return int(found)


def test_a_file_of_an_older_version_is_read_and_written(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700)
    old = sqlite3.connect(path)
    old.execute(
        "CREATE TABLE digest (device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER,"
        " ctime_ns INTEGER, sha256 TEXT NOT NULL,"
        " PRIMARY KEY (device, inode, size, mtime_ns, ctime_ns)) WITHOUT ROWID"
    )
    old.execute("INSERT INTO digest VALUES (2049, 1, 10, 2, 3, 'ab')")
    old.commit()
    old.close()
    for _ in range(2):
        found = DigestFile(path)
        assert found.recall(key()) == "ab"
        found.store(key(2), "cd")
        assert found.recall(key(2)) == "cd"
        found.close()


def test_what_is_used_stays_and_what_is_not_goes(
    path: str, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = DigestFile(path)
    found.store(key(1), "used")
    found.store(key(2), "unused")
    found.flush()
    monkeypatch.setattr(digestfile, "UNUSED_DAYS", 30)
    for _ in range(31):
        travel(DAY)
        assert found.recall(key(1)) == "used"
    assert count(path) == 1
    assert found.recall(key(2)) is None


@pytest.mark.parametrize("years", [-1, 10])
def test_a_clock_that_jumps_makes_nothing_old(path: str, travel: Travel, years: int) -> None:
    before = DigestFile(path)
    before.store(key(), "ab")
    before.close()
    travel(years * 365 * DAY)
    found = DigestFile(path)
    found.store(key(2), "cd")
    found.prune()
    assert found.recall(key()) == "ab"


def test_there_are_only_so_many(path: str, travel: Travel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digestfile, "MOST", 100)
    found = DigestFile(path)
    for number in range(250):
        if number == 200:
            travel(DAY)
        found.store(key(number), "ab")
    found.prune()
    assert count(path) == 100
    assert all(found.recall(key(number)) for number in range(200, 250)), "the newest stay"


def test_a_damaged_file_begins_anew(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700)
    Path(path).write_bytes(b"no database" * 1000)
    found = DigestFile(path)
    found.store(key(), "ab")
    found.close()
    assert DigestFile(path).recall(key()) == "ab"
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_inodes_of_64_bits_are_kept(path: str) -> None:
    found = DigestFile(path)
    for inode in (2**64 - 1, 2**63, 2**63 - 1, 1):
        found.store(key(inode), str(inode))
    for inode in (2**64 - 1, 2**63, 2**63 - 1, 1):
        assert found.recall(key(inode)) == str(inode)
