"""The smallest ELF files that say who they are."""

import struct

_CODE = b"\0" * 16
# Elf64_Ehdr, Elf64_Phdr and Elf64_Dyn of the System V ABI, chapters 4 and 5
_HEADER, _SEGMENT, _TAG = "<16sHHIQQQIHHHHHH", "<IIQQQQQQ", "<qQ"
_LOAD, _DYNAMIC = 1, 2
_NULL, _STRTAB, _STRSZ, _SONAME = 0, 5, 10, 14


def library(soname: str) -> bytes:
    """Return a shared library for x86-64 that holds nothing but its name."""
    strings = b"\0" + soname.encode() + b"\0"
    tags = 4 * struct.calcsize(_TAG)
    at = struct.calcsize(_HEADER) + 2 * struct.calcsize(_SEGMENT)
    size = at + tags + len(strings) + len(_CODE)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    start, segment = struct.calcsize(_HEADER), struct.calcsize(_SEGMENT)
    header = struct.pack(_HEADER, identity, 3, 62, 1, 0, start, 0, 0, start, segment, 2, 64, 0, 0)
    load = struct.pack(_SEGMENT, _LOAD, 5, 0, 0, 0, size, size, 4096)
    dynamic = struct.pack(_SEGMENT, _DYNAMIC, 4, at, at, at, tags, tags, 8)
    entries = ((_STRTAB, at + tags), (_STRSZ, len(strings)), (_SONAME, 1), (_NULL, 0))
    section = b"".join(struct.pack(_TAG, *entry) for entry in entries)
    return header + load + dynamic + section + strings + _CODE
