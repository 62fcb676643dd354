"""Exported symbols found in an ELF image in memory, and a section's address in a file."""

import contextlib
import struct

import pytest
from cpython_images import BASE, Image
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.cpython import elf
from aibom.formats.cpython.memory import MAX_PIECES, InterpreterError, Reader
from aibom.formats.source import FormatError, MemorySource

LINKED_AT = 0x400000
NAMES = ("_PyRuntime", "PyDict_Type", "absent")
SYMBOLS_AT, STRINGS_AT, HASHES_AT, DYNAMIC_AT = 0x400, 0x600, 0xC00, 0x800


def gnu_hash(name: bytes) -> int:
    digest = 5381
    for byte in name:
        digest = (digest * 33 + byte) & 0xFFFFFFFF
    return digest


def image(exported: dict[str, int], *, relocated: bool = True, section: int = 7) -> Image:
    """An ELF image mapped at BASE and linked at LINKED_AT, with all symbols in one bucket."""
    made = Image(1 << 14)
    put = made.put
    put(BASE, "4s12B2HI3QI3H", b"\x7fELF", 2, 1, 1, *[0] * 9, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2)
    put(BASE + 64, "2I6Q", 1, 5, 0, LINKED_AT, 0, 0x2000, 0x2000, 4096)
    put(BASE + 120, "2I6Q", 2, 6, 0, LINKED_AT + DYNAMIC_AT, 0, 80, 80, 8)
    shift = BASE if relocated else LINKED_AT
    tags = ((6, SYMBOLS_AT), (5, STRINGS_AT), (0x6FFFFEF5, HASHES_AT))
    for index, (tag, at) in enumerate(tags):
        put(BASE + DYNAMIC_AT + 16 * index, "2Q", tag, at + shift)
    # one bucket, symbols from 1, one Bloom word
    put(BASE + HASHES_AT, "4IQI", 1, 1, 1, 0, 0, 1)
    text = 1
    for index, (name, value) in enumerate(exported.items()):
        put(BASE + STRINGS_AT + text, f"{len(name)}s", name.encode())
        at = BASE + SYMBOLS_AT + 24 * (index + 1)
        put(at, "I2BH2Q", text, 0, 0, section, LINKED_AT + value, 8)
        link = gnu_hash(name.encode()) & ~1 | (index == len(exported) - 1)
        put(BASE + HASHES_AT + 28 + 4 * index, "I", link)
        text += len(name) + 1
    return made


EXPORTED = {"other": 0x10, "_PyRuntime": 0x1800, "PyDict_Type": 0x1900}


@pytest.mark.parametrize("relocated", [True, False], ids=["glibc", "musl"])
def test_finds_what_is_exported(relocated: bool) -> None:
    made = image(EXPORTED, relocated=relocated)
    found = elf.symbols(Reader(made), BASE, NAMES)
    assert found == {"_PyRuntime": BASE + 0x1800, "PyDict_Type": BASE + 0x1900}
    assert elf.bias(Reader(made), BASE) == BASE - LINKED_AT


def test_what_is_imported_is_not_exported() -> None:
    assert elf.symbols(Reader(image(EXPORTED, section=0)), BASE, NAMES) == {}


def test_an_image_without_exports() -> None:
    made = image(EXPORTED)
    made.put(BASE + DYNAMIC_AT, "2Q", 0, 0)
    assert elf.symbols(Reader(made), BASE, NAMES) == {}


def test_a_chain_without_end_is_given_up() -> None:
    made = image(EXPORTED)
    made.data[HASHES_AT + 28 : HASHES_AT + 28 + 8000] = bytes(8000)
    with pytest.raises(InterpreterError):
        elf.symbols(Reader(made), BASE, NAMES)
    assert made.pieces < 2000


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 0xD00), st.integers(0, (1 << 64) - 1)), max_size=6),
    st.binary(max_size=64),
)
def test_any_change_gives_addresses_or_an_error(
    changes: list[tuple[int, int]], head: bytes
) -> None:
    made = image(EXPORTED)
    for at, value in changes:
        made.put(BASE + at, "Q", value)
    made.data[: len(head)] = head
    try:
        assert set(elf.symbols(Reader(made), BASE, NAMES)) <= set(NAMES)
    except InterpreterError:
        assert made.pieces <= MAX_PIECES


def file_with_section(name: bytes, address: int) -> bytes:
    head = struct.pack("<4s12B2HI2Q", b"\x7fELF", 2, 1, 1, *[0] * 9, 2, 62, 1, 0, 0)
    head += struct.pack("<QI6H", 256, 0, 64, 56, 0, 64, 3, 2)
    names = b"\0.text\0" + name + b"\0.shstrtab\0"
    rows = [(0, 0), (7, address), (len(name) + 8, 0)]
    table = b"".join(
        struct.pack("<2I4Q2I2Q", n, 1, 3, a, 128, len(names), 0, 0, 8, 0) for n, a in rows
    )
    return head.ljust(128, b"\0") + names.ljust(128, b"\0") + table


def test_a_section_by_its_name() -> None:
    data = file_with_section(b".PyRuntime", 0x1234)
    assert elf.section_address(MemorySource(data), ".PyRuntime") == 0x1234
    assert elf.section_address(MemorySource(data), ".absent") == 0


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 447), st.binary(min_size=1, max_size=40), st.integers(0, 448))
def test_a_damaged_file_is_refused_or_gives_a_number(at: int, raw: bytes, end: int) -> None:
    data = bytearray(file_with_section(b".PyRuntime", 0x1234))
    data[at : at + len(raw)] = raw
    with contextlib.suppress(FormatError):
        assert elf.section_address(MemorySource(bytes(data[:end])), ".PyRuntime") >= 0
