"""FlatBuffers: tables, vectors and strings by offset, each checked against the file.

Source: "FlatBuffer Internals" in the flatbuffers documentation. All numbers are little-endian.
"""

from collections.abc import Iterator

from aibom.formats.models.header import BYTES_PER_CHARACTER, TEXT_LIMIT, text
from aibom.formats.source import ByteSource, FormatError, exactly

_VTABLE_HEAD = 4  # bytes: the vtable's own length, the table's length
_VTABLE_READ = 128  # bytes of a vtable that are read: 62 fields, more than any table we ask has
_OFFSET = 4  # bytes of a uoffset_t, a soffset_t and a vector's length


class Table:
    """A table at ``position``, in bytes from the start of the file.

    Fields are known by their index in the schema, from 0. Every method raises FormatError when
    what it looks for lies outside the file.
    """

    def __init__(self, source: ByteSource, position: int) -> None:
        """Find the table's vtable."""
        self._source = source
        self._position = position
        vtable = position - _number(source, position, _OFFSET, signed=True)
        length = _number(source, vtable, 2)
        if length < _VTABLE_HEAD:
            raise FormatError("broken table")
        self._vtable = _bytes(source, vtable, min(length, _VTABLE_READ))

    def has(self, index: int) -> bool:
        """Tell whether the table has the field."""
        return self._field(index) != 0

    def number(self, index: int, width: int) -> int:
        """Return the unsigned number of ``width`` bytes in a field; 0, its default, if absent."""
        at = self._field(index)
        return _number(self._source, at, width) if at else 0

    def text(self, index: int) -> str | None:
        """Return a string field, fit to be shown; None when it is absent or empty."""
        at, length = self.vector(index, 1)
        limit = TEXT_LIMIT * BYTES_PER_CHARACTER
        return text(_bytes(self._source, at, min(length, limit)))

    def vector(self, index: int, width: int) -> tuple[int, int]:
        """Return where a vector's items begin and how many there are; (0, 0) when it is absent.

        Each takes ``width`` bytes, and all of them lie within the file.
        """
        at = self._field(index)
        if not at:
            return 0, 0
        at += _number(self._source, at, _OFFSET)
        length = _number(self._source, at, _OFFSET)
        if length * width > self._source.size - at - _OFFSET:
            raise FormatError("vector beyond the file")
        return at + _OFFSET, length

    def numbers(self, index: int, limit: int) -> tuple[int, ...]:
        """Return a vector of int; FormatError when it has more than ``limit`` items."""
        at, length = self.vector(index, 4)
        if length > limit:
            raise FormatError("vector too long")
        data = _bytes(self._source, at, 4 * length)
        return tuple(
            int.from_bytes(data[i : i + 4], "little", signed=True) for i in range(0, len(data), 4)
        )

    def data(self, index: int, limit: int) -> bytes:
        """Return the first ``limit`` bytes, at most, of a string or a vector of bytes."""
        at, length = self.vector(index, 1)
        return _bytes(self._source, at, min(length, limit))

    def table(self, index: int) -> "Table | None":
        """Return a field that is a table; None when it is absent."""
        at = self._field(index)
        return Table(self._source, at + _number(self._source, at, _OFFSET)) if at else None

    def tables(self, index: int) -> "Tables":
        """Return a vector of tables; an empty one when it is absent."""
        return Tables(self._source, *self.vector(index, _OFFSET))

    def _field(self, index: int) -> int:
        """Return where a field lies; 0 when the table does not have it."""
        at = _VTABLE_HEAD + 2 * index
        offset = int.from_bytes(self._vtable[at : at + 2], "little")
        return self._position + offset if offset else 0


class Tables:
    """A vector of tables, each of which is looked up when it is asked for."""

    def __init__(self, source: ByteSource, position: int, length: int) -> None:
        """``position`` is where the first of ``length`` offsets lies."""
        self._source = source
        self._position = position
        self._length = length

    def __len__(self) -> int:
        """Return the number of tables."""
        return self._length

    def __getitem__(self, index: int) -> Table:
        """Return the table at ``index``, which is below the number of tables."""
        at = self._position + _OFFSET * index
        return Table(self._source, at + _number(self._source, at, _OFFSET))

    def __iter__(self) -> Iterator[Table]:
        """Yield the tables in the order of the vector."""
        return (self[index] for index in range(self._length))


def root(source: ByteSource) -> Table:
    """Return the root table of the file."""
    return Table(source, _number(source, 0, _OFFSET))


def _bytes(source: ByteSource, position: int, length: int) -> bytes:
    """Read at a position that may be any number that the file claims."""
    if not 0 <= position <= source.size - length:
        raise FormatError("offset beyond the file")
    return exactly(source, position, length, "the structure")


def _number(source: ByteSource, position: int, width: int, *, signed: bool = False) -> int:
    return int.from_bytes(_bytes(source, position, width), "little", signed=signed)
