import struct
import zipfile
import zlib

import pytest
from builders_a import Metered, each_spoiled, spoiled
from builders_b import zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models.zipdir import Member, content, first_name, members
from aibom.formats.source import FormatError, MemorySource

TWO = [("top/a.txt", b"hello hello hello"), ("top/b", b"")]


def read_all(data: bytes, cap: int = 100_000) -> dict[str, bytes] | None:
    source = Metered(data, limit=4 * len(data) + 70_000)
    try:
        return {member.name: content(source, member, cap) for member in members(source)}
    except FormatError:
        return None


def central(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


def planted(data: bytes, at: int, codes: str, *values: int) -> bytes:
    raw = struct.pack("<" + codes, *values)
    return data[:at] + raw + data[at + len(raw) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_names_sizes_and_content(method: int) -> None:
    data = zipped(TWO, method)
    assert read_all(data) == dict(TWO)
    assert [member.size for member in members(MemorySource(data))] == [17, 0]
    assert first_name(MemorySource(data)) == "top/a.txt"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_content_is_cut_at_the_cap(method: int) -> None:
    bomb = zipped([("zeros", bytes(3_000_000))], method)
    source = Metered(bomb, limit=10_000)
    (member,) = members(source)
    assert member.size == 3_000_000
    assert content(source, member, 1000) == bytes(1000)


def test_comment_and_trailing_bytes() -> None:
    data = zipped(TWO)
    assert read_all(planted(data, len(data) - 2, "H", 9) + b"a comment") == dict(TWO)
    assert read_all(data + b"\n" * 500) == dict(TWO)


def test_zip64() -> None:
    """PyTorch writes all of its archives so."""
    data = zipped(TWO)
    start, end = central(data), data.index(b"PK\x05\x06")
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2, 2, end - start, start)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    tail = planted(data[end:], 8, "HHII", 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    assert read_all(data[:end] + record + locator + tail) == dict(TWO)


def test_zip64_sizes_in_the_extra_field() -> None:
    name, body = b"a", b"content"
    extra = struct.pack("<HHQQ", 1, 16, len(body), len(body))
    local = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 0, 0, 0, 0, 1, 0) + name + body
    entry = b"PK\x01\x02" + struct.pack(
        "<HHHHHHIIIHHHHHII",
        *(45, 45, 0, 0, 0, 0, 0, 2**32 - 1, 2**32 - 1, 1, len(extra), 0, 0, 0, 0, 0),
    )
    entry += name + extra
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)
    assert read_all(local + entry + end) == {"a": body}


def test_what_pytorch_reads_and_zipfile_refuses() -> None:
    data = zipped(TWO)
    wrong_checksum = planted(data, central(data) + 16, "I", 0)
    other_local_name = data.replace(b"top/a.txt", b"top/x.txt", 1)
    for hostile in (wrong_checksum, other_local_name):
        assert read_all(hostile) == dict(TWO)


def test_duplicates_are_all_there() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("a", b"1"), ("a", b"2")])
    source = MemorySource(data)
    assert [content(source, member, 9) for member in members(source)] == [b"1", b"2"]


def test_refused() -> None:
    data = zipped(TWO)
    start, end = central(data), data.index(b"PK\x05\x06")
    table = {
        "empty": b"",
        "no directory": b"PK\x03\x04" + bytes(100),
        "cut": data[:-1],
        "directory beyond the end": planted(data, end + 12, "I", 60_000),
        "directory of 4 GB": planted(data, end + 12, "I", 2**32 - 2),
        "member beyond the end": planted(data, start + 42, "I", 2**31),
        "larger than deflate can make": planted(data, start + 24, "I", 2**31),
        "broken entry": planted(data, start, "I", 0),
        "offset at no member": planted(data, start + 42, "I", 3),
        "unknown method": planted(data, start + 10, "H", 14),
        "not deflate": planted(data, start + 10, "H", 8),
    }
    for name, bad in table.items():
        assert read_all(bad) is None, name


def test_too_many_members() -> None:
    entry = zipped([("a", b"")])[31:].split(b"PK\x05\x06")[0]
    directory = entry * 65_537
    end = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 0, 0, 0, 0, 1, 1, len(directory), 31)
    local = zipped([("a", b"")])[:31]
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 31 + len(directory), 1)
    data = local + directory + end + locator + b"PK\x05\x06" + bytes(18)
    with pytest.raises(FormatError, match="too large"):
        members(MemorySource(data))


def test_first_name_of_what_is_no_zip() -> None:
    for data in (b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(50), bytes(200)):
        assert first_name(MemorySource(data)) == ""
    assert first_name(MemorySource(zipped([("é" * 2000, b"")]))) == "é" * 1000


def test_every_spoiled_byte() -> None:
    for data in each_spoiled(zipped(TWO, zipfile.ZIP_DEFLATED)):
        read_all(data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    for bytes_ in (data, b"PK\x03\x04" + data, data + b"PK\x05\x06" + bytes(18)):
        read_all(bytes_)


@settings(max_examples=150, deadline=None)
@given(spoiled(zipped(TWO, zipfile.ZIP_DEFLATED)))
def test_spoiled(data: bytes) -> None:
    found = read_all(data, cap=1000)
    assert found is None or all(len(body) <= 1000 for body in found.values())


@settings(deadline=None)
@given(
    st.dictionaries(st.text("abcé/", min_size=1, max_size=9), st.binary(max_size=99), max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_was_written_is_read(files: dict[str, bytes], method: int) -> None:
    assert read_all(zipped(list(files.items()), method)) == files


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(1, 200))
def test_deflate_never_makes_more_than_the_cap(data: bytes, cap: int) -> None:
    packed = zlib.compress(data * 50, wbits=-15)
    source = MemorySource(b"PK\x03\x04" + bytes(26) + packed)
    member = Member("x", len(data) * 50, len(packed), 8, 0)
    assert content(source, member, cap) == (data * 50)[:cap]
