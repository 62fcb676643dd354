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
#: PyInterpreterState.next lies among its first fields in every version.
_MAX_NEXT = 128
# sizeof(PyObject) with a GIL
_HEAD = 16
_WORD = 8


def find(reader: Reader, symbols: Symbols) -> Site:
    """Return the main interpreter; InterpreterError when nothing looks like one."""
    if not symbols.dict_type:
        raise InterpreterError("its layout is not known")
    runtime = _words(reader, symbols.runtime, _RUNTIME_SIZE)
    seen: set[int] = set()
    for index, head in enumerate(runtime):
        if head in seen or not plausible(head):
            continue
        seen.add(head)
        site = _site(reader, symbols, head)
        if site is None:
            continue
        # struct pyinterpreters: head, the newest, and behind it main
        main = runtime[index + 1] if index + 1 < len(runtime) else 0
        if main in (0, head):
            return site
        return _main(reader, symbols, head, main) or site
    raise InterpreterError("its layout is not known, and nothing in it looks like an interpreter")


def _main(reader: Reader, symbols: Symbols, head: int, main: int) -> Site | None:
    site = _site(reader, symbols, main) if plausible(main) else None
    return site and replace(site, subinterpreters=_distance(reader, head, main))


def _distance(reader: Reader, head: int, main: int) -> int:
    """Return how many interpreters come before ``main``, by whichever field links them."""
    for offset in range(0, _MAX_NEXT, _WORD):
        address = head
        for steps in range(1, MAX_INTERPRETERS):
            (raw,) = reader.read_many((Span(address + offset, _WORD),))
            address = int.from_bytes(raw, "little")
            if address == main:
                return steps
            if not plausible(address):
                break
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
    pointers = {word: index for index, word in reversed(list(enumerate(words))) if plausible(word)}
    addresses = list(pointers)
    heads = reader.read_many([Span(at, to_page_end(at, 32)) for at in addresses])
    for layout in OBJECT_LAYOUTS:
        end = layout.ob_type + _WORD
        wanted = symbols.dict_type.to_bytes(_WORD, "little")
        found = [
            at
            for at, head in zip(addresses, heads, strict=True)
            if head[layout.ob_type : end] == wanted
        ]
        pair = _modules_and_sysdict(reader, symbols, layout, found[:_MAX_DICTS])
        if pair is not None:
            slots = tuple(Span(state + _WORD * pointers[at], _WORD) for at in pair)
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
        if not modules and {"sys", "builtins"} <= names:
            modules = address
        if not sysdict and {"modules", "hexversion", "version"} <= names:
            sysdict = address
    return (modules, sysdict) if modules and sysdict else None
