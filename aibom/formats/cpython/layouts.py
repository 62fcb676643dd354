"""Where CPython keeps what: by its own debug offsets from 3.13, by table before."""

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from aibom.formats.cpython.memory import InterpreterError

LayoutSource = Literal["debug-offsets", "table", "scan"]
Version = tuple[int, int]

#: _Py_Debug_Cookie, Include/internal/pycore_debug_offsets.h (3.13: pycore_runtime.h).
COOKIE = b"xdebugpy"
#: Bytes of _PyRuntime that hold every debug offset used here (3.15's lie below 744).
DEBUG_OFFSETS_SIZE = 744


class StateBits(NamedTuple):
    """Where PyASCIIObject.state keeps what, in bits (Include/cpython/unicodeobject.h)."""

    kind: int
    compact: int
    ascii: int


#: ``interned:2, kind:3, compact:1, ascii:1``.
PACKED = StateBits(2, 5, 6)
#: Free-threaded from 3.14: ``uint8_t interned`` stands alone, as it is written atomically.
ATOMIC = StateBits(8, 11, 12)


@dataclass(frozen=True, slots=True)
class ObjectLayout:
    """Offsets within objects, in bytes.

    ``head`` is sizeof(PyObject). PyASCIIObject and PyCompactUnicodeObject end at ``ascii`` and
    ``compact``; characters follow, or in a PyUnicodeObject the pointer to them.
    ``has_kind`` says that PyDictKeysObject has dk_kind and its form of 3.11 and later.
    """

    head: int
    ob_type: int
    tp_name: int
    tp_flags: int
    ma_keys: int
    length: int
    state: int
    ascii: int
    bits: StateBits
    compact: int
    has_kind: bool

    @property
    def ma_used(self) -> int:
        """The first field of PyDictObject (Include/cpython/dictobject.h, 3.7-3.15)."""
        return self.head

    @property
    def md_dict(self) -> int:
        """The first field of PyModuleObject (Include/internal/pycore_moduleobject.h)."""
        return self.head

    @property
    def tp_base(self) -> int:
        """Eleven pointers behind tp_flags (PyTypeObject, Include/cpython/object.h, 3.7-3.15)."""
        return self.tp_flags + 88


@dataclass(frozen=True, slots=True)
class RuntimeLayout:
    """Offsets within _PyRuntimeState, PyInterpreterState and PyThreadState, in bytes.

    ``head`` is _PyRuntimeState.interpreters.head; ``thread_interp`` is PyThreadState.interp; the
    others are PyInterpreterState's: next, id, threads.head, modules, sysdict.
    """

    source: LayoutSource
    version: Version
    free_threaded: bool
    head: int
    next: int
    id: int
    threads: int
    thread_interp: int
    modules: int
    sysdict: int
    objects: ObjectLayout


def object_layout(
    extra: int, ascii_size: int, compact_size: int, bits: StateBits = PACKED, *, has_kind: bool
) -> ObjectLayout:
    """Return the layout of objects whose PyObject is ``extra`` bytes longer than 16.

    Field order of PyObject, PyTypeObject, PyDictObject and PyASCIIObject is that of
    Include/object.h, cpython/object.h, cpython/dictobject.h and cpython/unicodeobject.h of
    3.7-3.15; a free-threaded PyObject (3.13t) is 32 bytes with ob_type at 24.
    """
    return ObjectLayout(
        head=16 + extra,
        ob_type=8 + extra,
        tp_name=24 + extra,
        tp_flags=168 + extra,
        ma_keys=32 + extra,
        length=16 + extra,
        state=32 + extra,
        ascii=ascii_size + extra,
        compact=compact_size + extra,
        bits=bits,
        has_kind=has_kind,
    )


# sizeof(PyASCIIObject) and PyCompactUnicodeObject; 3.12 dropped wstr and wstr_length (PEP 623)
_TO_310 = object_layout(0, 48, 72, has_kind=False)
_IN_311 = object_layout(0, 48, 72, has_kind=True)
_FROM_312 = object_layout(0, 40, 56, has_kind=True)
#: What the structural scan tries.
OBJECT_LAYOUTS = (
    _FROM_312,
    _IN_311,
    _TO_310,
    object_layout(16, 40, 56, ATOMIC, has_kind=True),
    object_layout(16, 40, 56, has_kind=True),
)


_Offsets = tuple[int, int, int, int, int, int, int]


def _row(version: Version, offsets: _Offsets, objects: ObjectLayout) -> RuntimeLayout:
    return RuntimeLayout("table", version, False, *offsets, objects)


#: LP64, x86-64 and aarch64 alike. offsetof() compiled against each version's headers with
#: Py_BUILD_CORE: _PyRuntimeState.interpreters.head (internal/pycore_runtime.h, to 3.8
#: pycore_pystate.h), PyInterpreterState.{next, id, tstate_head or threads.head}
#: (pycore_interp.h), PyThreadState.interp (cpython/pystate.h), and
#: PyInterpreterState.{modules, in 3.12 imports.modules; sysdict}.
TABLE = (
    _row((3, 12), (40, 0, 8, 72, 16, 944, 352), _FROM_312),
    _row((3, 11), (40, 0, 48, 16, 16, 888, 904), _IN_311),
    _row((3, 10), (32, 0, 24, 8, 16, 856, 872), _TO_310),
    _row((3, 9), (32, 0, 24, 8, 16, 856, 872), _TO_310),
    _row((3, 8), (32, 0, 16, 8, 16, 56, 72), _TO_310),
    _row((3, 7), (24, 0, 16, 8, 16, 40, 56), _TO_310),
)


class _Positions(NamedTuple):
    """Where _Py_DebugOffsets keeps the offsets used here."""

    imports_modules: int  # interpreter_state.imports_modules; .sysdict follows
    thread_interp: int  # thread_state.interp
    pyobject: int  # pyobject.size; .ob_type follows
    tp_name: int  # type_object.tp_name; .tp_repr and .tp_flags follow
    ma_keys: int  # dict_object.ma_keys
    unicode: int  # unicode_object.size; .state, .length and .asciiobject_size follow


# struct _Py_DebugOffsets is stable within a minor version, and only there
_POSITIONS = {
    (3, 13): _Positions(88, 176, 352, 376, 456, 536),
    (3, 14): _Positions(96, 200, 400, 424, 536, 616),
    (3, 15): _Positions(96, 200, 464, 488, 632, 712),
}


def from_debug_offsets(data: bytes) -> RuntimeLayout:
    """Return what _Py_DebugOffsets, the first DEBUG_OFFSETS_SIZE bytes of _PyRuntime, says."""

    def at(position: int) -> int:
        return int(struct.unpack_from("<Q", data, position)[0])

    # PY_VERSION_HEX: major, minor, micro and release, a byte each
    version = (at(8) >> 24 & 0xFF, at(8) >> 16 & 0xFF)
    where = _POSITIONS.get(version)
    if where is None:
        raise InterpreterError("debug offsets of a version that is not known")
    free_threaded = at(16) == 1
    ascii_size = at(where.unicode + 24)
    objects = ObjectLayout(
        head=at(where.pyobject),
        ob_type=at(where.pyobject + 8),
        tp_name=at(where.tp_name),
        tp_flags=at(where.tp_name + 16),
        ma_keys=at(where.ma_keys),
        length=at(where.unicode + 16),
        state=at(where.unicode + 8),
        ascii=ascii_size,
        # PyCompactUnicodeObject adds utf8_length and utf8
        compact=ascii_size + 16,
        bits=ATOMIC if free_threaded and version >= (3, 14) else PACKED,
        has_kind=True,
    )
    layout = RuntimeLayout(
        source="debug-offsets",
        version=version,
        free_threaded=free_threaded,
        head=at(40),  # runtime_state.interpreters_head
        id=at(56),  # interpreter_state.id; .next and .threads_head follow
        next=at(64),
        threads=at(72),
        thread_interp=at(where.thread_interp),
        modules=at(where.imports_modules),
        sysdict=at(where.imports_modules + 8),
        objects=objects,
    )
    _refuse_lies(layout)
    return layout


# no field of an object used here lies beyond it: PyTypeObject is about 400 bytes
_MAX_OBJECT = 1 << 10
# PyInterpreterState of 3.15 is about 300 KB
_MAX_STATE = 1 << 20
_WORD = 8


def _refuse_lies(layout: RuntimeLayout) -> None:
    objects = layout.objects
    ordered = (0, objects.ob_type, objects.length, objects.state, objects.ascii)
    small = [*ordered, objects.tp_name, objects.tp_flags, objects.ma_keys, objects.head]
    large = [layout.head, layout.id, layout.next, layout.threads, layout.thread_interp]
    large += [layout.modules, layout.sysdict]
    gaps = [after - before for before, after in pairwise(ordered)]
    # each field is a word of its own
    if max(small) > _MAX_OBJECT or max(large) > _MAX_STATE or min(gaps) < _WORD:
        raise InterpreterError("debug offsets that no interpreter has")
    if any(offset % _WORD for offset in small + large):
        raise InterpreterError("debug offsets that no interpreter has")
