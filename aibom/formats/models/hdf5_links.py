"""The names of the links in an HDF5 group.

Layouts are those of the HDF5 File Format Specification, version 3.0; its sections stand beside
them.
"""

from aibom.formats.models.hdf5_file import NAME_CAP, Fields, File, decoded
from aibom.formats.source import FormatError

MAX_LINKS = 1_000
_MAX_NODES = 500
_MAX_ENTRIES = 1_024  # of one node; the library's defaults allow 8 and 32
_MAX_NAMES_SIZE = 1 << 20


def link_name(message: Fields) -> str:
    """Return the name in a link message (IV.A.2.g)."""
    message.take(1)  # version
    flags = message.integer(1)
    for flag, size in ((0x08, 1), (0x04, 8), (0x10, 1)):  # type, creation order, character set
        if flags & flag:
            message.take(size)
    return message.text(message.integer(1 << (flags & 3)))


def symbol_table_names(file: File, message: Fields) -> tuple[set[str], bool]:
    """Return the names in a group's symbol table, and whether these are all.

    ``message`` is the body of a symbol table message (IV.A.2.r).
    """
    tree, heap = message.address(), message.address()
    if tree is None or heap is None:
        return set(), True
    names = _local_heap(file, heap)
    found: set[str] = set()
    nodes, seen = [tree], {tree}
    while nodes and len(found) < MAX_LINKS and len(seen) <= _MAX_NODES:
        address = nodes.pop()
        kind = file.bytes_at(address, 4)
        if kind == b"TREE":
            fresh = _children(file, address) - seen
            seen |= fresh
            nodes.extend(sorted(fresh))
        elif kind == b"SNOD":
            found.update(_name_at(names, offset) for offset in _name_offsets(file, address))
        else:
            raise FormatError("hdf5 symbol table broken")
    return found, not nodes


def _local_heap(file: File, address: int) -> bytes:
    """Return the data segment of a local heap (III.D), which holds the names."""
    fields = file.fields_at(address, 8 + 2 * file.length_size + file.offset_size)
    if fields.take(4) != b"HEAP":
        raise FormatError("hdf5 local heap missing")
    fields.take(4)  # version, reserved
    size = fields.length()
    fields.length()  # the free list
    segment = fields.address()
    return file.bytes_at(segment, min(size, _MAX_NAMES_SIZE)) if segment is not None else b""


def _children(file: File, address: int) -> set[int]:
    """Return the addresses of a B-tree node's children (III.A.1): nodes below, or symbols."""
    header_size = 8 + 2 * file.offset_size
    count = _count(file, address)
    pair_size = file.length_size + file.offset_size  # a key before each child
    pairs = file.fields_at(address + header_size, count * pair_size)
    children = set()
    for _ in range(count):
        pairs.length()
        child = pairs.address()
        if child is not None:
            children.add(child)
    return children


def _name_offsets(file: File, address: int) -> list[int]:
    """Return where the names of a symbol table node's entries (III.B, III.C) stand in the heap."""
    count = _count(file, address)
    entry_size = 2 * file.offset_size + 24
    entries = file.fields_at(address + 8, count * entry_size)
    offsets = [entries.nested(entry_size).address() for _ in range(count)]
    return [offset for offset in offsets if offset is not None]


def _count(file: File, address: int) -> int:
    """Return the number of entries of a B-tree node or symbol table node."""
    return min(file.fields_at(address + 6, 2).integer(2), _MAX_ENTRIES)


def _name_at(names: bytes, offset: int) -> str:
    return decoded(names[offset : offset + NAME_CAP])
