"""USearch indexes, as ``save`` lays them down (usearch, docs/format.md, version 2).

A matrix of all vectors, whose two sides come first, precedes the index, whose head begins
"usearch"; an index may be saved without the matrix.
"""

import struct
from collections.abc import Iterator

from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader

_MAGIC = b"usearch"
# magic, version of three numbers, four kinds, and the counts of vectors present and deleted
_HEAD = struct.Struct("<7s3H4BQQQ")


def recognise(head: bytes, size: int) -> bool:
    """Tell whether the sides of a matrix leave room for an index behind it."""
    return any(
        head.startswith(_MAGIC, place) or len(head) <= place <= size - _HEAD.size
        for place in _places(head)
    )


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of an index, or None for any other file."""
    for place in _places(source.read(0, 16)):
        head = source.read(place, _HEAD.size) if place + _HEAD.size <= source.size else b""
        if len(head) == _HEAD.size and head.startswith(_MAGIC):
            _, *version, _, _, _, _, present, _, dimensions = _HEAD.unpack(head)
            return ModelHeader(
                format="usearch-index",
                format_version=".".join(map(str, version)),
                properties=(("dimensions", str(dimensions)), ("vectors", str(present))),
            )
    return None


def _places(head: bytes) -> Iterator[int]:
    """Yield where the index may begin: the sides of the matrix have 32 or 64 bits each."""
    yield 0
    for form in ("<II", "<QQ"):
        length = struct.calcsize(form)
        if len(head) >= length:
            rows, columns = struct.unpack(form, head[:length])
            if rows and columns:
                yield length + rows * columns
