"""The schema of an SQLite database, and nothing else of it (https://sqlite.org/fileformat2.html).

What a database is for is told by the statements that made its tables. They stand in a table of
their own, whose b-tree begins on the first page.
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from aibom.formats.source import ByteSource, FormatError, exactly

#: How every database begins (1.3.1).
MAGIC = b"SQLite format 3\0"
#: Most bytes of the schema's b-tree that are read, in whole pages.
MAX_SCHEMA = 1 << 20
#: Most cells that are read, each of a table, an index, a view or a trigger.
MAX_CELLS = 5_000
#: Longest statement in characters; the rest is cut.
MAX_STATEMENT = 500

_HEADER = 100
_INTERIOR, _LEAF = 0x05, 0x0D  # 1.6: table b-trees
_ENCODINGS = {1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}  # 1.3.13
# columns of the schema table (2.6): type, name, tbl_name, rootpage, sql
_COLUMNS, _SQL = 5, 4
_QUOTES = re.compile(r"[\"'`\[\]]")


class _Layout(NamedTuple):
    """Sizes that hold for all pages: ``usable`` leaves out what extensions reserve."""

    page: int
    usable: int
    encoding: str


def statements(source: ByteSource) -> tuple[str, ...]:
    """Return the statements that made the tables and indexes of a database, in order.

    Each is in lower case, without quotes, with single spaces, and cut where it runs over to
    another page. Raises FormatError for what is no database or is damaged.
    """
    header = exactly(source, 0, _HEADER, "the header")
    if not header.startswith(MAGIC):
        raise FormatError("no SQLite database")
    (page,) = struct.unpack_from(">H", header, 16)
    page = 65536 if page == 1 else page
    usable = page - header[20]
    encoding = _ENCODINGS.get(struct.unpack_from(">I", header, 56)[0], "utf-8")
    if page < 512 or page & (page - 1) or usable < 480:
        raise FormatError(f"page size {page}")
    cells = islice(_walk(source, _Layout(page, usable, encoding)), MAX_CELLS)
    return tuple(_plain(sql) for sql in cells if sql)


def _plain(sql: str) -> str:
    return _QUOTES.sub("", " ".join(sql[:MAX_STATEMENT].split())).lower()


def _walk(source: ByteSource, layout: _Layout) -> Iterator[str]:
    """Yield what the cells of the schema's b-tree hold, left to right."""
    waiting, seen = [1], set[int]()
    while waiting:
        number = waiting.pop()
        if number in seen:
            raise FormatError("schema in a circle")
        if number == 0:
            raise FormatError("page 0, which there is not")
        seen.add(number)
        if len(seen) * layout.page > MAX_SCHEMA:
            return
        data = exactly(source, (number - 1) * layout.page, layout.page, f"page {number}")
        start = _HEADER if number == 1 else 0
        kind, _, cells = struct.unpack_from(">BHH", data, start)
        if kind == _INTERIOR:
            children = [_child(data, at) for at in _cells(data, start + 12, cells)]
            children.append(struct.unpack_from(">I", data, start + 8)[0])
            waiting += reversed(children)
        elif kind == _LEAF:
            for at in _cells(data, start + 8, cells):
                yield _sql(data, at, layout)
        else:
            raise FormatError(f"page {number} is of kind {kind}")


def _cells(data: bytes, array: int, count: int) -> tuple[int, ...]:
    """Return where the cells of a page begin."""
    if array + 2 * count > len(data):
        raise FormatError("more cells than the page has room for")
    return struct.unpack_from(f">{count}H", data, array)


def _child(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise FormatError("cell beyond its page")
    number: int = struct.unpack_from(">I", data, at)[0]
    return number


def _sql(data: bytes, at: int, layout: _Layout) -> str:
    """Return the start of a cell's statement; automatic indexes have none."""
    length, at = _varint(data, at)
    _, at = _varint(data, at)
    record = data[at : at + _local(length, layout.usable)]
    header, at = _varint(record, 0)
    types: list[int] = []
    while at < header and len(types) < _COLUMNS:
        kind, at = _varint(record, at)
        types.append(kind)
    if len(types) < _COLUMNS:
        raise FormatError("a record of too few columns")
    start = header + sum(_size(kind) for kind in types[:_SQL])
    # 2.1: odd serial types from 13 on are texts
    if types[_SQL] < 13 or types[_SQL] % 2 == 0:
        return ""
    # of each character there are at most four bytes
    length = min(_size(types[_SQL]), 4 * MAX_STATEMENT)
    return record[start : start + length].decode(layout.encoding, "ignore")


def _local(length: int, usable: int) -> int:
    """Return how much of a payload lies in its cell (1.6, "Cell payload overflow")."""
    if length <= usable - 35:
        return length
    least = (usable - 12) * 32 // 255 - 23
    kept = least + (length - least) % (usable - 4)
    return kept if kept <= usable - 35 else least


def _size(kind: int) -> int:
    """Return the length of a value by its serial type (2.1)."""
    if kind >= 12:
        return (kind - 12) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer of up to nine bytes, and where it ends (1.6)."""
    value = 0
    for index in range(9):
        if at >= len(data):
            raise FormatError("a number is cut off")
        byte = data[at]
        at += 1
        if index == 8:
            return value << 8 | byte, at
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at
