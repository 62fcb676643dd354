"""Dictionaries of CPython: where their entries lie, and what lies in them."""

import struct
from typing import NamedTuple

from aibom.formats.cpython.layouts import ObjectLayout
from aibom.formats.cpython.memory import InterpreterError, Reader, Span, plausible

#: Most modules of one process that are believed.
MAX_MODULES = 100_000
#: Largest hash table that is followed: three times MAX_MODULES, as CPython grows, rounded up.
_MAX_LOG2_SIZE = 19
#: struct _dictkeysobject up to dk_indices (Include/internal/pycore_dict.h; to 3.10
#: Objects/dict-common.h): 32 bytes from 3.11, 40 before.
_KEYS_SIZE = 40
# attempts at a dictionary that the process is changing meanwhile; one takes some 20 microseconds
_ATTEMPTS = 16


class Table(NamedTuple):
    """Where a dictionary keeps its entries: ``slots`` of ``stride`` bytes from ``start``.

    ``header`` and ``keys_header`` are the pieces of memory that say so, without the reference
    counts and dk_version, which change though the content does not.
    """

    header: Span
    keys_header: Span
    start: int
    stride: int
    slots: int
    used: int

    @property
    def entries(self) -> Span:
        """All entries, in order of insertion, deleted ones among them."""
        return Span(self.start, self.stride * self.slots)

    @property
    def proof(self) -> tuple[Span, Span, Span]:
        """The pieces of memory that are unchanged as long as the dictionary is."""
        return self.header, self.keys_header, self.entries

    def pairs(self, raw: bytes) -> list[tuple[int, int]]:
        """Return the (key, value) pointers of those entries in ``raw`` that are not deleted."""
        words = struct.unpack(f"<{len(raw) // 8}Q", raw)
        step = self.stride // 8
        # a general entry is hash, key and value, a unicode entry key and value
        entries = zip(words[step - 2 :: step], words[step - 1 :: step], strict=True)
        return [pair for pair in entries if pair[0] and pair[1]]


def header_span(layout: ObjectLayout, address: int) -> Span:
    """Return the piece of memory that is PyDictObject after its PyObject.

    ma_used, ma_version_tag or _ma_watcher_tag, ma_keys and ma_values.
    """
    return Span(address + layout.ma_used, layout.ma_keys + 16 - layout.ma_used)


def keys_span(layout: ObjectLayout, header: bytes) -> Span | None:
    """Return where the keys lie of a dictionary with entries of its own, else None."""
    if len(header) < layout.ma_keys + 16 - layout.ma_used:
        return None
    keys, values = struct.unpack_from("<2Q", header, layout.ma_keys - layout.ma_used)
    # ma_values is NULL in a combined table, the only kind that these dictionaries are
    if values or not plausible(keys):
        return None
    return Span(keys, _KEYS_SIZE)


def table(layout: ObjectLayout, address: int, header: bytes, keys_header: bytes) -> Table | None:
    """Return where the entries are that both headers tell of; None when they lie."""
    keys = keys_span(layout, header)
    if keys is None or len(keys_header) != _KEYS_SIZE:
        return None
    shape = _shape_from_311(keys_header) if layout.has_kind else _shape_to_310(keys_header)
    if shape is None:
        return None
    (used,) = struct.unpack_from("<q", header)
    usable, slots = struct.unpack_from("<2q", keys_header, shape.counts)
    # USABLE_FRACTION(n) is two thirds (Objects/dictobject.c)
    if not 0 <= used <= slots or usable < 0 or slots + usable > 2 * shape.size // 3:
        return None
    return Table(
        header=header_span(layout, address),
        keys_header=Span(keys.address + shape.counts, 16),
        start=keys.address + shape.entries,
        stride=shape.stride,
        slots=slots,
        used=used,
    )


class _Shape(NamedTuple):
    """A hash table: its size, and where dk_usable with dk_nentries and the entries lie in it."""

    size: int
    counts: int
    entries: int
    stride: int


def _shape_from_311(raw: bytes) -> _Shape | None:
    """Decode a head of: refcnt, log2_size, log2_index_bytes, kind, version, usable, nentries."""
    log2_size, log2_bytes, kind = struct.unpack_from("<3B", raw, 8)
    lies = log2_size > _MAX_LOG2_SIZE or log2_bytes != log2_size + _log2_index(log2_size)
    # DICT_KEYS_GENERAL, 0, has hashes in its entries, UNICODE, 1, has not; SPLIT is 2
    if lies or kind > 1:
        return None
    return _Shape(1 << log2_size, 16, 32 + (1 << log2_bytes), 16 if kind else 24)


def _shape_to_310(raw: bytes) -> _Shape | None:
    """Decode a head of: refcnt, size, lookup function, usable, nentries."""
    (size,) = struct.unpack_from("<q", raw, 8)
    if not 8 <= size <= 1 << _MAX_LOG2_SIZE or size & (size - 1):
        return None
    return _Shape(size, 24, _KEYS_SIZE + (size << _log2_index(size.bit_length() - 1)), 24)


def _log2_index(log2_size: int) -> int:
    """Return log2 of an index's bytes (new_keys_object, Objects/dictobject.c)."""
    if log2_size < 8:
        return 0
    return 1 if log2_size < 16 else 2


class Snapshot(NamedTuple):
    """The content of a dictionary at one moment: ``pieces`` are those of ``table.proof``."""

    table: Table
    pieces: list[bytes]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The (key, value) pointers in use."""
        return self.table.pairs(self.pieces[-1])


def take(reader: Reader, layout: ObjectLayout, address: int) -> Snapshot | None:
    """Return the content of the dict at ``address``.

    None when it changed under every attempt, or lies, which looks the same. An empty one counts
    as lying: none of those asked for here is ever empty.
    """
    for _ in range(_ATTEMPTS):
        shot = _take(reader, layout, address)
        if shot is not None:
            return shot
    return None


def _take(reader: Reader, layout: ObjectLayout, address: int) -> Snapshot | None:
    (header,) = reader.read_many((header_span(layout, address),))
    keys = keys_span(layout, header)
    if keys is None:
        return None
    (keys_header,) = reader.read_many((keys,))
    found = table(layout, address, header, keys_header)
    if found is None:
        return None
    if found.used > MAX_MODULES:
        raise InterpreterError(f"a dictionary of {found.used} entries")
    # the headers come again behind the entries: whatever changed between them shows
    pieces = reader.read_many((*found.proof, found.keys_header, found.header))
    shot = Snapshot(found, pieces[:3])
    if not all(pieces) or pieces[:2] != pieces[:2:-1] or pieces[0] != header:
        return None
    return shot if len(shot.pairs) == found.used else None
