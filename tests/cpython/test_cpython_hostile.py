"""Decoding of sys.modules from memory that lies, changes under the read, or is anything."""

import contextlib
import struct
from collections.abc import Callable, Sequence

import pytest
from cpython_images import BASE, LAYOUTS, Image, Process
from cpython_reading import LATEST, every_layout, named, names, read
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.cpython import modules, site
from aibom.formats.cpython.layouts import TABLE, RuntimeLayout
from aibom.formats.cpython.memory import MAX_BYTES, MAX_PIECES, InterpreterError, Reader, Span
from aibom.formats.cpython.site import Symbols


def refused(process: Process) -> str:
    with pytest.raises(InterpreterError) as caught:
        modules.read(process.image, process.symbols)
    assert process.image.pieces <= MAX_PIECES
    assert process.image.bytes <= MAX_BYTES
    return str(caught.value)


def keys_of(process: Process) -> int:
    slot = process.interpreters[0] + process.layout.modules
    table = int.from_bytes(process.image.read(slot, 8), "little")
    return int.from_bytes(process.image.read(table + process.layout.objects.ma_keys, 8), "little")


@every_layout
def test_an_interpreter_of_another_version_is_refused(layout: RuntimeLayout) -> None:
    process = Process(layout, version="2.1.0 (main)").finish()
    # found by structure instead, and called what its text says
    table = read(process)
    assert (table.layout, table.version) == ("scan", "2.1")


@every_layout
def test_a_wrong_table_is_never_believed(layout: RuntimeLayout) -> None:
    process = Process(layout).finish()
    for wrong in TABLE:
        if wrong.version != layout.version:
            assert site.by_layout(Reader(process.image), process.symbols, wrong) is None


@every_layout
@pytest.mark.parametrize("value", [1 << 60, (1 << 64) - 1, 200_000])
def test_a_dict_that_lies_about_its_size(layout: RuntimeLayout, value: int) -> None:
    process = Process(layout).finish()
    slot = process.interpreters[0] + layout.modules
    table = int.from_bytes(process.image.read(slot, 8), "little")
    process.image.put(table + layout.objects.ma_used, "Q", value)
    refused(process)


@every_layout
@pytest.mark.parametrize("value", [1 << 60, (1 << 64) - 1, 0])
@pytest.mark.parametrize("field", ["size", "usable", "nentries"])
def test_keys_that_lie(layout: RuntimeLayout, field: str, value: int) -> None:
    process = Process(layout).finish()
    old = not layout.objects.has_kind
    offset = {"size": 8, "usable": 24 if old else 16, "nentries": 32 if old else 24}[field]
    process.image.put(keys_of(process) + offset, "Q", value)
    if (field, value) == ("usable", 0):
        assert names(read(process)) == named()
    else:
        refused(process)


def test_interpreters_in_a_circle() -> None:
    process = Process(LATEST).finish(subinterpreters=2)
    first, second, third = process.interpreters
    for state in process.interpreters:
        process.image.put(state + LATEST.id, "Q", 7)
    process.image.put(first + LATEST.next, "Q", third)
    process.image.put(second + LATEST.next, "Q", third)
    # no layout that is known holds, the structure does
    assert read(process).layout == "scan"
    process.image.put(process.runtime + LATEST.head, "3Q", third, third, 0)
    refused(process)


def test_sys_that_is_no_module_or_is_missing() -> None:
    process = Process(LATEST)
    process.modules["sys"] = process.number
    refused(process.finish())
    process = Process(LATEST)
    del process.modules["builtins"]
    refused(process.finish())


def test_a_process_of_a_hundred_thousand_modules_and_more_is_refused() -> None:
    process = Process(LATEST)
    process.image.data.extend(bytes(1 << 23))
    process.modules |= dict.fromkeys(range(BASE, BASE + 16 * 100_000, 16), process.builtins)
    assert "entries" in refused(process.finish())


def test_a_memory_that_leads_on_and_on_is_given_up() -> None:
    class Endless(Image):
        def read(self, address: int, size: int) -> bytes:
            self.pieces += 1
            self.bytes += size
            # every word is the address of yet another place
            return struct.pack("<Q", address + 64) * (size // 8) + bytes(size % 8)

    image = Endless()
    with pytest.raises(InterpreterError):
        modules.read(image, Symbols(BASE, BASE))
    assert image.pieces <= MAX_PIECES
    assert image.bytes <= MAX_BYTES


class Changing(Image):
    """Memory that is written to after so many reads."""

    def __init__(self, whole: Image, when: Callable[[int], bool], change: Callable[[], None]):
        super().__init__(0)
        self.data = whole.data
        self._when = when
        self._change = change

    def read_many(self, spans: Sequence[Span]) -> list[bytes]:
        if self._when(self.pieces):
            self._change()
        return super().read_many(spans)


@every_layout
def test_a_table_that_changes_at_every_read_is_refused_or_right(layout: RuntimeLayout) -> None:
    process = Process(layout)
    process.modules |= dict.fromkeys([f"m{n}" for n in range(20)], process.builtins)
    process.finish()
    raw = process.image.data
    start = raw.find(process.modules["m5"].to_bytes(8, "little"), keys_of(process) - BASE)

    def flip() -> None:
        word = int.from_bytes(raw[start : start + 8], "little")
        process.image.put(start + BASE, "Q", word ^ process.builtins)

    image = Changing(process.image, lambda _: True, flip)
    try:
        reading = modules.read(image, process.symbols)
    except InterpreterError:
        return
    assert reading is not None
    assert set(names(reading.table)) <= set(named(*(f"m{n}" for n in range(20))))


def test_what_moved_under_the_read_is_dropped() -> None:
    process = Process(LATEST)
    process.modules["gone"] = process.builtins
    process.finish()
    # the entries are a deleted one, sys, builtins, gone: of the last the value changes
    value = keys_of(process) + 32 + 8 + 16 * 3 + 8
    process.image.pieces = 0
    assert "gone" in names(read(process))
    asked = process.image.pieces
    dropped = 0
    for moment in range(asked):
        process.image.put(value, "Q", process.builtins)
        image = Changing(
            process.image,
            lambda pieces, moment=moment: pieces >= moment,
            lambda: process.image.put(value, "Q", process.sys),
        )
        reading = modules.read(image, process.symbols)
        assert reading is not None
        dropped += "gone" not in names(reading.table)
    assert 0 < dropped < asked


# anything at all


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_words_changed_give_a_table_or_an_error(data: st.DataObject) -> None:
    process = Process(data.draw(st.sampled_from(LAYOUTS)))
    process.modules["json"] = process.make_module({"__file__": process.make_str("/j.py")})
    process.finish(subinterpreters=1)
    used = (process.alloc(0) - BASE) // 8
    pointers = st.integers(BASE, BASE + 8 * used)
    words = st.one_of(st.integers(0, (1 << 64) - 1), pointers, st.integers(0, 64))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(512, used))
        process.image.put(BASE + 8 * at, "Q", data.draw(words))
    try:
        reading = modules.read(process.image, process.symbols)
    except InterpreterError:
        reading = None
    if reading is not None:
        assert {"sys", "builtins"} <= set(names(reading.table))
    assert process.image.pieces <= MAX_PIECES
    assert process.image.bytes <= MAX_BYTES


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=64, max_size=512), st.integers(0, 4095), st.booleans())
def test_random_memory_is_refused(seed: bytes, start: int, cookie: bool) -> None:
    raw = seed * (8192 // len(seed))
    image = Image(len(raw))
    image.data[:] = raw
    at = start & ~7
    if cookie:
        image.data[at : at + 8] = b"xdebugpy"
        image.data[at + 8 : at + 16] = struct.pack("<Q", 0x030E0000)
    with contextlib.suppress(InterpreterError):
        assert modules.read(image, Symbols(BASE + at, BASE)) is None
    assert image.pieces <= MAX_PIECES
    assert image.bytes <= MAX_BYTES
