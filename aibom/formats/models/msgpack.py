"""MessagePack, with long byte strings left where they are.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md; numbers are big-endian.
"""

import struct
from typing import Any

from aibom.formats.protobuf import Span
from aibom.formats.source import ByteSource, FormatError, exactly

_LONG = 1024  # bytes: a longer string is data and is not read
_MAX_VALUES = 100_000  # half a second
_MAX_DEPTH = 32
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {0xCA + number: struct.Struct(">" + form) for number, form in enumerate("fdBHIQbhiq")}
# how many bytes hold the length of a value, by the code before it
_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_TEXTS = (0xD9, 0xDA, 0xDB)
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


class Reader:
    """Reads the value at the start of ``source``; put a Paged source under it."""

    def __init__(self, source: ByteSource) -> None:
        """Begin at the first byte."""
        self._source = source
        self._at = 0
        self._left = _MAX_VALUES

    def value(self, depth: int = _MAX_DEPTH) -> Any:
        """Return the next value. Text is str; bytes are bytes, or a Span where they are long.

        A map's keys are str, whether they were written as text or as bytes. Raises FormatError
        when the value is cut off, of an extension type, too deep, or beyond our caps.
        """
        self._left -= 1
        if self._left < 0 or depth == 0:
            raise FormatError("too many values")
        code = self._take(1)[0]
        if code < 0x80 or code >= 0xE0:  # fixints
            return code if code < 0x80 else code - 0x100
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            return _NUMBERS[code].unpack(self._take(_NUMBERS[code].size))[0]
        if code in _BYTES or 0xA0 <= code < 0xC0:
            return self._string(code)
        if code in _ARRAYS or 0x90 <= code < 0xA0:
            return [self.value(depth - 1) for _ in range(self._count(code, _ARRAYS, 0x0F, 1))]
        if code in _MAPS or 0x80 <= code < 0x90:
            return self._map(code, depth - 1)
        raise FormatError(f"type 0x{code:02x} in MessagePack")

    @property
    def position(self) -> int:
        """The offset behind the last value read."""
        return self._at

    def _map(self, code: int, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for _ in range(self._count(code, _MAPS, 0x0F, 2)):
            name = self.value(depth)
            if isinstance(name, bytes):
                name = name.decode("utf-8", "replace")
            if not isinstance(name, str) or name in result:
                raise FormatError("map with such a key")
            result[name] = self.value(depth)
        return result

    def _string(self, code: int) -> str | bytes | Span:
        length = self._count(code, _BYTES, 0x1F, 1)
        if length > _LONG:
            self._at += length
            return Span(self._at - length, length)
        data = self._take(length)
        return data.decode("utf-8", "replace") if code in _TEXTS or code < 0xC0 else data

    def _count(self, code: int, widths: dict[int, int], mask: int, unit: int) -> int:
        """Return how many things follow, of ``unit`` bytes each at least."""
        width = widths.get(code)
        count = code & mask if width is None else int.from_bytes(self._take(width), "big")
        if count * unit > self._source.size - self._at:
            raise FormatError("length beyond the file")
        return count

    def _take(self, length: int) -> bytes:
        data = exactly(self._source, self._at, length, "MessagePack")
        self._at += length
        return data
