"""The GNU hash table of an ELF file: whether it defines and exports a symbol.

The table (section type SHT_GNU_HASH, tag DT_GNU_HASH) is described in the generic ABI's GNU
extensions: header of four words (nbuckets, symoffset, bloom_size, bloom_shift), the bloom filter,
the buckets, and one hash for each exported symbol, the last of a chain with its lowest bit set.
Only 64-bit little-endian files are read.
"""

import struct

from aibom.formats.source import ByteSource, exactly

_SYMBOL = 24  # sizeof(Elf64_Sym)
_BLOOM_WORD = 8
#: Most symbols of one chain that are compared; linkers keep chains at a handful.
MAX_CHAIN = 1024


class GnuHash:
    """Answers from the table where it lies: a lookup reads a few words."""

    def __init__(self, source: ByteSource, table: int, symbols: int, strings: int) -> None:
        """Take the file offsets of the hash table, the symbol table and the string table."""
        self._source = source
        self._symbols = symbols
        self._strings = strings
        head = exactly(source, table, 16, "hash table")
        self._nbuckets, self._first, bloom, _ = struct.unpack("<4I", head)
        self._buckets = table + 16 + bloom * _BLOOM_WORD
        self._chains = self._buckets + self._nbuckets * 4

    def exports(self, name: str) -> bool:
        """Say whether a symbol is in the table. Raises FormatError where the table is cut off."""
        if not self._nbuckets:
            return False
        wanted = _hash(name)
        index = self._word(self._buckets + wanted % self._nbuckets * 4)
        if index < self._first:
            return False
        for symbol in range(index, index + MAX_CHAIN):
            found = self._word(self._chains + (symbol - self._first) * 4)
            if found | 1 == wanted | 1 and self._is_named(symbol, name):
                return True
            if found & 1:
                break
        return False

    def _is_named(self, symbol: int, name: str) -> bool:
        entry = self._symbols + symbol * _SYMBOL
        # Elf64_Sym: st_name at 0, st_shndx at 6, where 0 is an undefined symbol
        offset, section = struct.unpack("<I2xH", exactly(self._source, entry, 8, "symbol table"))
        if not section:
            return False
        wanted = name.encode() + b"\0"
        return self._source.read(self._strings + offset, len(wanted)) == wanted

    def _word(self, offset: int) -> int:
        return int(struct.unpack("<I", exactly(self._source, offset, 4, "hash table"))[0])


def _hash(name: str) -> int:
    """Return the hash of a name: Bernstein's, from 5381, in 32 bits."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value
