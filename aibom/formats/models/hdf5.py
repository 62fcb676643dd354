"""The root group of an HDF5 file: its attributes and the names of its links.

Layouts are those of the HDF5 File Format Specification, version 3.0; its sections stand beside
them. Attributes and links in dense storage (fractal heaps) are not read; the result says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aibom.formats.models.hdf5_file import Fields, File, open_file
from aibom.formats.models.hdf5_links import MAX_LINKS, link_name, symbol_table_names
from aibom.formats.models.hdf5_values import GlobalHeap, attribute
from aibom.formats.source import ByteSource, FormatError

# IV.A.2, types of header messages
_LINK_INFO = 0x0002
_LINK = 0x0006
_ATTRIBUTE = 0x000C
_CONTINUATION = 0x0010
_SYMBOL_TABLE = 0x0011
_ATTRIBUTE_INFO = 0x0015
_SHARED_MESSAGE = 0x02  # IV.A.1, flag: the body is a reference

_MAX_HEADER = 2 << 20  # bytes of all blocks of one object header
_MAX_BLOCKS = 256
_VALUE_BUDGET = 8 << 20


@dataclass(slots=True)
class Root:
    """The root group.

    ``attributes`` maps names to their text, or to None for any other value. ``partial``: there
    are more attributes or links than were read. ``end`` is the offset behind the file's last
    byte, by its own word.
    """

    end: int
    attributes: dict[str, str | None] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    partial: bool = False


def read_root(source: ByteSource, value_cap: int) -> Root:
    """Return the root group; strings longer than ``value_cap`` bytes are cut there.

    Raises FormatError when the bytes are no HDF5 file, or a broken one.
    """
    file = open_file(source)
    heap = GlobalHeap(file, _VALUE_BUDGET)
    root = Root(end=file.end)
    has_table = False
    for kind, body in _messages(file):
        if kind == _ATTRIBUTE:
            name, value = attribute(heap, body, value_cap)
            root.attributes[name] = value
        elif kind == _LINK:
            _add_link(root, body)
        elif kind == _SYMBOL_TABLE and not has_table:  # a group has one at most (IV.A.2.r)
            has_table = True
            names, complete = symbol_table_names(file, body)
            root.links |= names
            root.partial |= not complete
        elif kind in (_LINK_INFO, _ATTRIBUTE_INFO):
            root.partial |= _is_dense(body, order_size=8 if kind == _LINK_INFO else 2)
    return root


def _add_link(root: Root, body: Fields) -> None:
    if len(root.links) < MAX_LINKS:
        root.links.add(link_name(body))
    else:
        root.partial = True


def _is_dense(info: Fields, order_size: int) -> bool:
    """Return whether a link info (IV.A.2.c) or attribute info (IV.A.2.v) names a heap."""
    info.take(1)  # version
    if info.integer(1) & 0x01:  # creation order is tracked
        info.take(order_size)
    return info.address() is not None


def _messages(file: File) -> Iterator[tuple[int, Fields]]:
    """Yield the type and body of the root's header messages, continuation blocks included."""
    modern = file.bytes_at(file.root, 4) == b"OHDR"
    ordered, first = _header_2(file) if modern else _header_1(file)
    blocks, seen = [first], {first}
    left = _MAX_HEADER
    while blocks:
        address, length = blocks.pop(0)
        left -= length
        if left < 0 or len(seen) > _MAX_BLOCKS:
            raise FormatError("hdf5 header too large")
        for kind, flags, body in _split(file.fields_at(address, length), modern, ordered):
            if kind == _CONTINUATION:
                block = _continuation(file, body, modern=modern)
                if block not in seen:
                    seen.add(block)
                    blocks.append(block)
            elif not flags & _SHARED_MESSAGE:
                yield kind, body


def _header_1(file: File) -> tuple[bool, tuple[int, int]]:
    """Return the first block's address and length in an object header of version 1 (IV.A.1.a)."""
    fields = file.fields_at(file.root, 16)
    if fields.integer(1) != 1:
        raise FormatError("unknown hdf5 object header")
    fields.take(7)  # reserved, number of messages, reference count
    return False, (file.root + 16, fields.integer(4))


def _header_2(file: File) -> tuple[bool, tuple[int, int]]:
    """Return whether messages carry a creation order, and the first block (IV.A.1.b)."""
    flags = file.bytes_at(file.root + 5, 1)[0]
    size_at = file.root + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    length = file.fields_at(size_at, width).integer(width)
    return bool(flags & 0x04), (size_at + width, length)


def _split(block: Fields, modern: bool, ordered: bool) -> Iterator[tuple[int, int, Fields]]:
    """Yield type, flags and body of each message in a block of an object header (IV.A.1)."""
    width, rest = (1, 2 if ordered else 0) if modern else (2, 3)
    while block.left >= width + 3 + rest:
        kind = block.integer(width)
        size = block.integer(2)
        flags = block.integer(1)
        block.take(rest)  # creation order, or reserved
        yield kind, flags, block.nested(size)


def _continuation(file: File, body: Fields, *, modern: bool) -> tuple[int, int]:
    """Return the address and length of the messages in a continuation block (IV.A.2.q)."""
    address, length = body.address(), body.length()
    if address is None:
        raise FormatError("hdf5 header broken")
    if not modern:
        return address, length
    if file.bytes_at(address, 4) != b"OCHK" or length < 8:
        raise FormatError("hdf5 header broken")
    return address + 4, length - 8  # without signature and checksum
