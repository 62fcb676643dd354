"""Protocol Buffers on the wire: fields by number, without a schema and within bounds.

Source of every number here: https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator
from typing import NamedTuple

from aibom.formats.source import ByteSource, FormatError

# Wire types. The groups, 3 and 4, are deprecated, and neither ONNX nor CRI uses them: refused.
VARINT = 0
FIXED64 = 1
BYTES = 2  # length-delimited: string, bytes, message, packed repeated field
FIXED32 = 5

_FIXED_LENGTH = {FIXED64: 8, FIXED32: 4}
_MAX_FIELD_NUMBER = (1 << 29) - 1
_MAX_VARINT_LENGTH = 10  # 64 bits, 7 in each byte
_MAX_HEAD_LENGTH = 2 * _MAX_VARINT_LENGTH  # a tag and a length


class Span(NamedTuple):
    """Where the content of a length-delimited field lies in its source, in bytes."""

    offset: int
    length: int


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield (field number, wire type, value) for each field of the message ``data``.

    A value is bytes for a length-delimited field, else an unsigned number; see ``signed``.
    Raises FormatError when ``data`` is no message.
    """
    at = 0
    while at < len(data):
        number, wire, value, at = _head(data, at, len(data))
        if wire == BYTES:
            yield number, wire, data[at : at + value]
            at += value
        else:
            yield number, wire, value


def spans(source: ByteSource, offset: int, length: int) -> Iterator[tuple[int, int, int | Span]]:
    """Yield (field number, wire type, value) for the message at ``offset``, ``length`` bytes long.

    A length-delimited field gives a Span and is not read; the others give an unsigned number.
    Each field costs one small read: put a Paged source under it. Raises FormatError when these
    bytes are no message.
    """
    at, end = offset, offset + length
    while at < end:
        head = source.read(at, min(_MAX_HEAD_LENGTH, end - at))
        number, wire, value, used = _head(head, 0, end - at)
        at += used
        if wire == BYTES:
            yield number, wire, Span(at, value)
            at += value
        else:
            yield number, wire, value


def signed(value: int) -> int:
    """Return a varint's value as int32 and int64 fields mean it: two's complement of 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varints(data: bytes) -> Iterator[int]:
    """Yield the unsigned numbers of a packed repeated field; FormatError when it is none."""
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _head(data: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Return field number, wire type, number or content length, and the index that follows.

    ``end`` is where the message ends, counted as ``at`` is; it may lie beyond ``data``.
    """
    tag, at = _varint(data, at)
    number, wire = tag >> 3, tag & 7
    if not 1 <= number <= _MAX_FIELD_NUMBER:
        raise FormatError(f"field number {number}")
    if wire in (VARINT, BYTES):
        value, at = _varint(data, at)
        if wire == BYTES and value > end - at:
            raise FormatError("field longer than its message")
        return number, wire, value, at
    if wire not in _FIXED_LENGTH:
        raise FormatError(f"wire type {wire}")
    fixed = data[at : at + _FIXED_LENGTH[wire]]
    if len(fixed) < _FIXED_LENGTH[wire]:
        raise FormatError("truncated in a number")
    return number, wire, int.from_bytes(fixed, "little"), at + len(fixed)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the varint at index ``at`` of ``data`` and the index that follows it."""
    value = 0
    for position, byte in enumerate(data[at : at + _MAX_VARINT_LENGTH]):
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            if value >> 64:
                raise FormatError("number beyond 64 bits")
            return value, at + position + 1
    if len(data) - at < _MAX_VARINT_LENGTH:
        raise FormatError("truncated in a number")
    raise FormatError("number longer than 10 bytes")
