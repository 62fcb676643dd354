"""The main interpreter found by structure alone, where no layout is known or proves right."""

import struct
from collections.abc import Sequence
from dataclasses import replace

from aibom.formats.cpython.layouts import OBJECT_LAYOUTS, ObjectLayout
from aibom.formats.cpython.memory import InterpreterError, Reader, Span, plausible, to_page_end
from aibom.formats.cpython.site import MAX_INTERPRETERS, Site, Symbols, items, sys_version

_PAGE = 4096
#: Bytes of _PyRuntime and of a PyInterpreterState that are searched for pointers. In every
#: version so far interpreters.head, and imports.modules and sysdict, lie within them.
_RUNTIME_SIZE = 4096
_STATE_SIZE = 8 * _PAGE
#: Most dictionaries of one candidate that are looked into; an interpreter refers to about ten.
_MAX_DICTS = 64
#: interpreters.next_id is a count, and smaller than any pointer (a program is linked at 4 MB).
_MAX_ID = 1 << 20
# sizeof(PyObject) with a GIL
_HEAD = 16
_WORD = 8


def find(reader: Reader, symbols: Symbols) -> Site:
    """Return the main interpreter; InterpreterError when nothing looks like one."""
    if not symbols.dict_type:
        raise InterpreterError("its layout is not known")
    runtime = _words(reader, symbols.runtime, _RUNTIME_SIZE)
    # struct pyinterpreters (internal/pycore_runtime.h, 3.7-3.15): mutex, head, main, next_id
    for head, main, number in zip(runtime, runtime[1:], runtime[2:], strict=False):
        if plausible(head) and plausible(main) and 0 < number < _MAX_ID:
            site = _site(reader, symbols, main)
            if site is not None:
                return replace(site, subinterpreters=_distance(reader, head, main, number))
    raise InterpreterError("its layout is not known, and nothing in it looks like an interpreter")


def _distance(reader: Reader, head: int, main: int, ever: int) -> int:
    """Return how many interpreters come before ``main``, by whichever field links them.

    ``ever`` is how many there have been. When no field does it is one at least.
    """
    if head == main:
        return 0
    rows = zip(_words(reader, head, _STATE_SIZE), _words(reader, main, _STATE_SIZE), strict=False)
    # main is the oldest and thus the last
    links = [at for at, (link, last) in enumerate(rows) if plausible(link) and not last]
    for at in links:
        address = head
        for steps in range(min(ever, MAX_INTERPRETERS)):
            if address == main:
                return steps
            if not plausible(address):
                break
            (raw,) = reader.read_many((Span(address + _WORD * at, _WORD),))
            address = int.from_bytes(raw, "little")
    return 1


def _words(reader: Reader, address: int, size: int) -> tuple[int, ...]:
    """Return the words from ``address`` on, as far as memory goes."""
    first = to_page_end(address, size)
    spans = [Span(address, first)]
    spans += [Span(address + at, min(_PAGE, size - at)) for at in range(first, size, _PAGE)]
    data = b""
    for piece in reader.read_many(spans):
        if not piece:
            break
        data += piece
    return struct.unpack(f"<{len(data) // 8}Q", data[: len(data) & ~7])


def _site(reader: Reader, symbols: Symbols, state: int) -> Site | None:
    words = _words(reader, state, _STATE_SIZE)
    places = {word: at for at, word in reversed(list(enumerate(words))) if plausible(word)}
    heads = reader.read_many([Span(at, to_page_end(at, 2 * _HEAD)) for at in places])
    dict_type = symbols.dict_type.to_bytes(_WORD, "little")
    for layout in OBJECT_LAYOUTS:
        end = layout.ob_type + _WORD
        dicts = [
            at
            for at, head in zip(places, heads, strict=True)
            if head[layout.ob_type : end] == dict_type
        ]
        pair = _modules_and_sysdict(reader, symbols, layout, dicts[-_MAX_DICTS:])
        if pair is not None:
            slots = tuple(Span(state + _WORD * places[at], _WORD) for at in pair)
            version = sys_version(reader, layout, symbols, pair[1])
            free_threaded = layout.head > _HEAD
            return Site("scan", version, free_threaded, layout, symbols, *pair, 0, slots)
    return None


def _modules_and_sysdict(
    reader: Reader, symbols: Symbols, layout: ObjectLayout, addresses: Sequence[int]
) -> tuple[int, int] | None:
    modules = sysdict = 0
    for address in addresses:
        try:
            names = items(reader, layout, symbols, address).keys()
        except InterpreterError:
            continue
        # what imports these has a name of its own, sys.modules has none
        if {"sys", "builtins"} <= names and "__name__" not in names:
            modules = address
        if {"modules", "hexversion", "version", "__name__"} <= names:
            sysdict = address
    return (modules, sysdict) if modules and sysdict else None
