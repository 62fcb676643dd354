"""Bolt databases, read only (go.etcd.io/bbolt: internal/common/page.go, meta.go, bucket.go).

A file of pages. Two meta pages take turns; the one with the higher transaction id that has its
checksum right names the root of a tree of buckets. A writer never changes pages that the last
transaction uses, but soon afterwards it does: what is read while somebody writes may be damaged.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from aibom.formats.source import ByteSource, FormatError, exactly

_MAGIC, _VERSION = 0xED0CDAED, 2
_HEADER = struct.Struct("<QHHI")  # page id, flags, count, overflow pages
# magic, version, page size, flags, root page and its sequence, free list, high-water mark,
# transaction, checksum
_META = struct.Struct("<IIIIQQQQQQ")
_BRANCH, _LEAF = 0x01, 0x02
_BRANCH_ITEM = struct.Struct("<IIQ")  # position of the key, its length, page
_LEAF_ITEM = struct.Struct("<IIII")  # flags, position of key and value, their lengths
_BUCKET = struct.Struct("<QQ")  # root page, 0 for a page that follows right here; sequence
_IS_BUCKET = 1
#: Page sizes that are possible: those of Linux' memory pages.
_SIZES = (4096, 8192, 16384, 32768, 65536)
#: Most bytes of one page with its overflow pages, and most pages that are read in all.
MAX_PAGE = 16 << 20
MAX_PAGES = 100_000
_MAX_DEPTH = 20


#: What a bucket holds: values, and buckets in it.
Tree: TypeAlias = "dict[bytes, bytes | Tree]"


class _Page(NamedTuple):
    data: bytes
    flags: int
    length: int


class Database:
    """An open database; what its buckets hold is read when it is asked for."""

    def __init__(self, source: ByteSource) -> None:
        """Read the meta pages of ``source``. Raises FormatError when it is no bolt database."""
        self._source = source
        self._left = MAX_PAGES
        metas = [m for size in (0, *_SIZES) if (m := _meta(source, size))]
        if not metas:
            raise FormatError("no bolt database")
        _, self._size, self._root = max(metas)

    def keys(self, *path: bytes) -> Iterator[bytes]:
        """Yield the names in the bucket at ``path``, in order; none where it is missing."""
        for key, _, _ in self._items(path):
            yield key

    def value(self, *path: bytes) -> bytes | None:
        """Return the value at ``path``, the last part of which is its key in a bucket."""
        *bucket, wanted = path
        for key, value, is_bucket in self._items(tuple(bucket)):
            if key == wanted and not is_bucket:
                return value
        return None

    def tree(self, *path: bytes) -> "Tree":
        """Return everything in the bucket at ``path``, read once; nothing where it is missing."""
        return {
            key: self._tree(value, 0) if is_bucket else value
            for key, value, is_bucket in self._items(path)
        }

    def _tree(self, value: bytes, depth: int) -> "Tree":
        if depth > _MAX_DEPTH:
            raise FormatError("buckets in one another without end")
        return {
            key: self._tree(inner, depth + 1) if is_bucket else inner
            for key, inner, is_bucket in self._walk(self._bucket(value))
        }

    def _items(self, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes, bool]]:
        page: _Page | None = self._page(self._root)
        for part in path:
            inner = (v for k, v, is_bucket in self._walk(page) if is_bucket and k == part)
            value = next(inner, None)
            if value is None:
                return
            page = self._bucket(value)
        yield from self._walk(page)

    def _bucket(self, value: bytes) -> _Page:
        if len(value) < _BUCKET.size:
            raise FormatError("a bucket is cut off")
        root, _ = _BUCKET.unpack_from(value)
        return self._page(root) if root else _page(value[_BUCKET.size :])

    def _walk(self, page: _Page | None, depth: int = 0) -> Iterator[tuple[bytes, bytes, bool]]:
        if page is None or depth > _MAX_DEPTH:
            raise FormatError("pages in a circle")
        for index in range(page.length):
            at = _HEADER.size + index * _LEAF_ITEM.size
            if page.flags == _BRANCH:
                _, _, child = _unpack(_BRANCH_ITEM, page.data, at)
                yield from self._walk(self._page(child), depth + 1)
            elif page.flags == _LEAF:
                flags, start, key, value = _unpack(_LEAF_ITEM, page.data, at)
                start += at
                if start + key + value > len(page.data):
                    raise FormatError("an entry beyond its page")
                middle = start + key
                yield (
                    page.data[start:middle],
                    page.data[middle : middle + value],
                    bool(flags & _IS_BUCKET),
                )
            else:
                raise FormatError(f"a page of kind {page.flags}")

    def _page(self, number: int) -> _Page:
        self._left -= 1
        if self._left < 0:
            raise FormatError("too many pages")
        offset = number * self._size
        if offset >= self._source.size:
            raise FormatError("a page beyond the end")
        header = exactly(self._source, offset, _HEADER.size, f"page {number}")
        own, _, _, overflow = _HEADER.unpack(header)
        length = (overflow + 1) * self._size
        if own != number or length > MAX_PAGE:
            raise FormatError(f"page {number} is damaged")
        return _page(exactly(self._source, offset, length, f"page {number}"))


def _page(data: bytes) -> _Page:
    _, flags, count, _ = _unpack(_HEADER, data, 0)
    return _Page(data, flags, count)


def _unpack(layout: struct.Struct, data: bytes, at: int) -> tuple[int, ...]:
    if at + layout.size > len(data):
        raise FormatError("an entry beyond its page")
    return layout.unpack_from(data, at)


def _meta(source: ByteSource, offset: int) -> tuple[int, int, int] | None:
    """Return transaction, page size and root page of the meta page at ``offset``, if it is one."""
    data = source.read(offset + _HEADER.size, _META.size)
    if len(data) < _META.size:
        return None
    magic, version, size, _, root, _, _, _, transaction, checksum = _META.unpack(data)
    right = magic == _MAGIC and version == _VERSION and size in _SIZES
    # the checksum is FNV-1a over what stands before it
    if not right or checksum != _fnv(data[: _META.size - 8]):
        return None
    return transaction, size, root


def _fnv(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value
