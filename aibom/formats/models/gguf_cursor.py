"""Forward reading of a GGUF header in chunks."""

import struct
from typing import Any, Literal

from aibom.formats.source import ByteSource, FormatError

ByteOrder = Literal["<", ">"]

# Bytes read at a time, and so the most that is ever read beyond the header.
CHUNK = 64 << 10

# Bytes read in all: less than a second of CPU. A vocabulary of 262,144 tokens and twice as many
# merges takes 13 MB; the reference, ggml's gguf.cpp, takes strings and arrays of 1 GiB.
MAX_HEADER = 64 << 20


class Cursor:
    """A position in a GGUF file that moves forward only. All offsets are bytes in the file."""

    def __init__(self, source: ByteSource, order: ByteOrder, version: int) -> None:
        """Start at the beginning of ``source``, whose numbers are in byte order ``order``.

        Version 1 wrote counts, lengths and dimensions in 32 bits, later ones in 64.
        """
        self.position = 0
        self.count_code = "I" if version == 1 else "Q"
        self._order = order
        self._count = struct.Struct(order + self.count_code)
        self._source = source
        self._read = 0
        self._chunk = b""
        self._chunk_start = 0

    @property
    def left(self) -> int:
        """Bytes between the position and the end of the file."""
        return self._source.size - self.position

    def unpack(self, codes: str) -> tuple[Any, ...]:
        """Read the numbers that the struct format characters ``codes`` name."""
        form = self._order + codes
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def count(self, unit: int) -> int:
        """Read a count of things that take ``unit`` bytes each at least, and check that they fit.

        With a unit of 1 this is the length of a string.
        """
        count: int = self.unpack(self.count_code)[0]
        if count * unit > self.left:
            raise FormatError("count or length beyond the file")
        return count

    def take(self, length: int) -> bytes:
        """Read ``length`` bytes; the caller bounds it."""
        start = self._need(length)
        self.position += length
        return self._chunk[start : start + length]

    def skip(self, length: int) -> None:
        """Move over ``length`` bytes without reading them."""
        if length > self.left:
            raise FormatError("value beyond the file")
        self.position += length

    def string(self, limit: int) -> bytes:
        """Read a string, at most ``limit`` bytes of it, and move over the rest."""
        length = self.count(1)
        kept = self.take(min(length, limit))
        self.skip(length - len(kept))
        return kept

    def skip_strings(self, count: int) -> None:
        """Move over ``count`` strings: a vocabulary has hundreds of thousands of them."""
        width, length_at = self._count.size, self._count.unpack_from
        while count:
            at = self._need(width)
            chunk, start, last = self._chunk, self._chunk_start, len(self._chunk) - width
            while count and at <= last:
                at += width + length_at(chunk, at)[0]
                count -= 1
            self.skip(start + at - self.position)

    def _need(self, length: int) -> int:
        """Make sure that the chunk holds the next ``length`` bytes; return their index in it."""
        start = self.position - self._chunk_start
        if start + length <= len(self._chunk):
            return start
        if length > self.left:
            raise FormatError("truncated in the header")
        self._chunk = self._source.read(self.position, max(length, CHUNK))
        self._chunk_start = self.position
        self._read += len(self._chunk)
        if self._read > MAX_HEADER:
            raise FormatError("header larger than 64 MiB")
        if len(self._chunk) < length:
            raise FormatError("truncated in the header")
        return 0
