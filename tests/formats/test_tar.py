"""Tar archives as a stream: names in every form, and what hostile ones get."""

import contextlib
import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.containers import tar
from aibom.formats.source import FormatError
from tests.imagemaking import entry, folder, hardlink, symlink, tar_of

LONG = "d" * 90 + "/" + "é" * 90 + "/" + "f" * 90


def read(data: bytes) -> list[tuple[str, str, bytes, str]]:
    found = tar.entries(io.BytesIO(data))
    return [(e.path, e.kind, b"".join(c.chunks()), e.target) for e, c in found]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_and_contents(form: int) -> None:
    made = tar_of(
        folder("a"),
        entry("a/b", b"x" * 700),
        symlink("a/link", LONG),
        hardlink(LONG, "a/b"),
        entry("dev", kind=tarfile.CHRTYPE),
        entry("empty"),
        form=form,
    )
    assert read(made) == [
        ("a/", "folder", b"", ""),
        ("a/b", "file", b"x" * 700, ""),
        ("a/link", "symlink", b"", LONG),
        (LONG, "hardlink", b"", "a/b"),
        ("dev", "other", b"", ""),
        ("empty", "file", b"", ""),
    ]


def test_a_ustar_name_has_a_prefix() -> None:
    name = "p" * 100 + "/" + "n" * 60
    assert read(tar_of(entry(name, b"1"), form=tarfile.USTAR_FORMAT)) == [(name, "file", b"1", "")]


def test_offsets_are_where_the_content_lies() -> None:
    made = tar_of(entry(LONG, b"first"), entry("b", b"second"))
    for found, _ in tar.entries(io.BytesIO(made)):
        assert made[found.offset : found.offset + found.size] in (b"first", b"second")


def test_a_content_that_is_not_read_is_skipped() -> None:
    made = tar_of(entry("a", b"x" * 1_000_000), entry("b", b"y"))
    assert [e.path for e, _ in tar.entries(io.BytesIO(made))] == ["a", "b"]


def test_a_sparse_file_is_not_taken_for_its_content() -> None:
    made = tar_of(entry("GNUSparseFile.0/x", b"1\n0\n4\n"))
    info = tarfile.TarInfo("x")
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "real",
        "GNU.sparse.realsize": "4096",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    ((found, _),) = list(tar.entries(io.BytesIO(buffer.getvalue())))
    assert (found.path, found.whole) == ("real", False)
    assert all(e.whole for e, _ in tar.entries(io.BytesIO(made)))


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    """Return a header of records, before a file of one byte."""
    info = tarfile.TarInfo("records")
    info.type, info.size = kind, len(records)
    padding = bytes(-len(records) % 512)
    return info.tobuf(tarfile.USTAR_FORMAT) + records + padding + tar_of(entry("f", b"1"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x" * 600, "no tar header at byte 0"),
        (tar_of(entry("a", b"x" * 2000))[:900], "within a file"),
        (tar_of(entry("a", b"x"))[:300], "within the header"),
        (tar_of(entry("a", b"x"))[:600], "within an entry"),
        (pax(b"junk"), "damaged pax records"),
        (pax(b"0 path=x\n"), "damaged pax records"),
        (pax(b"12 path=a\0b\n"), "NUL"),
        (pax(b"99 path=x\n"), "damaged"),
        (pax(b"11 size=-1\n"), "size -1"),
        (pax(b"x" * (tar.MAX_RECORDS + 1)), "more than"),
        (pax(b"x" * (tar.MAX_RECORDS + 1), b"L"), "more than"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


@pytest.mark.parametrize("size", [b"\xff" * 12, b"\x80" + b"\xff" * 11, b"99999999999\0"])
def test_a_size_beyond_all_sizes(size: bytes) -> None:
    header = bytearray(tar_of(entry("a"))[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(FormatError):
        read(bytes(header))


WHOLE = tar_of(folder("a"), entry(LONG, b"x" * 600), symlink("l", LONG), entry("z", b"1"))


@given(st.data())
def test_damage_raises_nothing_else(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    cut = data.draw(st.integers(0, len(WHOLE)))
    broken = bytearray(WHOLE)
    broken[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        read(bytes(broken[:cut]))


def test_pax_records_in_header_after_header_are_not_gathered() -> None:
    headers = []
    for number in range(200):
        info = entry("x")
        info.pax_headers |= {f"{number}.{i}": "v" for i in range(300)}
        # the header alone, without the entry that it is about
        whole = tar_of(info)
        headers.append(whole[: 512 - int(whole[124:135], 8) // -512 * 512])
    data = b"".join(headers) + tar_of(entry("a", b"1"))
    tracemalloc.start()
    try:
        assert read(data) == [("a", "file", b"1", "")]
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
