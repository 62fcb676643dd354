"""sys.modules of a process: read, and later compared with what was read."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from aibom.formats.cpython import dicts, scan, site
from aibom.formats.cpython.attributes import Attributes, Namespace, Texts, unversioned
from aibom.formats.cpython.dicts import Snapshot
from aibom.formats.cpython.layouts import LayoutSource
from aibom.formats.cpython.memory import InterpreterError, Memory, Reader, Span, plausible
from aibom.formats.cpython.site import Site, Symbols
from aibom.formats.cpython.strings import Strings

# attempts at a table that the process is changing meanwhile
_ATTEMPTS = 8
# Include/object.h: Py_TPFLAGS_DICT_SUBCLASS
_DICT_SUBCLASS = 1 << 29
#: Most packages that are watched for a version that comes late.
_MAX_WATCHED = 256
_WORD = 8
# Modules that are remembered, as the interpreters of a node import the same ones, and characters of
# one at most, so that nobody's long names fill the memory.
_SHARED, _SHARED_TEXT = 4096, 300
# what no interpreter is without
_ALWAYS = frozenset({"sys", "builtins"})


#: Package as which transformers imports the code that models bring along
#: (transformers/dynamic_module_utils.py). It need not be imported itself.
REMOTE = "transformers_modules"


class Module(NamedTuple):
    """An imported module.

    ``file`` and ``version`` are read of top-level ones only, and of ``REMOTE``'s.
    """

    name: str
    file: str = ""
    version: str = ""


class ModuleTable(NamedTuple):
    """What the main interpreter of a process has imported, sorted by name.

    ``version`` is CPython's ("3.12"), ``layout`` how its structures were found.
    ``subinterpreters`` are counted and not read.
    """

    version: str
    free_threaded: bool
    layout: LayoutSource
    modules: tuple[Module, ...]
    subinterpreters: int


class Watch(NamedTuple):
    """Memory that is unchanged as long as a ModuleTable holds.

    That is: the pointers that lead to sys.modules; of the dict (and of sys.__dict__, in which it
    may be replaced) ma_used, the version tag that every change increments up to 3.12, the counts
    of its keys, and every entry. An entry owns its key and its value, so neither can be freed and
    another take its address while the entry is the same. And ma_used of those packages that
    had no version yet, as they may still be running their code.
    """

    spans: tuple[Span, ...]
    pieces: list[bytes]

    def holds(self, memory: Memory) -> bool:
        """Say whether all of it is as it was. Raises OSError as Memory does."""
        return memory.read_many(self.spans) == self.pieces


class Reading(NamedTuple):
    """A table and what proves it."""

    table: ModuleTable
    watch: Watch


def read(memory: Memory, symbols: Symbols) -> Reading | None:
    """Return the modules of the CPython with these ``symbols``; None when it does not run.

    Raises InterpreterError when nothing validates, and what ``memory`` raises.
    """
    reader = Reader(memory)
    known = site.layouts(reader, symbols)
    if not site.runs(reader, symbols, known):
        return None
    for layout in known:
        found = site.by_layout(reader, symbols, layout)
        if found is not None:
            return _read(reader, found)
    return _read(reader, scan.find(reader, symbols))


def _read(reader: Reader, found: Site) -> Reading:
    if not site.is_dict(reader, found.objects, found.symbols, found.modules):
        raise InterpreterError("sys.modules is no dictionary")
    for _ in range(_ATTEMPTS):
        reading = _attempt(reader, found)
        if reading is not None:
            return reading
    raise InterpreterError("sys.modules does not hold together, or changed at every attempt")


def _attempt(reader: Reader, found: Site) -> Reading | None:
    """Read the table once; None when the process changed it meanwhile."""
    strings = Strings(reader, found.objects, found.symbols.str_type)
    guards = reader.read_many(found.guards)
    shots = _snapshots(reader, found, strings)
    if not shots:
        return None
    _, *tables = shots
    pairs = _without_none(reader, found, [pair for shot in tables for pair in shot.pairs])
    names = strings.many([key for key, _ in pairs])
    named = {name: pair for name, pair in zip(names, pairs, strict=True) if name is not None}
    if not named.keys() >= _ALWAYS:
        return None
    attributes = Attributes(reader, found.objects, strings, _module_type(reader, found, named))
    spaces = attributes.namespaces([(n, value) for n, (_, value) in named.items() if _has_place(n)])
    texts = attributes.texts(spaces)
    # what was freed meanwhile may have been read as something else: keep what is still there
    again = _snapshots(reader, found, strings)
    there = {pair for shot in again[1:] for pair in shot.pairs}
    kept = {name for name, pair in named.items() if pair in there}
    if not kept >= _ALWAYS:
        return None
    late = _late(spaces, texts)
    spans = [span for shot in shots for span in shot.table.proof]
    pieces = [piece for shot in shots for piece in shot.pieces]
    watch = Watch((*found.guards, *spans, *late), [*guards, *pieces, *late.values()])
    return Reading(_table(found, kept, texts), watch)


def _has_place(name: str) -> bool:
    return "." not in name or name.startswith(f"{REMOTE}.")


def _snapshots(reader: Reader, found: Site, strings: Strings) -> list[Snapshot]:
    """Return sys.__dict__, sys.modules and what the program bound in its place; [] on change."""
    of_sys = dicts.take(reader, found.objects, found.sysdict)
    if of_sys is None:
        return []
    bound = site.named(strings, of_sys.pairs).get("modules", 0)
    shots = [of_sys, dicts.take(reader, found.objects, found.modules)]
    if bound != found.modules and _is_some_dict(reader, found, bound):
        shots.append(dicts.take(reader, found.objects, bound))
    whole = [shot for shot in shots if shot is not None]
    return whole if len(whole) == len(shots) else []


def _is_some_dict(reader: Reader, found: Site, address: int) -> bool:
    if not plausible(address):
        return False
    kind = reader.word(address + found.objects.ob_type)
    if not plausible(kind):
        return False
    return bool(reader.word(kind + found.objects.tp_flags) & _DICT_SUBCLASS)


def _without_none(
    reader: Reader, found: Site, pairs: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Leave out the names whose import is blocked: their value is None."""
    none = found.symbols.none
    if not none:
        spans = [Span(value + found.objects.ob_type, _WORD) for _, value in pairs]
        kinds = [int.from_bytes(raw, "little") for raw in reader.read_many(spans)]
        blocked = {k for k in set(kinds) if site.type_name(reader, found.objects, k) == b"NoneType"}
        return [pair for pair, kind in zip(pairs, kinds, strict=True) if kind not in blocked]
    return [pair for pair in pairs if pair[1] != none]


def _module_type(reader: Reader, found: Site, named: dict[str, tuple[int, int]]) -> int:
    """Return the address of ModuleType, which ``sys`` is an instance of."""
    _, module = named["sys"]
    kind = reader.word(module + found.objects.ob_type) if plausible(module) else 0
    expected = found.symbols.module_type
    if expected and kind != expected:
        raise InterpreterError("sys is no module")
    if not expected and site.type_name(reader, found.objects, kind) != b"module":
        raise InterpreterError("sys is no module")
    return kind


def _module(name: str, file: str, version: str) -> Module:
    if len(name) + len(file) + len(version) > _SHARED_TEXT:
        return Module(name, file, version)
    return _shared_module(name, file, version)


_shared_module = lru_cache(_SHARED)(Module)


def _table(found: Site, names: Iterable[str], texts: dict[str, Texts]) -> ModuleTable:
    unknown = Texts()
    return ModuleTable(
        version=found.version,
        free_threaded=found.free_threaded,
        layout=found.source,
        modules=tuple([_module(name, *texts.get(name, unknown)) for name in sorted(names)]),
        subinterpreters=found.subinterpreters,
    )


def _late(spaces: Sequence[Namespace], texts: dict[str, Texts]) -> dict[Span, bytes]:
    """Return ma_used of the packages that may get a version yet, and what it is now."""
    return {
        Span(space.table.header.address, _WORD): space.table.used.to_bytes(_WORD, "little")
        for space in unversioned(spaces, texts)[:_MAX_WATCHED]
    }
