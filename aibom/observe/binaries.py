"""What an ELF file says of itself: soname, the symbols it defines, the modules linked in."""

import io
import struct
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.hash import ELFHashTable

from aibom.formats.elfhash import GnuHash
from aibom.formats.packages import gobuildinfo
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.formats.text import printable
from aibom.types.facts import Package

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Largest dynamic string table that is searched, in bytes; libtorch_cpu.so has one of 20 MB.
MAX_STRINGS = 64 << 20
_CHUNK = 1 << 20
#: Largest Go build information that is read, in bytes; a thousand modules take about 100 KB.
MAX_BUILD_INFO = 4 << 20
#: Limits far above what linkers write, so that a lying header cannot keep us busy.
MAX_SEGMENTS = 256
MAX_STREAMED = 16 << 20
MAX_SECTIONS = 4096
MAX_DYNAMIC = 1 << 16
MAX_BUCKETS = 1 << 20
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
        dynamic = _dynamic(elf)
        soname = "" if dynamic is None else _soname(dynamic)
        symbols = frozenset[str]() if dynamic is None else _defined(elf, dynamic, source, wanted)
        # a shared library carries no build information of its own
        modules = () if soname else _go_modules(elf, source, path)
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


def _dynamic(elf: ELFFile) -> DynamicSegment | None:
    if elf.num_segments() > MAX_SEGMENTS:
        raise FormatError(f"{elf.num_segments()} program headers")
    if elf.num_sections() > MAX_SECTIONS:
        raise FormatError(f"{elf.num_sections()} sections")
    dynamic = next(elf.iter_segments("PT_DYNAMIC"), None)
    if not isinstance(dynamic, DynamicSegment):
        return None
    if dynamic.header.p_filesz > MAX_DYNAMIC:
        raise FormatError("dynamic segment too large")
    return dynamic


def _soname(dynamic: DynamicSegment) -> str:
    for tag in dynamic.iter_tags("DT_SONAME"):
        return printable(str(getattr(tag, "soname", "")), 500)
    return ""


def _defined(
    elf: ELFFile, dynamic: DynamicSegment, source: ByteSource, wanted: frozenset[str]
) -> frozenset[str]:
    """Return those of ``wanted`` that the file defines and exports itself."""
    _, start = dynamic.get_table_offset("DT_STRTAB")
    size = next((t.entry.d_val for t in dynamic.iter_tags("DT_STRSZ")), 0)
    if start is None or not wanted:
        return frozenset()
    named = _names_in(source, start, min(size, MAX_STRINGS), wanted)
    if not named:
        return frozenset()
    # the string table also names what is imported; the hash table holds what is exported
    _, hashes = dynamic.get_table_offset("DT_GNU_HASH")
    _, symbols = dynamic.get_table_offset("DT_SYMTAB")
    if hashes is not None and symbols is not None and elf.elfclass == 64 and elf.little_endian:
        gnu = GnuHash(source, hashes, symbols, start)
        return frozenset(name for name in named if gnu.exports(name))
    table = _sysv_table(elf, dynamic, source)
    return frozenset(name for name in named if table is not None and _exports(table, name))


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


def _sysv_table(elf: ELFFile, dynamic: DynamicSegment, source: ByteSource) -> ELFHashTable | None:
    _, offset = dynamic.get_table_offset("DT_HASH")
    if offset is None:
        return None
    # nbucket and nchain lead the table
    if max(struct.unpack("<2I", exactly(source, offset, 8, "hash table"))) > MAX_BUCKETS:
        raise FormatError("hash table too large")
    return ELFHashTable(elf, offset, None, dynamic)


def _exports(table: ELFHashTable, name: str) -> bool:
    symbol = table.get_symbol(name)
    return symbol is not None and symbol.entry.st_shndx != "SHN_UNDEF"


def _go_modules(elf: ELFFile, source: ByteSource, path: str) -> tuple[Package, ...]:
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
