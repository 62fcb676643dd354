"""Memory images of interpreters, built in code, for every family of layouts."""

import struct
from collections.abc import Sequence
from typing import Any

from aibom.formats.cpython.layouts import (
    ATOMIC,
    COOKIE,
    PACKED,
    TABLE,
    RuntimeLayout,
    object_layout,
)
from aibom.formats.cpython.memory import Span
from aibom.formats.cpython.site import Symbols

BASE = 0x7F0000000000
SIZE = 1 << 19

DICT_SUBCLASS = 1 << 29
UNICODE_SUBCLASS = 1 << 28

# positions in _Py_DebugOffsets by version: imports_modules, thread interp, pyobject, tp_name,
# ma_keys, unicode (see the facts these tests check the code against)
POSITIONS = {
    (3, 13): (88, 176, 352, 376, 456, 536),
    (3, 14): (96, 200, 400, 424, 536, 616),
    (3, 15): (96, 200, 464, 488, 632, 712),
}


def newer(version: tuple[int, int], *, free_threaded: bool = False) -> RuntimeLayout:
    """A layout of 3.13 or later, with made-up offsets: the image itself tells them."""
    atomic = free_threaded and version >= (3, 14)
    bits = ATOMIC if atomic else PACKED
    objects = object_layout(16 if free_threaded else 0, 40, 56, bits, has_kind=True)
    return RuntimeLayout(
        "debug-offsets", version, free_threaded, 904, 7208, 7200, 7216, 24, 7304, 7312, objects
    )


LAYOUTS = (
    *TABLE,
    *(newer(version, free_threaded=free) for version in POSITIONS for free in (False, True)),
)


class Image:
    """A process's memory: one writable region, and counts of what was asked of it."""

    def __init__(self, size: int = SIZE) -> None:
        self.data = bytearray(size)
        self.pieces = 0
        self.bytes = 0

    def read(self, address: int, size: int) -> bytes:
        self.pieces += 1
        self.bytes += size
        at = address - BASE
        return bytes(self.data[at : at + size]) if 0 <= at <= len(self.data) - size else b""

    def read_many(self, spans: Sequence[Span]) -> list[bytes]:
        return [self.read(*span) for span in spans]

    def put(self, address: int, form: str, *values: int | bytes) -> None:
        struct.pack_into("<" + form, self.data, address - BASE, *values)


class Process:
    """An interpreter in an Image. ``modules`` and ``sysdict`` can be changed before ``finish``."""

    def __init__(self, layout: RuntimeLayout, version: str = "") -> None:
        self.layout = layout
        self.image = Image()
        self._next = BASE + 0x1000
        self.type_type = self.make_type("type")
        self.dict_type = self.make_type("dict", DICT_SUBCLASS)
        self.str_type = self.make_type("str", UNICODE_SUBCLASS)
        self.module_type = self.make_type("module")
        self.none = self.make_object(self.make_type("NoneType"), 0)
        self.number = self.make_object(self.make_type("int"), 16)
        text = version or "{}.{}.7 (main, Jan 1 2030)".format(*layout.version)
        self.builtins = self.make_module({})
        self.sysdict: dict[Any, int] = {
            "__name__": self.make_str("sys"),
            "hexversion": self.number,
            "version": self.make_str(text),
        }
        self.sys = self.make_module({"__name__": self.make_str("sys")})
        self.modules: dict[Any, int] = {"sys": self.sys, "builtins": self.builtins}
        self.interpreters: list[int] = []

    # objects

    def alloc(self, size: int) -> int:
        address = self._next
        self._next += (size + 15) & ~15
        return address

    def make_object(self, kind: int, size: int) -> int:
        address = self.alloc(self.layout.objects.head + size)
        self.image.put(address + self.layout.objects.ob_type, "Q", kind)
        return address

    def make_type(self, name: str, flags: int = 0, base: int = 0) -> int:
        text = self.alloc(16)
        self.image.put(text, f"{len(name)}s", name.encode())
        address = self.make_object(getattr(self, "type_type", 0), 400)
        self.image.put(address + self.layout.objects.tp_name, "Q", text)
        self.image.put(address + self.layout.objects.tp_flags, "Q", flags)
        self.image.put(address + self.layout.objects.tp_base, "Q", base)
        return address

    def make_str(self, text: str, kind: int = 0) -> int:
        """Make a compact str, or with ``kind``, a subclass, one with its characters elsewhere."""
        objects = self.layout.objects
        widest = max(map(ord, text), default=0)
        width = 1 if widest < 0x100 else 2 if widest < 0x10000 else 4
        encoding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[width]
        raw = text.encode(encoding, "surrogatepass")
        plain = widest < 0x80
        start = objects.ascii if plain and not kind else objects.compact
        address = self.make_object(kind or self.str_type, start - objects.head + 8 + len(raw) + 4)
        state = width << objects.bits.kind | (not kind) << objects.bits.compact
        state |= plain << objects.bits.ascii
        self.image.put(address + objects.length, "Q", len(text))
        self.image.put(address + objects.state, "I", state)
        at = address + start
        if kind:
            at = self.alloc(len(raw) + 4)
            self.image.put(address + start, "Q", at)
        self.image.data[at - BASE : at - BASE + len(raw)] = raw
        return address

    def make_dict(self, items: dict[Any, int], kind: int = 0, *, general: bool = False) -> int:
        """Make a dict of names, or of addresses of names, with a deleted entry among them."""
        objects = self.layout.objects
        address = self.make_object(kind or self.dict_type, 32)
        log2 = max(3, (len(items) * 2).bit_length())
        size = 1 << log2
        width = 0 if log2 < 8 else 1 if log2 < 16 else 2
        stride = 16 if objects.has_kind and not general else 24
        head = 32 if objects.has_kind else 40
        keys = self.alloc(head + (size << width) + stride * size)
        counts = (2 * size // 3 - len(items) - 1, len(items) + 1)
        self.image.put(keys, "Q", 1)
        if objects.has_kind:
            self.image.put(keys + 8, "3B", log2, log2 + width, int(not general))
            self.image.put(keys + 16, "2q", *counts)
        else:
            self.image.put(keys + 8, "2Q2q", size, 0, *counts)
        at = keys + head + (size << width)
        entries = [(0, 0), *items.items()]
        for index, (key, value) in enumerate(entries):
            name = self.make_str(key) if isinstance(key, str) else key
            self.image.put(at + stride * index + stride - 16, "2Q", name, value)
        self.image.put(address + objects.ma_used, "q", len(items))
        self.image.put(address + objects.ma_keys, "2Q", keys, 0)
        return address

    def make_module(self, names: dict[Any, int], kind: int = 0) -> int:
        address = self.make_object(kind or self.module_type, 64)
        self.image.put(address + self.layout.objects.md_dict, "Q", self.make_dict(names))
        return address

    # the runtime

    def finish(self, subinterpreters: int = 0) -> "Process":
        layout = self.layout
        self.runtime = self.alloc(2048)
        modules = self.make_dict(self.modules)
        sysdict = self.make_dict({"modules": modules} | self.sysdict)
        self.interpreters = [self._interpreter(n) for n in range(subinterpreters + 1)]
        for newer_one, older in zip(self.interpreters[1:], self.interpreters, strict=False):
            self.image.put(newer_one + layout.next, "Q", older)
        main = self.interpreters[0]
        self.image.put(main + layout.modules, "Q", modules)
        self.image.put(main + layout.sysdict, "Q", sysdict)
        counts = (self.interpreters[-1], main, len(self.interpreters))
        self.image.put(self.runtime + layout.head, "3Q", *counts)
        if layout.source == "debug-offsets":
            self._debug_offsets()
        return self

    def _interpreter(self, number: int) -> int:
        layout = self.layout
        state = self.alloc(8192)
        thread = self.alloc(64)
        self.image.put(state + layout.id, "Q", number)
        self.image.put(state + layout.threads, "Q", thread)
        self.image.put(thread + layout.thread_interp, "Q", state)
        return state

    def _debug_offsets(self) -> None:
        layout, objects = self.layout, self.layout.objects
        major, minor = layout.version
        where = POSITIONS[layout.version]
        at = self.runtime
        self.image.data[at - BASE : at - BASE + 8] = COOKIE
        self.image.put(at + 8, "2Q", major << 24 | minor << 16, layout.free_threaded)
        self.image.put(at + 40, "Q", layout.head)
        self.image.put(at + 56, "3Q", layout.id, layout.next, layout.threads)
        self.image.put(at + where[0], "2Q", layout.modules, layout.sysdict)
        self.image.put(at + where[1], "Q", layout.thread_interp)
        self.image.put(at + where[2], "2Q", objects.head, objects.ob_type)
        self.image.put(at + where[3], "3Q", objects.tp_name, 0, objects.tp_flags)
        self.image.put(at + where[4], "Q", objects.ma_keys)
        sizes = (objects.compact + 8, objects.state, objects.length, objects.ascii)
        self.image.put(at + where[5], "4Q", *sizes)

    @property
    def symbols(self) -> Symbols:
        return Symbols(self.runtime, self.dict_type, self.str_type, self.module_type, self.none)
