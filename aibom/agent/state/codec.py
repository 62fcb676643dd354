"""Frozen values as bytes that a database keeps, and back."""

import json
import math
import zlib
from typing import TypeVar

import msgspec

T = TypeVar("T")

#: Longest document that is read back, in bytes: a damaged one must not fill the memory.
MAX_BYTES = 64 * 2**20
_PACK_FROM = 1024
_PLAIN, _PACKED = b"j", b"z"


class StoredError(Exception):
    """What is stored is not what this version of aibom stores."""


def text_of(raw: object) -> str:
    """Return a text that ``bytes_of`` made bytes of. Raises StoredError."""
    if not isinstance(raw, bytes):
        raise StoredError("no text where one should be")
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise StoredError(str(error)) from None


def number_of(value: object) -> float:
    """Return a number that a database has. Raises StoredError."""
    if not isinstance(value, float | int) or not math.isfinite(value):
        raise StoredError("no number where one should be")
    return value


def bytes_of(text: str) -> bytes:
    """Return any text as bytes, also one with bytes that are no UTF-8 (held as surrogates)."""
    return text.encode("utf-8", "surrogatepass")


def packed(value: object) -> bytes:
    """Return a value as JSON, compressed where that is worth it."""
    try:
        document = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # paths that are no UTF-8 are held with surrogates, which JSON can only escape
        document = json.dumps(msgspec.to_builtins(value)).encode()
    if len(document) < _PACK_FROM:
        return _PLAIN + document
    return _PACKED + zlib.compress(document, 1)


def unpacked(raw: object, of: type[T]) -> T:
    """Return the value of type ``of`` that ``packed`` made ``raw`` of. Raises StoredError."""
    document = _inflated(raw)
    try:
        try:
            return msgspec.json.decode(document, type=of)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if isinstance(error, msgspec.ValidationError):
                raise
            return msgspec.convert(json.loads(document), type=of)
    except (ValueError, RecursionError) as error:  # msgspec.ValidationError is a ValueError
        raise StoredError(f"{of.__name__}: {error}") from None


def _inflated(raw: object) -> bytes:
    if not isinstance(raw, bytes):
        raise StoredError("no document where one should be")
    if raw[:1] == _PLAIN:
        return raw[1:]
    reader = zlib.decompressobj()
    try:
        document = reader.decompress(raw[1:], MAX_BYTES)
    except zlib.error as error:
        raise StoredError(str(error)) from None
    if raw[:1] != _PACKED or not reader.eof:
        raise StoredError("cut off, or too large")
    return document
