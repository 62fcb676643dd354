"""Protocol Buffers bytes for the few CRI messages the rig sends and reads: no generated code.

A message is a dict of field number -> value. Values are integers and booleans, strings, bytes,
nested messages, or a list of these for a repeated field; ``None`` leaves a field out.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Scalar: TypeAlias = bool | int | str | bytes
Value: TypeAlias = "Scalar | Message | Sequence[Scalar | Message] | None"
Message: TypeAlias = Mapping[int, Value]
Fields: TypeAlias = dict[int, list[int | bytes]]

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZE = {_FIXED64: 8, _FIXED32: 4}


def string_map(pairs: Mapping[str, str]) -> list[Message]:
    """Return ``pairs`` as the repeated key-value messages that a map field consists of."""
    return [{1: name, 2: value} for name, value in pairs.items()]


def encode(message: Message) -> bytes:
    """Return the bytes of ``message``, its fields in the order of their numbers."""
    return b"".join(_field(number, message[number]) for number in sorted(message))


def _field(number: int, value: Value) -> bytes:
    if value is None:
        return b""
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    if isinstance(value, str | bytes | Mapping):
        data = _bytes(value)
        return _varint(number << 3 | _LENGTH) + _varint(len(data)) + data
    return b"".join(_field(number, item) for item in value)


def _bytes(value: str | bytes | Message) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else encode(value)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative number is its 64-bit two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(data: bytes) -> Fields:
    """Return each field's values in the order they came: integers, or bytes of whatever length.

    Raises ValueError on bytes that end too early and on the group types, which proto3 has not.
    """
    fields: Fields = {}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        value, at = _read_value(data, at, tag & 7)
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _read_value(data: bytes, at: int, kind: int) -> tuple[int | bytes, int]:
    if kind == _VARINT:
        return _read_varint(data, at)
    if kind == _LENGTH:
        size, at = _read_varint(data, at)
    elif kind in _FIXED_SIZE:
        size = _FIXED_SIZE[kind]
    else:
        raise ValueError(f"wire type {kind} at byte {at}")
    if at + size > len(data):
        raise ValueError(f"a field of {size} bytes at byte {at} of {len(data)}")
    return data[at : at + size], at + size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number longer than ten bytes")


def text(fields: Fields, number: int) -> str:
    """Return the last string in field ``number``, or an empty one: proto3's default."""
    value = fields.get(number, [b""])[-1]
    return value.decode() if isinstance(value, bytes) else ""


def number_in(fields: Fields, number: int) -> int:
    """Return the last integer in field ``number``, or 0: proto3's default."""
    value = fields.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def messages(fields: Fields, number: int) -> list[Fields]:
    """Return the nested messages in field ``number``, decoded."""
    return [decode(value) for value in fields.get(number, []) if isinstance(value, bytes)]


def strings(fields: Fields, number: int) -> dict[str, str]:
    """Return the map<string, string> in field ``number``."""
    return {text(entry, 1): text(entry, 2) for entry in messages(fields, number)}
