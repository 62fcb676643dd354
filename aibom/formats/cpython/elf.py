"""Symbols of an ELF image: from the process's memory, or a section's address from its file.

Memory needs no file to be opened, so deleted binaries and other mount namespaces are no
exception. Numbers are those of the System V ABI's ELF-64 and of <elf.h>; little-endian only.
"""

import struct
from typing import NamedTuple

from aibom.formats.cpython.memory import InterpreterError, Reader, Span
from aibom.formats.source import ByteSource, FormatError, exactly

_HEADER_SIZE = 64
_SEGMENT_SIZE = 56
_SECTION_SIZE = 64
_SYMBOL_SIZE = 24
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_STRTAB, _DT_SYMTAB, _DT_GNU_HASH = 5, 6, 0x6FFFFEF5
_PAGE = 4096
#: Limits far above what linkers write, so that a lying header cannot keep us busy.
_MAX_SEGMENTS = 64
_MAX_DYNAMIC = 1 << 13
_MAX_CHAIN = 1 << 10
_MAX_SECTIONS = 1 << 10
_MAX_NAMES = 1 << 16


class _Tables(NamedTuple):
    bias: int
    symbols: int
    strings: int
    hashes: int


def symbols(reader: Reader, base: int, names: tuple[str, ...]) -> dict[str, int]:
    """Return the addresses of those ``names`` that the image mapped at ``base`` exports.

    An image without a hash table of exported symbols gives none. Raises InterpreterError for
    an image that is damaged or no ELF file.
    """
    tables = _tables(reader, base)
    if tables is None:
        return {}
    found = {}
    for name in names:
        address = _look_up(reader, tables, name.encode())
        if address is None:
            break
        found[name] = address
    return found


def bias(reader: Reader, base: int) -> int:
    """Return what to add to the addresses in the file of the image mapped at ``base``."""
    return _bias(_segments(reader, base), base)


def _segments(reader: Reader, base: int) -> list[tuple[int, ...]]:
    header = reader.read(base, _HEADER_SIZE)
    # e_ident: magic, ELFCLASS64, ELFDATA2LSB
    if header[:6] != b"\x7fELF\x02\x01":
        raise InterpreterError("no 64-bit little-endian ELF image")
    (offset,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<2H", header, 54)
    if size != _SEGMENT_SIZE or count > _MAX_SEGMENTS or offset > _PAGE:
        raise InterpreterError("strange program headers")
    table = reader.read(base + offset, size * count)
    return list(struct.iter_unpack("<2I6Q", table)) if table else []


def _bias(segments: list[tuple[int, ...]], base: int) -> int:
    for kind, _, offset, address, *_ in segments:
        if kind == _PT_LOAD and offset < _PAGE:
            return base - (address - offset)
    raise InterpreterError("no segment begins the file")


def _tables(reader: Reader, base: int) -> _Tables | None:
    segments = _segments(reader, base)
    shift = _bias(segments, base)
    for kind, _, _, address, _, _, size, _ in segments:
        if kind == _PT_DYNAMIC:
            raw = reader.read(address + shift, min(size, _MAX_DYNAMIC) & ~15)
            tags = dict(struct.iter_unpack("<2Q", raw))
            wanted = [tags.get(tag, 0) for tag in (_DT_SYMTAB, _DT_STRTAB, _DT_GNU_HASH)]
            if all(wanted):
                # glibc has relocated these pointers in place, musl has not
                return _Tables(shift, *[at if at >= base else at + shift for at in wanted])
    return None


def _look_up(reader: Reader, tables: _Tables, name: bytes) -> int | None:
    """Return the address of an exported symbol by DT_GNU_HASH."""
    digest = 5381
    for byte in name:
        digest = (digest * 33 + byte) & 0xFFFFFFFF
    head = reader.read(tables.hashes, 16)
    buckets, first, blooms, _ = struct.unpack("<4I", head)
    if not buckets:
        return None
    chains = tables.hashes + 16 + 8 * blooms + 4 * buckets
    at = chains - 4 * buckets + 4 * (digest % buckets)
    index = int.from_bytes(reader.read(at, 4), "little")
    if index < first:
        return None
    for step in range(index, index + _MAX_CHAIN):
        link = int.from_bytes(reader.read(chains + 4 * (step - first), 4), "little")
        # the lowest bit marks the end of a chain
        if link | 1 == digest | 1:
            address = _symbol(reader, tables, step, name)
            if address is not None:
                return address
        if link & 1:
            return None
    raise InterpreterError("symbol table without end")


def _symbol(reader: Reader, tables: _Tables, index: int, name: bytes) -> int | None:
    raw = reader.read(tables.symbols + _SYMBOL_SIZE * index, _SYMBOL_SIZE)
    text, _, _, section, value, _ = struct.unpack("<I2BH2Q", raw)
    (found,) = reader.read_many((Span(tables.strings + text, len(name) + 1),))
    # section 0 is SHN_UNDEF: imported, not defined here
    return value + tables.bias if section and found == name + b"\0" else None


def section_address(source: ByteSource, name: str) -> int:
    """Return the address that an ELF file gives to a section, 0 when it has none of that name.

    Raises FormatError for a file that is cut off or lies.
    """
    header = exactly(source, 0, _HEADER_SIZE, "ELF header")
    if header[:6] != b"\x7fELF\x02\x01":
        raise FormatError("no 64-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<Q", header, 40)
    size, count, names_index = struct.unpack_from("<3H", header, 58)
    if not count:
        return 0
    if size != _SECTION_SIZE or count > _MAX_SECTIONS or names_index >= count:
        raise FormatError("strange section headers")
    table = exactly(source, offset, size * count, "section headers")
    # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, ...
    sections = list(struct.iter_unpack("<2I4Q2I2Q", table))
    _, _, _, _, start, length, *_ = sections[names_index]
    names = exactly(source, start, min(length, _MAX_NAMES), "section names")
    wanted = name.encode() + b"\0"
    for text, _, _, address, *_ in sections:
        if names.startswith(wanted, text):
            return int(address)
    return 0
