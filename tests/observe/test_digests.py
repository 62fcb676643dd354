"""Digests: right, computed once, and never taken from a cache that somebody else wrote."""

import ctypes
import hashlib
import mmap
import os
from pathlib import Path

import pytest

from aibom.formats.procfs.mountinfo import MountTable
from aibom.observe.files import hashing
from aibom.observe.files.content import key_of
from aibom.observe.files.digests import Digests, TooLargeError
from aibom.observe.host.live import open_file
from aibom.observe.host.protocol import FileStat
from aibom.types.files import FileKey

SIZES = [0, 1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (3 << 20) + 17]


class Counting:
    """A file that counts how often it is hashed."""

    def __init__(self) -> None:
        self.times = 0
        self.stat = FileStat(1, 1, 1, 0, 0, 1, regular=True)
        self.size = 1

    def read(self, offset: int, length: int) -> bytes:
        return b"x"[offset : offset + length]

    def sha256(self) -> str:
        self.times += 1
        return "ab" * 32

    def close(self) -> None:
        pass


@pytest.mark.parametrize("size", SIZES)
def test_the_digest_is_that_of_the_whole_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    file = open_file(str(tmp_path / "f"))
    assert file.sha256() == hashlib.sha256(data).hexdigest()
    file.close()


@pytest.mark.parametrize("way", ["direct", "buffered"])
def test_every_way_of_reading_gives_the_same(
    tmp_path: Path, way: hashing.Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom((2 << 20) + 5)
    (tmp_path / "f").write_bytes(data)
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    monkeypatch.setattr(hashing, "way_of", lambda _: way)
    assert hashing.sha256_of(descriptor) == hashlib.sha256(data).hexdigest()
    os.close(descriptor)


def key(inode: int = 1, device: int = 0x801, size: int = 1) -> FileKey:
    return FileKey(device, inode, size, 2, 3)


def test_a_file_is_hashed_once(tmp_path: Path) -> None:
    path = str(tmp_path / "cache" / "digests.sqlite")
    file = Counting()
    for _ in range(2):
        digests = Digests(path)
        assert digests.sha256(file, key()) == digests.sha256(file, key()) == "ab" * 32
        digests.close()
    assert file.times == 1
    Digests(path).sha256(file, key(inode=2))
    assert file.times == 2


def test_volatile_devices_are_not_remembered_between_runs(tmp_path: Path) -> None:
    path = str(tmp_path / "cache" / "digests.sqlite")
    file = Counting()
    for _ in range(2):
        Digests(path).sha256(file, key(device=0x35))
    assert file.times == 2


def test_files_above_the_limit_are_not_hashed() -> None:
    with pytest.raises(TooLargeError):
        Digests(limit=10).sha256(Counting(), key(size=11))


def test_a_cache_in_a_folder_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    Digests(str(tmp_path / "open" / "digests.sqlite")).sha256(Counting(), key())
    assert not (tmp_path / "open" / "digests.sqlite").exists()


def test_a_broken_cache_costs_time_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir(mode=0o700)
    (tmp_path / "c" / "digests.sqlite").write_bytes(b"not a database" * 100)
    assert Digests(str(tmp_path / "c" / "digests.sqlite")).sha256(Counting(), key()) == "ab" * 32


def test_a_file_that_changes_has_another_key(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one")
    first = open_file(str(path))
    before = key_of(first.stat, MountTable(()))
    first.close()
    path.write_bytes(b"two")
    second = open_file(str(path))
    assert key_of(second.stat, MountTable(())) != before
    second.close()


def test_hashing_leaves_the_page_cache_as_it_was(tmp_path: Path) -> None:
    """A file that is not cached stays uncached, by the kernel's own count (mincore)."""
    path = tmp_path / "f"
    path.write_bytes(os.urandom(4 << 20))
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    if hashing.way_of(descriptor) == "buffered":
        pytest.skip("this file system can only be read through the page cache")
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    if resident(path):
        pytest.skip("this file system keeps its pages whatever it is told")
    hashing.sha256_of(descriptor)
    assert resident(path) <= 1  # the first page, read to find out how to read
    os.pread(descriptor, 1 << 20, 0)
    cached = resident(path)
    hashing.sha256_of(descriptor)
    assert resident(path) >= cached > 0
    os.close(descriptor)


def resident(path: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    size = path.stat().st_size
    pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        vector = (ctypes.c_ubyte * pages)()
        assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), vector) == 0
        return sum(page & 1 for page in vector)
