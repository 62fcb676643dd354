"""What an ELF file says of itself: soname, the symbols it defines, the modules linked in."""

import io
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.construct import ConstructError
from elftools.construct.lib.container import Container
from elftools.elf.elffile import ELFFile

from aibom.formats.elfhash import GnuHash
from aibom.formats.packages import gobuildinfo
from aibom.formats.source import ByteSource, FormatError
from aibom.formats.text import printable
from aibom.types.packages import Package

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Largest dynamic string table that is searched, in bytes; libtorch_cpu.so has one of 20 MB.
MAX_STRINGS = 64 << 20
_CHUNK = 1 << 20
# <elf.h>, DF_1_PIE: a program that may be loaded anywhere, also one without an interpreter
_DF_1_PIE = 0x08000000
#: Largest Go build information that is read, in bytes; a thousand modules take about 100 KB.
MAX_BUILD_INFO = 4 << 20
#: Limits far above what linkers write, so that a lying header cannot keep us busy.
MAX_SEGMENTS = 256
MAX_STREAMED = 16 << 20
MAX_SECTIONS = 4096
MAX_DYNAMIC = 1 << 16
MAX_NAME = 500
#: e_ident[EI_MAG0..3] of the ELF specification.
MAGIC = b"\x7fELF"


class BinaryFacts:
    """The part of a Binary that its content decides, good for every process that maps it."""

    __slots__ = ("modules", "soname", "symbols")

    def __init__(
        self,
        soname: str = "",
        symbols: frozenset[str] = frozenset(),
        modules: tuple[Package, ...] = (),
    ) -> None:
        """Hold what was read; see aibom.types.facts.Binary."""
        self.soname = soname
        self.symbols = symbols
        self.modules = modules


def read_binary(source: ByteSource, wanted: frozenset[str], path: str) -> BinaryFacts:
    """Return the facts of an ELF file; ``wanted`` are the symbols to look for.

    Nothing of the file is executed or mapped. Raises FormatError for a file that is cut off or
    lies.
    """
    try:
        elf = ELFFile(io.BufferedReader(_SourceStream(source), 1 << 14))
        headers = _program_headers(elf)
        dynamic = _Dynamic.of(elf, headers)
        soname = "" if dynamic is None else _soname(dynamic, source)
        symbols = frozenset[str]() if dynamic is None else _defined(elf, dynamic, source, wanted)
        modules = _go_modules(elf, source, path) if _is_program(headers, dynamic) else ()
    except _BROKEN as error:
        raise FormatError(f"broken ELF file ({type(error).__name__})") from error
    return BinaryFacts(soname, symbols, modules)


# what pyelftools lets through when a header lies
_BROKEN = (
    ELFError,
    ConstructError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    RecursionError,
)


def _program_headers(elf: ELFFile) -> list[Container]:
    if elf["e_phnum"] > MAX_SEGMENTS:
        raise FormatError(f"{elf['e_phnum']} program headers")
    start, size = elf["e_phoff"], elf["e_phentsize"]
    return [
        struct_parse(elf.structs.Elf_Phdr, elf.stream, start + number * size)
        for number in range(elf["e_phnum"])
    ]


def _is_program(headers: list[Container], dynamic: "_Dynamic | None") -> bool:
    """Tell what can be started from a shared library, which carries no build information."""
    if dynamic is None or any(header.p_type == "PT_INTERP" for header in headers):
        return True
    return bool((dynamic.value("DT_FLAGS_1") or 0) & _DF_1_PIE)


class _Dynamic:
    """The dynamic section of an ELF file: its tags, and where its tables lie in the file.

    pyelftools' own DynamicSegment reads every section and the whole hash table first, which a
    lying header can make as large as it likes.
    """

    def __init__(self, tags: dict[str, int], loads: list[tuple[int, int, int]]) -> None:
        """Take the first value of each tag, and (address, offset, size) of what is loaded."""
        self._tags = tags
        self._loads = loads

    @classmethod
    def of(cls, elf: ELFFile, headers: list[Container]) -> "_Dynamic | None":
        """Return the dynamic section, or None where there is none (a static program)."""
        loads = [(h.p_vaddr, h.p_offset, h.p_filesz) for h in headers if h.p_type == "PT_LOAD"]
        for header in headers:
            if header.p_type == "PT_DYNAMIC":
                return cls(_tags(elf, header.p_offset, header.p_filesz), loads)
        return None

    def value(self, tag: str) -> int | None:
        """Return a tag's value, or None when it is not there."""
        return self._tags.get(tag)

    def offset(self, tag: str) -> int | None:
        """Return where in the file the table lies whose address a tag gives."""
        address = self._tags.get(tag)
        if address is None:
            return None
        for start, offset, size in self._loads:
            if start <= address < start + size:
                return address - start + offset
        return None


def _tags(elf: ELFFile, offset: int, size: int) -> dict[str, int]:
    if size > MAX_DYNAMIC:
        raise FormatError("dynamic segment too large")
    tags: dict[str, int] = {}
    entry = elf.structs.Elf_Dyn.sizeof()
    for at in range(offset, offset + size, entry):
        found = struct_parse(elf.structs.Elf_Dyn, elf.stream, at)
        if found.d_tag == "DT_NULL":
            break
        tags.setdefault(str(found.d_tag), found.d_val)
    return tags


def _soname(dynamic: _Dynamic, source: ByteSource) -> str:
    strings, at = dynamic.offset("DT_STRTAB"), dynamic.value("DT_SONAME")
    if strings is None or at is None:
        return ""
    name = source.read(strings + at, MAX_NAME).partition(b"\0")[0]
    return printable(name.decode("utf-8", "replace"), MAX_NAME)


def _defined(
    elf: ELFFile, dynamic: _Dynamic, source: ByteSource, wanted: frozenset[str]
) -> frozenset[str]:
    """Return those of ``wanted`` that the file defines and exports itself."""
    start, size = dynamic.offset("DT_STRTAB"), dynamic.value("DT_STRSZ") or 0
    hashes, symbols = dynamic.offset("DT_GNU_HASH"), dynamic.offset("DT_SYMTAB")
    if start is None or hashes is None or symbols is None or not wanted:
        return frozenset()
    if elf.elfclass != 64 or not elf.little_endian:
        return frozenset()
    named = _names_in(source, start, min(size, MAX_STRINGS), wanted)
    if not named:
        return frozenset()
    # the string table also names what is imported; the hash table holds what is exported
    table = GnuHash(source, hashes, symbols, start)
    return frozenset(name for name in named if table.exports(name))


def _names_in(source: ByteSource, start: int, size: int, wanted: frozenset[str]) -> set[str]:
    # a linker lets "malloc" be the tail of "__libc_malloc", so no NUL need stand before it
    needles = {name: name.encode() + b"\0" for name in wanted}
    overlap = max(map(len, needles.values()))
    found = set()
    for offset in range(0, size, _CHUNK):
        length = min(_CHUNK + overlap, size - offset)
        strings = source.read(start + offset, length)
        found |= {name for name, needle in needles.items() if needle in strings}
    return found


def _go_modules(elf: ELFFile, source: ByteSource, path: str) -> tuple[Package, ...]:
    if elf.num_sections() > MAX_SECTIONS:
        raise FormatError(f"{elf.num_sections()} sections")
    section = elf.get_section_by_name(".go.buildinfo")
    if section is None:
        return ()
    size = min(section["sh_size"], MAX_BUILD_INFO)
    return gobuildinfo.parse(source.read(section["sh_offset"], size), path)


class _SourceStream(io.RawIOBase):
    """A ByteSource as the seekable stream that pyelftools reads."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0
        self._left = MAX_STREAMED

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read(self._position, len(view))
        self._left -= len(data)
        if self._left < 0:
            raise FormatError("more headers than any linker writes")
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
