"""Strings of CPython, many at a time."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aibom.formats.cpython.layouts import ObjectLayout
from aibom.formats.cpython.memory import Reader, Span, plausible, to_page_end

#: Longest string that is read, in bytes; PATH_MAX is as much.
MAX_STRING = 4096
# PyUnicode_1BYTE_KIND, 2BYTE and 4BYTE (Include/cpython/unicodeobject.h). Lone surrogates stand
# for bytes of a path that are no UTF-8.
_ENCODINGS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}
# Include/object.h: Py_TPFLAGS_UNICODE_SUBCLASS
_UNICODE_SUBCLASS = 1 << 28


class _Text(NamedTuple):
    """Where the characters of a string lie."""

    span: Span
    encoding: str


class Strings:
    """Decodes the str objects of one interpreter."""

    def __init__(self, reader: Reader, layout: ObjectLayout, str_type: int) -> None:
        """Decode instances of ``str_type`` and of its subclasses."""
        self._reader = reader
        self._layout = layout
        self._type = str_type
        self._subclasses: dict[int, bool] = {str_type: True}
        bits = layout.bits
        self._plain_mask = 7 << bits.kind | 1 << bits.compact | 1 << bits.ascii
        self._plain = 1 << bits.kind | 1 << bits.compact | 1 << bits.ascii
        gaps = (
            layout.ob_type,
            layout.length - layout.ob_type - 8,
            layout.state - layout.length - 8,
        )
        self._head = struct.Struct("<{}xQ{}xq{}xI".format(*gaps))

    def one(self, address: int) -> str | None:
        """Return the string at ``address``, None when there is none or it is too long."""
        return self.many((address,))[0]

    def many(self, addresses: Sequence[int], room: int = 88) -> list[str | None]:
        """Return the string at each address; see ``one``.

        Most are plain ASCII of up to ``room`` characters: these cost one piece of memory each.
        """
        size = self._layout.ascii + room
        spans = [Span(at, to_page_end(at, size) if plausible(at) else 0) for at in addresses]
        pieces = self._reader.read_many(spans)
        texts = [self._quick(piece) for piece in pieces]
        rest = [index for index, text in enumerate(texts) if text is None and spans[index].size]
        for index, text in zip(rest, self._slow([addresses[i] for i in rest]), strict=True):
            texts[index] = text
        return texts

    def _quick(self, piece: bytes) -> str | None:
        if len(piece) < self._head.size:
            return None
        kind, length, state = self._head.unpack_from(piece)
        start = self._layout.ascii
        if kind != self._type or state & self._plain_mask != self._plain:
            return None
        if not 0 <= length <= len(piece) - start:
            return None
        return _decode(piece[start : start + length], "ascii")

    def _slow(self, addresses: Sequence[int]) -> list[str | None]:
        # a PyUnicodeObject ends with the pointer to its characters
        size = self._layout.compact + 8
        heads = self._read_across_pages([Span(address, size) for address in addresses])
        places = [
            self._place(address, head) for address, head in zip(addresses, heads, strict=True)
        ]
        texts = self._reader.read_many([place.span for place in places if place])
        found = iter(texts)
        return [_decode(next(found), place.encoding) if place else None for place in places]

    def _read_across_pages(self, spans: Iterable[Span]) -> list[bytes]:
        """Read what may be cut off by the end of memory, as no string has a pointer behind it."""
        spans = list(spans)
        pieces = self._reader.read_many(spans)
        short = [
            Span(span.address, to_page_end(span.address, span.size))
            for span, piece in zip(spans, pieces, strict=True)
            if not piece
        ]
        again = iter(self._reader.read_many(short))
        return [piece or next(again) for piece in pieces]

    def _place(self, address: int, head: bytes) -> _Text | None:
        if len(head) < self._head.size:
            return None
        kind, length, state = self._head.unpack_from(head)
        bits = self._layout.bits
        width = state >> bits.kind & 7
        if width not in _ENCODINGS or not 0 < length * width <= MAX_STRING:
            return None
        if not self._is_str(kind):
            return None
        start = address + self._layout.compact
        if not state >> bits.compact & 1:
            if len(head) < self._layout.compact + 8:
                return None
            (start,) = struct.unpack_from("<Q", head, self._layout.compact)
        elif state >> bits.ascii & 1:
            start = address + self._layout.ascii
        return _Text(Span(start, length * width), _ENCODINGS[width])

    def _is_str(self, kind: int) -> bool:
        if kind not in self._subclasses:
            flags = b""
            if plausible(kind):
                (flags,) = self._reader.read_many((Span(kind + self._layout.tp_flags, 8),))
            self._subclasses[kind] = bool(int.from_bytes(flags, "little") & _UNICODE_SUBCLASS)
        return self._subclasses[kind]


def _decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding, "surrogatepass") if data else None
    except UnicodeDecodeError:
        return None
