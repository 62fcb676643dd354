"""Where a probe goes in an ELF file: as pyelftools finds it, and never misled by a broken one."""

import shutil
import struct
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.source import FormatError, MemorySource
from aibom.observe.events.tracefs import function_offset

PROGRAM = Path(sys.executable).resolve().read_bytes()


def sections_say(path: Path, name: str) -> int | None:
    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = elf.get_section_by_name(".dynsym").get_symbol_by_name(name) or []
        for symbol in symbols:
            if symbol["st_shndx"] != "SHN_UNDEF":
                return int(next(elf.address_offsets(symbol["st_value"])))
    return None


@pytest.mark.parametrize("name", ["main", "Py_BytesMain", "PyObject_Repr", "write", "none"])
def test_offsets_are_those_of_the_sections(name: str) -> None:
    path = Path(sys.executable).resolve()
    assert function_offset(MemorySource(path.read_bytes()), name) == sections_say(path, name)


@pytest.mark.parametrize("program", ["bash", "perl", "node"])
def test_other_programs(program: str) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    path = Path(found).resolve()
    for name in ("SSL_write", "main", "malloc", "Perl_newSV"):
        assert function_offset(MemorySource(path.read_bytes()), name) == sections_say(path, name)


def test_data_is_no_place_for_a_probe() -> None:
    assert function_offset(MemorySource(PROGRAM), "PyLong_Type") is None


def harmless(data: bytes) -> None:
    source = MemorySource(data, budget=1 << 20)
    try:
        found = function_offset(source, "Py_BytesMain")
    except FormatError:
        return
    assert found is None or found >= 0


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    harmless(data)
    harmless(b"\x7fELF\x02\x01" + data)


@given(st.integers(0, 1200), st.binary(min_size=1, max_size=8))
def test_headers_that_lie(at: int, lie: bytes) -> None:
    harmless(PROGRAM[:at] + lie + PROGRAM[at + len(lie) :])


@given(st.integers(0, 1 << 64).filter(lambda value: value < 1 << 64))
def test_a_dynamic_section_anywhere(address: int) -> None:
    header = PROGRAM[:64]
    (begin,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<2H", header, 54)
    changed = bytearray(PROGRAM)
    for at in range(begin, begin + size * count, size):
        (kind,) = struct.unpack_from("<I", changed, at)
        if kind == 2:
            struct.pack_into("<Q", changed, at + 8, address)
    harmless(bytes(changed))
