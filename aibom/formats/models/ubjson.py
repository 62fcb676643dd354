"""UBJSON, the binary JSON of XGBoost: one value out of a piece of a document.

Source: draft 12 of the specification (https://ubjson.org); numbers are big-endian.
"""

import struct
from typing import Any

from aibom.formats.source import FormatError

_NUMBERS = {
    code: struct.Struct(">" + form)
    for code, form in {
        b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"
    }.items()
}  # fmt: skip
_COUNTS = (b"i", b"U", b"I", b"l", b"L")
_CONSTANTS = {b"T": True, b"F": False, b"Z": None, b"N": None}
_MAX_DEPTH = 32


def key(name: bytes) -> bytes:
    """Return how XGBoost writes an object's key: its length is always an int64."""
    return b"L" + len(name).to_bytes(8, "big") + name


def value(data: bytes, position: int) -> Any:
    """Return the value at ``position``; FormatError when it is broken or not whole in ``data``."""
    return _Reader(data, position).value(_MAX_DEPTH)


class _Reader:
    """A position in the bytes that only moves forward."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._at = position

    def value(self, depth: int, code: bytes = b"") -> Any:
        """Read the value at the position; its type's ``code`` first, where it is not known."""
        code = code or self._take(1)
        if depth == 0:
            raise FormatError("too deeply nested")
        if code == b"{":
            return self._object(depth - 1)
        if code == b"[":
            return self._array(depth - 1)
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            form = _NUMBERS[code]
            return form.unpack(self._take(form.size))[0]
        if code in (b"S", b"H"):
            return self._text()
        if code == b"C":
            return self._take(1).decode("latin-1")
        raise FormatError("unknown type in UBJSON")

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._optimised()
        result: dict[str, Any] = {}
        while count is None or len(result) < count:
            if count is None and self._closed(b"}"):
                break
            name = self._text()
            if name in result:
                raise FormatError("duplicate key")
            result[name] = self.value(depth, kind)
        return result

    def _array(self, depth: int) -> list[Any]:
        kind, count = self._optimised()
        result: list[Any] = []
        while count is None or len(result) < count:
            if count is None and self._closed(b"]"):
                break
            result.append(self.value(depth, kind))
        return result

    def _optimised(self) -> tuple[bytes, int | None]:
        """Read a container's type and count, where it has them; each may be missing."""
        kind = self._take(1) if self._closed(b"$") else b""
        if not self._closed(b"#"):
            return b"", None
        count = self._count()
        if count > len(self._data) - self._at:  # also of types that take no byte at all
            raise FormatError("more items than bytes")
        return kind, count

    def _text(self) -> str:
        return self._take(self._count()).decode("utf-8", "replace")

    def _count(self) -> int:
        code = self._take(1)
        if code not in _COUNTS:
            raise FormatError("length is no whole number")
        length: int = _NUMBERS[code].unpack(self._take(_NUMBERS[code].size))[0]
        if length < 0:
            raise FormatError("negative length")
        return length

    def _closed(self, mark: bytes) -> bool:
        """Move over ``mark`` and say so, if it comes next."""
        found = self._data[self._at : self._at + 1] == mark
        self._at += found
        return found

    def _take(self, length: int) -> bytes:
        part = self._data[self._at : self._at + length]
        if len(part) < length:
            raise FormatError("truncated in UBJSON")
        self._at += length
        return part
