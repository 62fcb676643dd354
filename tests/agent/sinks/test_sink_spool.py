"""The spool: what waits survives, within bounds, and nothing but whole items is believed."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent.sinks import spool as spools
from aibom.agent.sinks import spoolfolder as folders
from aibom.agent.sinks.item import Item, TornError, read, written
from aibom.agent.sinks.spool import Spool

MUCH = 1 << 30


def item(number: int, body: bytes = b"{}", **fields: Any) -> Item:
    return Item(f"key-{number}", body, **fields)


def drained(spool: Spool) -> list[str]:
    found = []
    while (first := spool.first()) is not None:
        found.append(first.key)
        spool.done(first)
    return found


def files(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir() if p.is_file())


texts = st.text(max_size=50)


@given(texts, st.binary(max_size=200), texts, texts)
def test_items_come_back(key: str, body: bytes, kind: str, title: str) -> None:
    made = Item(key, body, kind, title=title)
    assert read(written(made)) == made


@given(st.data())
def test_what_is_cut_or_changed_is_torn(data: st.DataObject) -> None:
    whole = written(Item("key", b'{"a": 1}', "kind", title="title"))
    if data.draw(st.booleans()):
        broken = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(whole.index(b"\n"), len(whole) - 1))
        broken = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    with pytest.raises(TornError):
        read(broken)


@given(st.binary(max_size=300))
def test_anything_is_torn(data: bytes) -> None:
    with pytest.raises(TornError):
        read(data)


@pytest.mark.parametrize(
    "head", [b"[1]", b"{}", b"[" * 8000, b'{"aibom-item": 1}', b'{"aibom-item": 1, "key": 3}', b"1"]
)
def test_heads_that_are_none(head: bytes) -> None:
    with pytest.raises(TornError):
        read(head + b"\nbody")


def test_what_waits_survives_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", MUCH)
    spool.put(item(n, b"x" * n) for n in range(200))
    spool.close()
    again = Spool(tmp_path / "s", MUCH)
    again.put([item(500)])
    assert again.counts()[0] == 201
    assert drained(again) == [f"key-{n}" for n in [*range(200), 500]]
    assert files(tmp_path / "s") == []
    assert again.counts() == (0, 0, 0.0)


def test_its_files_are_ours_alone(tmp_path: Path) -> None:
    Spool(tmp_path / "s", MUCH).put([item(1)])
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    (file,) = (tmp_path / "s").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_same_key_waits_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", MUCH)
    spool.put([item(1), item(1), item(2)])
    spool.put([item(2), item(1)])
    assert drained(Spool(tmp_path / "s", MUCH)) == ["key-1", "key-2"]


def test_a_newer_one_supersedes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", MUCH)
    spool.put([item(1, subject="a"), item(2, subject="b"), item(3, subject="a")])
    spool.close()
    again = Spool(tmp_path / "s", MUCH)
    sending = again.first()
    again.put([item(4, subject="b"), item(5)])
    assert sending is not None
    assert sending.key == "key-2"
    again.done(sending)  # it was superseded while it was sent
    assert drained(again) == ["key-3", "key-4", "key-5"]
    assert again.dropped == 0


def test_the_oldest_make_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", 10 * 4096)
    spool.put(item(n) for n in range(25))
    assert spool.dropped == 15
    assert spool.counts()[:2] == (10, 10 * 4096)
    assert drained(spool) == [f"key-{n}" for n in range(15, 25)]


def test_one_that_is_too_large_drives_out_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", 10 * 4096)
    spool.put([item(1), item(2, b"x" * 30_000), item(3)])
    assert spool.dropped == 1
    assert drained(spool) == ["key-1", "key-3"]


def test_the_age_of_the_oldest_whatever_the_clock_says(tmp_path: Path) -> None:
    Spool(tmp_path / "s", MUCH).put([item(1)])
    now = time.time()
    assert Spool(tmp_path / "s", MUCH, lambda: now + 100).counts()[2] == pytest.approx(100, abs=9)
    assert Spool(tmp_path / "s", MUCH, lambda: now - 1e6).counts()[2] < 9


def test_torn_and_foreign_files_are_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "s"
    spool = Spool(path, MUCH)
    spool.put(item(n) for n in range(6))
    names = files(path)
    (path / names[0]).write_bytes(b"")
    (path / names[1]).write_bytes((path / names[1]).read_bytes()[:-1])
    (path / names[2]).unlink()
    (path / names[3]).write_bytes(written(item(77)))  # called like another one
    (path / "notes.txt").write_text("mine")
    (path / ".tmp-x").write_text("half")
    (path / "folder").mkdir()
    os.mkfifo(path / "fifo")
    again = Spool(path, MUCH)
    assert drained(again) == ["key-4", "key-5"]
    assert again.torn == 5
    assert again.dropped == 0
    assert files(path / "aside") == sorted(["notes.txt", names[0], names[1], names[3]])
    assert not (path / ".tmp-x").exists()
    assert drained(spool) == []
    assert spool.dropped == 6 - 0


def test_links_lead_nowhere(tmp_path: Path) -> None:
    path, secret = tmp_path / "s", tmp_path / "secret"
    secret.write_bytes(written(item(1)))
    spool = Spool(path, MUCH)
    spool.put([item(1)])
    (name,) = files(path)
    (path / name).unlink()
    (path / name).symlink_to(secret)
    assert drained(Spool(path, MUCH)) == []
    assert secret.exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    linked = Spool(tmp_path / "link", MUCH)
    linked.put([item(1)])
    assert linked.error
    assert list(elsewhere.iterdir()) == []
    assert drained(linked) == ["key-1"]


def test_what_is_aside_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_ASIDE", 5)
    spool = Spool(tmp_path / "s", 1 << 20)
    spool.put(item(n) for n in range(20))
    while (first := spool.first()) is not None:
        spool.refuse(first)
    assert [name[:15] for name in files(tmp_path / "s/aside")] == [
        f"{n:015}" for n in range(15, 20)
    ]
    spool.put([item(50, b"x" * 200_000), item(51, b"y" * 200_000)])
    while (first := spool.first()) is not None:
        spool.refuse(first)
    assert [name[:15] for name in files(tmp_path / "s/aside")] == [f"{21:015}"]


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", MUCH)
    spool.put([item(1)])
    shutil.rmtree(tmp_path / "s")
    spool.put([item(2)])
    assert spool.error == ""
    assert drained(spool) == ["key-2"]
    assert spool.dropped == 1


def test_a_folder_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "MAX_HELD", 10)
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "s", MUCH)
    spool.put(item(n, subject=f"s{n % 3}") for n in range(9))
    assert "cannot be written" in spool.error
    assert spool.counts()[0] == 3
    spool.put(item(n) for n in range(20, 40))
    assert spool.dropped == 13
    first = spool.first()
    assert first is not None
    spool.done(first)
    (tmp_path / "file").unlink()
    spool.put([item(50)])
    assert spool.error == ""
    assert drained(Spool(tmp_path / "file" / "s", MUCH))[-1] == "key-50"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    path = Path(tempfile.mkdtemp())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=40", "tmpfs", str(path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        path.rmdir()
        pytest.skip("may not mount here")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)
        path.rmdir()


@pytest.mark.live
def test_a_full_disk(small_disk: Path) -> None:
    spool = Spool(small_disk / "s", MUCH)
    spool.put(item(n, b"x" * 20_000) for n in range(2))
    (small_disk / "fill").write_bytes(b"x" * 16_000)
    spool.put(item(n, b"x" * 20_000) for n in range(2, 6))
    assert "No space left" in spool.error
    assert spool.counts()[0] == 6
    assert not [name for name in os.listdir(small_disk / "s") if name.startswith(".tmp-")]
    first = spool.first()
    assert first is not None
    spool.done(first)
    (small_disk / "fill").unlink()
    assert drained(spool) == [f"key-{n}" for n in range(1, 6)]
    spool.put([item(9)])
    assert spool.error == ""
    spool.close()
    assert json.loads(next((small_disk / "s").iterdir()).read_bytes().splitlines()[0])["key"]
