"""The main interpreter of a process: found by its layout, and validated before it is believed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from aibom.formats.cpython import dicts
from aibom.formats.cpython.layouts import (
    ATOMIC,
    COOKIE,
    DEBUG_OFFSETS_SIZE,
    PACKED,
    TABLE,
    LayoutSource,
    ObjectLayout,
    RuntimeLayout,
    from_debug_offsets,
)
from aibom.formats.cpython.memory import InterpreterError, Reader, Span, plausible
from aibom.formats.cpython.strings import Strings

#: Most interpreters of one process that are followed.
MAX_INTERPRETERS = 1000
# attempts at a structure that other threads of the process may be changing
_ATTEMPTS = 3
_WORD = 8
# sys.version begins with it
_VERSION = re.compile(r"(\d)\.(\d{1,2})\.\d")


class Symbols(NamedTuple):
    """Addresses of what CPython exports; 0 for what is not exported."""

    runtime: int
    dict_type: int = 0
    str_type: int = 0
    module_type: int = 0
    none: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """Where to read sys.modules of a process's main interpreter.

    ``guards`` are the words that lead here: when one changes, the site is to be found anew.
    """

    source: LayoutSource
    version: str
    free_threaded: bool
    objects: ObjectLayout
    symbols: Symbols
    modules: int
    sysdict: int
    subinterpreters: int
    guards: tuple[Span, ...]


def layouts(reader: Reader, symbols: Symbols) -> tuple[RuntimeLayout, ...]:
    """Return the layouts that the interpreter may have, the likeliest first."""
    data = reader.read(symbols.runtime, len(COOKIE))
    if data != COOKIE:
        return TABLE
    try:
        told = from_debug_offsets(reader.read(symbols.runtime, DEBUG_OFFSETS_SIZE))
    except InterpreterError:
        return ()
    # the debug offsets do not say where in its word a string's state is
    other = PACKED if told.objects.bits == ATOMIC else ATOMIC
    return told, replace(told, objects=replace(told.objects, bits=other))


def runs(reader: Reader, symbols: Symbols, known: tuple[RuntimeLayout, ...]) -> bool:
    """Say whether any interpreter has been made, as opposed to a library that is only mapped."""
    spans = [Span(symbols.runtime + layout.head, _WORD) for layout in known]
    return not known or any(any(head) for head in reader.read_many(spans))


def by_layout(reader: Reader, symbols: Symbols, layout: RuntimeLayout) -> Site | None:
    """Return the main interpreter when ``layout`` proves right, else None."""
    for _ in range(_ATTEMPTS):
        try:
            return _by_layout(reader, symbols, layout)
        except _WrongLayoutError:
            return None
        except InterpreterError:
            continue
    return None


class _WrongLayoutError(InterpreterError):
    """What no change under the read explains."""


def _by_layout(reader: Reader, symbols: Symbols, layout: RuntimeLayout) -> Site:
    chain = list(_chain(reader, symbols.runtime + layout.head, layout))
    main = next((address for address, number in chain if number == 0), 0)
    if not main:
        raise _WrongLayoutError("no main interpreter")
    thread = reader.word(main + layout.threads)
    if not plausible(thread) or reader.word(thread + layout.thread_interp) != main:
        raise InterpreterError("its threads belong to another interpreter")
    slots = (Span(main + layout.modules, _WORD), Span(main + layout.sysdict, _WORD))
    modules, sysdict = (int.from_bytes(raw, "little") for raw in reader.read_many(slots))
    version = sys_version(reader, layout.objects, symbols, sysdict)
    if version != "{}.{}".format(*layout.version):
        raise _WrongLayoutError("sys.version is another one")
    links = [Span(address + layout.next, _WORD) for address, _ in chain]
    return Site(
        source=layout.source,
        version=version,
        free_threaded=layout.free_threaded,
        objects=layout.objects,
        symbols=symbols,
        modules=modules,
        sysdict=sysdict,
        subinterpreters=len(chain) - 1,
        guards=(Span(symbols.runtime + layout.head, _WORD), *links, *slots),
    )


def _chain(reader: Reader, head: int, layout: RuntimeLayout) -> Iterator[tuple[int, int]]:
    """Yield (address, id) of each interpreter; the newest comes first."""
    address = reader.word(head)
    for _ in range(MAX_INTERPRETERS):
        if not address:
            return
        if not plausible(address):
            raise _WrongLayoutError("no list of interpreters")
        yield address, reader.word(address + layout.id)
        address = reader.word(address + layout.next)
    raise _WrongLayoutError("a list of interpreters without end")


def sys_version(reader: Reader, layout: ObjectLayout, symbols: Symbols, sysdict: int) -> str:
    """Return major and minor version as the text of sys.version has them."""
    found = items(reader, layout, symbols, sysdict)
    if not {"modules", "hexversion", "version"} <= found.keys():
        raise InterpreterError("the dictionary of sys lacks what sys has")
    strings = Strings(reader, layout, symbols.str_type)
    match = _VERSION.match(strings.one(found["version"]) or "")
    if match is None:
        raise InterpreterError("sys.version is no version")
    return f"{match[1]}.{match[2]}"


def items(reader: Reader, layout: ObjectLayout, symbols: Symbols, address: int) -> dict[str, int]:
    """Return the content of the small dict at ``address``, values as pointers."""
    if not is_dict(reader, layout, symbols, address):
        raise InterpreterError("no dictionary where one must be")
    shot = dicts.take(reader, layout, address)
    if shot is None:
        raise InterpreterError("a dictionary that does not hold together")
    return named(Strings(reader, layout, symbols.str_type), shot.pairs)


def named(strings: Strings, pairs: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Return the values by name; what has no str as its key is left out."""
    names = strings.many([key for key, _ in pairs])
    return {n: value for n, (_, value) in zip(names, pairs, strict=True) if n is not None}


def is_dict(reader: Reader, layout: ObjectLayout, symbols: Symbols, address: int) -> bool:
    """Say whether the object at ``address`` is a dict, by type and not by subclass."""
    if not plausible(address):
        return False
    kind = reader.word(address + layout.ob_type)
    if symbols.dict_type:
        return kind == symbols.dict_type
    return type_name(reader, layout, kind) == b"dict"


def type_name(reader: Reader, layout: ObjectLayout, kind: int) -> bytes:
    """Return tp_name of the type at ``kind``, of which 16 bytes are looked at."""
    if not plausible(kind):
        return b""
    name = reader.word(kind + layout.tp_name)
    return reader.read(name, 16).partition(b"\0")[0]
