from typing import Any

import pytest
from builders_a import Metered, each_spoiled, spoiled
from builders_b import Hdf5
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models.hdf5 import Root, read_root
from aibom.formats.models.hdf5_file import NAME_CAP
from aibom.formats.source import FormatError, MemorySource

BOTH = pytest.mark.parametrize("modern", [False, True], ids=["version 1", "version 2"])
ATTRIBUTES = {"keras_version": "3.15.1", "fixed": b"abc\0\0", "number": 7, "é": "ü" * 20}
READ = {"keras_version": "3.15.1", "fixed": "abc", "number": None, "é": "ü" * 20}


def read(data: bytes, cap: int = 1000) -> Root:
    return read_root(MemorySource(data), cap)


def attempt(data: bytes) -> Root | None:
    try:
        return read_root(Metered(data, limit=4 * len(data) + 32_768), 1000)
    except FormatError:
        return None


@BOTH
@pytest.mark.parametrize("split", [False, True], ids=["one block", "continued"])
@pytest.mark.parametrize("user_block", [0, 512, 2048])
def test_attributes_and_links(user_block: int, *, modern: bool, split: bool) -> None:
    data = Hdf5(ATTRIBUTES, ["layers", "vars"], modern, split, user_block).build()
    root = read(data)
    assert root.attributes == READ
    assert root.links == {"layers", "vars"}
    assert (root.partial, root.end) == (False, len(data))


@BOTH
def test_empty_group(*, modern: bool) -> None:
    data = Hdf5(modern=modern).build()
    assert read(data) == Root(end=len(data))


@BOTH
def test_values_are_cut_at_the_cap(*, modern: bool) -> None:
    data = Hdf5({"config": "x" * 5000, "fixed": b"y" * 5000}, modern=modern).build()
    assert read(data, cap=100).attributes == {"config": "x" * 100, "fixed": "y" * 100}


@BOTH
def test_names_are_cut(*, modern: bool) -> None:
    data = Hdf5({"n" * 3000: b"1"}, modern=modern).build()
    assert list(read(data).attributes) == ["n" * NAME_CAP]


def test_invalid_text_is_replaced() -> None:
    assert read(Hdf5({"a": b"\xff\xfe"}).build()).attributes == {"a": "\ufffd\ufffd"}


def test_missing_bytes_are_in_the_end() -> None:
    data = Hdf5(ATTRIBUTES, trailer=1000).build()
    assert read(data).end == len(data) + 1000


def test_dense_storage_is_said() -> None:
    """A link info message with the address of a fractal heap."""
    data = Hdf5(ATTRIBUTES, modern=True).build()
    heap = data.replace(b"\x02\x12\0\0\0\0" + b"\xff" * 8, b"\x02\x12\0\0\0\0" + bytes(8))
    assert heap != data
    assert read(heap).partial


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    assert len(old) == len(new)
    return data.replace(old, new)


@BOTH
def test_header_that_continues_into_itself(*, modern: bool) -> None:
    """Each continuation block is read once."""
    data = Hdf5({"a": b"1"}, modern=modern, split=True).build()
    block = data.index(b"OCHK") if modern else data.index(b"\x0c\0\x28\0")
    pointer = block.to_bytes(8, "little")
    at = data.rindex(pointer)
    length = data[at + 8 : at + 16]
    message = b"\x10\x10\0\0" if modern else b"\x10\0\x10\0\0\0\0\0"
    loop = message + pointer + length
    start = block + (4 if modern else 0)
    looped = data[:start] + loop + data[start + len(loop) :]
    assert attempt(looped) is not None


def test_b_tree_that_is_its_own_child() -> None:
    data = Hdf5(links=["a"]).build()
    tree = data.index(b"TREE")
    looped = data[: tree + 32] + tree.to_bytes(8, "little") + data[tree + 40 :]
    assert attempt(looped) == Root(end=len(data))


REFUSED: list[tuple[str, Any]] = [
    ("nothing", b""),
    ("signature only", b"\x89HDF\r\n\x1a\n"),
    ("no signature", bytes(10_000)),
    ("superblock of the future", patched(Hdf5().build(), b"\r\n\x1a\n\0", b"\r\n\x1a\n\x09")),
    ("addresses of 3 bytes", patched(Hdf5().build(), b"\x08\x08\0\x04", b"\x03\x08\0\x04")),
    ("no symbol table", patched(Hdf5(links=["a"]).build(), b"SNOD", b"XXXX")),
    ("no names", patched(Hdf5(links=["a"]).build(), b"HEAP", b"XXXX")),
    ("no global heap", patched(Hdf5({"a": "b"}).build(), b"GCOL", b"XXXX")),
    ("no continuation", patched(Hdf5(modern=True, split=True).build(), b"OCHK", b"XXXX")),
    ("no header", patched(Hdf5(modern=True).build(), b"OHDR", b"XXXX")),
    ("attribute cut off", Hdf5({"a": b"x" * 90}, modern=True).build()[:-90]),
]


@pytest.mark.parametrize("data", [r[1] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read(data)


def test_huge_numbers() -> None:
    data = Hdf5({"a": "text"}, ["link"]).build()
    for at in range(len(data) - 8):
        for number in (2**31, 2**63, 2**64 - 2):
            attempt(data[:at] + number.to_bytes(8, "little") + data[at + 8 :])


SAMPLES = [Hdf5({"a": "text", "b": b"x"}, ["l", "m"], modern=m).build() for m in (False, True)]


@pytest.mark.parametrize("sample", SAMPLES, ids=["version 1", "version 2"])
def test_every_spoiled_byte(sample: bytes) -> None:
    for data in each_spoiled(sample):
        attempt(data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    for prefix in (b"", *(sample[:9] for sample in SAMPLES), *(sample[:400] for sample in SAMPLES)):
        attempt(prefix + data)


@settings(max_examples=300, deadline=None)
@given(st.one_of(map(spoiled, SAMPLES)))
def test_spoiled(data: bytes) -> None:
    root = attempt(data)
    if root is not None:
        assert all(len(name) <= NAME_CAP for name in (*root.attributes, *root.links))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(deadline=None)
@given(
    attributes=st.dictionaries(TEXT, TEXT, max_size=6),
    links=st.sets(TEXT, max_size=6),
    modern=st.booleans(),
    split=st.booleans(),
)
def test_what_was_written_is_read(
    attributes: dict[str, str], links: set[str], *, modern: bool, split: bool
) -> None:
    root = read(Hdf5(attributes, sorted(links), modern, split).build())
    assert root.attributes == attributes
    assert root.links == links
