"""Attributes of an HDF5 object, as far as they are one string.

Layouts are those of the HDF5 File Format Specification, version 3.0; its sections stand beside
them.
"""

import math

from aibom.formats.models.hdf5_file import Fields, File, decoded
from aibom.formats.source import FormatError

_STRING, _VARIABLE = 3, 9  # IV.A.2.d, datatype classes
_VARIABLE_STRING = 1  # IV.A.2.d, variable-length: type 1 is a string
_SHARED = 0x03  # IV.A.2.m: datatype or dataspace live elsewhere
_NULL_SPACE = 2  # IV.A.2.b, version 2, type: no elements at all

_MAX_HEAP_OBJECTS = 50_000


class GlobalHeap:
    """The values that did not fit into their attribute (III.E); each collection is read once."""

    def __init__(self, file: File, value_budget: int) -> None:
        """Read from ``file``; return at most ``value_budget`` bytes of values in all."""
        self._file = file
        self._budget = value_budget
        self._objects_left = _MAX_HEAP_OBJECTS
        self._collections: dict[int, dict[int, tuple[int, int]]] = {}

    def value(self, collection: int, index: int, length: int) -> bytes | None:
        """Return up to ``length`` bytes of an object, or None when it is not there."""
        if collection not in self._collections:
            self._collections[collection] = self._objects(collection)
        address, size = self._collections[collection].get(index, (0, 0))
        length = min(length, size, self._budget)
        if length == 0:
            return None
        self._budget -= length
        return self._file.bytes_at(address, length)

    def _objects(self, collection: int) -> dict[int, tuple[int, int]]:
        """Return the address and size of each object of a collection, by its index."""
        header_size = 8 + self._file.length_size
        header = self._file.fields_at(collection, header_size)
        if header.take(4) != b"GCOL":
            raise FormatError("hdf5 global heap missing")
        header.take(4)  # version, reserved
        end = collection + header.length()
        address = collection + header_size
        objects: dict[int, tuple[int, int]] = {}
        while address + header_size <= end and self._objects_left > 0:
            self._objects_left -= 1
            fields = self._file.fields_at(address, header_size)
            index = fields.integer(2)
            fields.take(6)  # reference count, reserved
            size = fields.length()
            if index == 0:  # the free space, which comes last
                break
            objects[index] = (address + header_size, size)
            address += header_size + _padded(size)
        return objects


def attribute(heap: GlobalHeap, message: Fields, value_cap: int) -> tuple[str, str | None]:
    """Return an attribute's name, and its value if that is one string, cut at ``value_cap`` bytes.

    ``message`` is the body of an attribute message (IV.A.2.m).
    """
    version = message.integer(1)
    flags = message.integer(1)
    sizes = [message.integer(2) for _ in range(3)]
    if version == 1:
        sizes = [_padded(size) for size in sizes]
        flags = 0  # reserved in this version
    elif version == 3:
        message.take(1)  # the name's character set
    name = message.text(sizes[0])
    datatype, dataspace = message.nested(sizes[1]), message.nested(sizes[2])
    if flags & _SHARED or not _is_single(dataspace):
        return name, None
    return name, _string(heap, datatype, message, value_cap)


def _is_single(dataspace: Fields) -> bool:
    """Return whether a dataspace (IV.A.2.b) has exactly one element."""
    version = dataspace.integer(1)
    rank = dataspace.integer(1)
    dataspace.take(1)  # flags
    kind = dataspace.integer(1)
    if version == 1:
        dataspace.take(4)
    elif kind == _NULL_SPACE:
        return False
    return math.prod(dataspace.length() for _ in range(rank)) == 1


def _string(heap: GlobalHeap, datatype: Fields, data: Fields, value_cap: int) -> str | None:
    kind = datatype.integer(1) & 0x0F  # the upper half is the version
    bits = datatype.integer(3)
    size = datatype.integer(4)
    if kind == _STRING:
        return decoded(data.take(size)[:value_cap]).rstrip(" ")
    if kind != _VARIABLE or bits & 0x0F != _VARIABLE_STRING:
        return None
    length = data.integer(4)
    collection = data.address()
    if length == 0 or collection is None:
        return ""
    value = heap.value(collection, data.integer(4), min(length, value_cap))
    return None if value is None else decoded(value)


def _padded(size: int) -> int:
    return (size + 7) // 8 * 8
