"""``__file__`` and ``__version__`` of modules, many at a time."""

import posixpath
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from aibom.formats.cpython import dicts
from aibom.formats.cpython.dicts import Table
from aibom.formats.cpython.layouts import ObjectLayout
from aibom.formats.cpython.memory import Reader, Span, plausible
from aibom.formats.cpython.strings import Strings

#: Most names in all modules' dictionaries among which the two attributes are looked for.
MAX_NAMES = 1 << 16
#: Most entries of one module's dictionary that are looked at.
MAX_ENTRIES = 1 << 14
#: Most classes between a module's and ModuleType.
_MAX_BASES = 16
#: What a path or version usually has room in.
_ROOM = 120
# a name in no more dictionaries than this is looked at only where an attribute is missing
_RARE = 2
_FILE, _VERSION = "__file__", "__version__"
_WANTED = (_FILE, _VERSION)


class Namespace(NamedTuple):
    """A module's dictionary: its name, where it lies, and its entries."""

    name: str
    table: Table
    entries: bytes


class Texts(NamedTuple):
    """What a module's dictionary says of it; "" for what it does not say as a str."""

    file: str = ""
    version: str = ""


class Attributes:
    """Reads attributes of modules from their dictionaries, without running any code of theirs."""

    def __init__(
        self, reader: Reader, layout: ObjectLayout, strings: Strings, module_type: int
    ) -> None:
        """Read those of instances of ``module_type`` and its subclasses."""
        self._reader = reader
        self._layout = layout
        self._strings = strings
        self._module_types: dict[int, bool] = {module_type: True}

    def namespaces(self, modules: Sequence[tuple[str, int]]) -> list[Namespace]:
        """Return the dictionaries of (name, address of module), of those that hold together."""
        layout = self._layout
        size = layout.md_dict + 8
        heads = self._reader.read_many([Span(address, size) for _, address in modules])
        found = []
        for (name, _), head in zip(modules, heads, strict=True):
            if len(head) == size and self._is_module(head):
                (address,) = struct.unpack_from("<Q", head, layout.md_dict)
                if plausible(address):
                    found.append((name, address))
        tables = self._tables(found)
        entries = self._reader.read_many([table.entries for _, table in tables])
        return [
            Namespace(name, table, raw)
            for (name, table), raw in zip(tables, entries, strict=True)
            if raw
        ]

    def _is_module(self, head: bytes) -> bool:
        (kind,) = struct.unpack_from("<Q", head, self._layout.ob_type)
        passed = []
        for _ in range(_MAX_BASES):
            if kind in self._module_types:
                break
            passed.append(kind)
            base = b""
            if plausible(kind):
                (base,) = self._reader.read_many((Span(kind + self._layout.tp_base, 8),))
            kind = int.from_bytes(base, "little")
        known = self._module_types.get(kind, False)
        self._module_types.update(dict.fromkeys(passed, known))
        return known

    def _tables(self, found: Sequence[tuple[str, int]]) -> list[tuple[str, Table]]:
        layout = self._layout
        spans = [dicts.header_span(layout, address) for _, address in found]
        headers = self._reader.read_many(spans)
        nowhere = Span(0, 0)
        keys = [dicts.keys_span(layout, header) or nowhere for header in headers]
        rows = zip(found, headers, self._reader.read_many(keys), strict=True)
        tables = [
            (name, dicts.table(layout, address, header, keys_header))
            for (name, address), header, keys_header in rows
        ]
        return [(name, table) for name, table in tables if table and 0 < table.slots <= MAX_ENTRIES]

    def texts(self, namespaces: Sequence[Namespace]) -> dict[str, Texts]:
        """Return what each of the dictionaries says, by name.

        Names in Python's source are interned: all dictionaries share one str object for each, to
        be found among the names that several share. Extension modules may have one of their own.
        """
        keys = {s.name: [key for key, _ in s.table.pairs(s.entries)] for s in namespaces}
        counts = Counter(chain.from_iterable(keys.values()))
        shared = self._spelled([key for key, count in counts.items() if count > _RARE])
        texts = self._texts(namespaces, shared)
        lacking = unversioned(namespaces, texts) if shared[0] else namespaces
        rare = [key for s in lacking for key in keys[s.name] if counts[key] <= _RARE]
        own = self._spelled(rare[:MAX_NAMES])
        both = [keys + others for keys, others in zip(shared, own, strict=True)]
        return texts | self._texts(lacking, both) if any(own) else texts

    def _texts(
        self, namespaces: Sequence[Namespace], keys: Sequence[Sequence[bytes]]
    ) -> dict[str, Texts]:
        values = [_value(space, addresses) for space in namespaces for addresses in keys]
        texts = iter(self._strings.many(values, _ROOM))
        return {
            space.name: Texts(file or "", version or "")
            for space, file, version in zip(namespaces, texts, texts, strict=True)
        }

    def _spelled(self, addresses: Sequence[int]) -> list[list[bytes]]:
        """Return, per wanted name, the addresses of the strings that read so, as bytes."""
        # one search through all of them at once, as decoding each would take 20 times as long
        start = self._layout.ascii
        size = start + max(map(len, _WANTED)) + 1
        pieces = self._reader.read_many([Span(address, size) for address in addresses])
        joined = b"".join([piece.ljust(size, b"\0") for piece in pieces])
        return [
            [addresses[at // size].to_bytes(8, "little") for at in _places(joined, name, size)]
            for name in _WANTED
        ]


def unversioned(namespaces: Sequence[Namespace], texts: Mapping[str, Texts]) -> list[Namespace]:
    """Return the modules that have a file and no version, the standard library's aside."""
    library = posixpath.dirname(texts.get("os", Texts()).file)
    return [
        space
        for space in namespaces
        if texts[space.name].file
        and not texts[space.name].version
        and not _is_standard(texts[space.name].file, library)
    ]


def _is_standard(file: str, library: str) -> bool:
    # site-packages and Debian's dist-packages lie in the library's folder
    return bool(library) and file.startswith(library + "/") and "-packages/" not in file


def _places(joined: bytes, name: str, size: int) -> Iterable[int]:
    needle = name.encode() + b"\0"
    at = joined.find(needle)
    while at >= 0:
        yield at
        at = joined.find(needle, (at // size + 1) * size)


def _value(space: Namespace, keys: Sequence[bytes]) -> int:
    """Return the pointer to the value whose key is at one of the addresses ``keys``, or 0."""
    stride = space.table.stride
    for key in keys:
        at = space.entries.find(key)
        while at >= 0:
            if at % stride == stride - 16:
                return int(struct.unpack_from("<Q", space.entries, at + 8)[0])
            at = space.entries.find(key, at + 1)
    return 0
