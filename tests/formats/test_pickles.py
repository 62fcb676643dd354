import contextlib
import io
import pickle
from collections.abc import Callable
from typing import Any, Self

import pytest
from builders_a import Metered, each_spoiled, spoiled
from builders_b import EVIL, Made, Name, Persistent, pickled
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models.pickle_facts import Call, Global
from aibom.formats.models.pickles import class_of, scan_globals, walk
from aibom.formats.source import MemorySource
from aibom.formats.text import printable


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text.encode())]) + text.encode()


OS, SYSTEM = short("os"), short("system")
GLOBALS = [
    ("GLOBAL", b"cos\nsystem\n.", ["os.system"]),
    ("INST", b"(ios\nsystem\n.", ["os.system"]),
    ("STACK_GLOBAL", OS + SYSTEM + b"\x93.", ["os.system"]),
    ("BINUNICODE", b"X\x02\0\0\0os" + SYSTEM + b"\x93.", ["os.system"]),
    ("BINUNICODE8", b"\x8d\x02\0\0\0\0\0\0\0os" + SYSTEM + b"\x93.", ["os.system"]),
    ("SHORT_BINSTRING", b"U\x02os" + SYSTEM + b"\x93.", ["os.system"]),
    ("BINSTRING", b"T\x02\0\0\0os" + SYSTEM + b"\x93.", ["os.system"]),
    ("STRING", b"S'os'\n" + SYSTEM + b"\x93.", ["os.system"]),
    ("STRING with escapes", b"S'\\x6f\\163'\n" + SYSTEM + b"\x93.", ["os.system"]),
    ("UNICODE with an escape", b"V\\u006fs\n" + SYSTEM + b"\x93.", ["os.system"]),
    ("memo, BINPUT", OS + b"q\x05" + SYSTEM + b"q\x0600h\x05h\x06\x93.", ["os.system"]),
    (
        "memo, LONG_BINPUT",
        OS + b"r\x05\0\0\x00" + b"0j\x05\0\0\x00" + SYSTEM + b"\x93.",
        ["os.system"],
    ),
    ("memo, PUT", OS + b"p77\n0g77\n" + SYSTEM + b"\x93.", ["os.system"]),
    ("memo, MEMOIZE", SYSTEM + b"\x94" + OS + b"\x9400h\x01h\x00\x93.", ["os.system"]),
    (
        "memo overwritten",
        b"\x8c\x02req\x00" + OS + b"q\x0000h\x00" + SYSTEM + b"\x93.",
        ["os.system"],
    ),
    ("DUP and POP", OS + b"2" + b"0" + SYSTEM + b"N0\x93.", ["os.system"]),
    ("POP of a mark", OS + b"(0" + SYSTEM + b"\x93.", ["os.system"]),
    ("POP_MARK", OS + b"(NNN1" + SYSTEM + b"\x93.", ["os.system"]),
    ("a set that stays below", OS + b"(\x90" + SYSTEM + b"\x93.", ["os.system"]),
    ("name with a dot", OS + short("path.join") + b"\x93.", ["os.path.join"]),
    ("EXT1", b"\x82\xf0.", ["copyreg._inverted_registry.240"]),
    ("EXT4", b"\x84\x01\x02\0\0.", ["copyreg._inverted_registry.513"]),
    ("nothing on the stack", b"\x93.", ["?.?"]),
    ("module unknown", b"N" + SYSTEM + b"\x93.", ["?.system"]),
    ("unknown memo entry", b"h\x09h\x09\x93.", ["?.?"]),
    ("numbers for names", b"K\x01K\x02\x93.", ["?.?"]),
    ("invalid UTF-8", b"cos\n\xff\n.", ["os.\ufffd"]),
    ("control characters", b"cos\n\x1b[2J\n.", ["os.\\x1b[2J"]),
    ("each once, sorted", b"cos\nb\n0cos\na\n0cos\nb\n.", ["os.a", "os.b"]),
    ("inside REDUCE", b"cos\nsystem\n(S'true'\ntR.", ["os.system"]),
    ("before a break", b"cos\nsystem\n\xff", ["os.system"]),
    ("before the end", b"cos\nsystem\nX\xff", ["os.system"]),
]


@pytest.mark.parametrize(
    ("data", "expected"), [g[1:] for g in GLOBALS], ids=[g[0] for g in GLOBALS]
)
def test_globals(data: bytes, expected: list[str]) -> None:
    for prefix in (b"", b"\x80\x04"):
        assert list(scan_globals(prefix + data).globals) == expected


ENDS = [
    ("empty", b"", "truncated", False),
    ("stop", b"N.", "stop", True),
    ("bytes behind it", b"N.\xff\xff", "stop", True),
    ("no stop", b"N", "truncated", False),
    ("unknown opcode", b"N\xff.", "unknown opcode", False),
    ("argument cut off", b"J\0\0", "truncated", False),
    ("line cut off", b"cos\nsys", "truncated", False),
    ("4 GB of text", b"X\xff\xff\xff\xffabc.", "truncated", False),
    ("2^64 bytes", b"\x8e" + b"\xff" * 8 + b"abc.", "truncated", False),
    ("negative length", b"T\xff\xff\xff\xffabc.", "unknown opcode", False),
]


@pytest.mark.parametrize(
    ("data", "ending", "stopped"), [e[1:] for e in ENDS], ids=[e[0] for e in ENDS]
)
def test_ending(data: bytes, ending: str, *, stopped: bool) -> None:
    facts = scan_globals(data)
    assert (facts.ending, facts.stopped, facts.complete) == (ending, stopped, stopped)


def test_protocol_and_end() -> None:
    assert scan_globals(b"\x80\x05N.").protocol == 5
    assert scan_globals(b"N.").protocol is None
    assert scan_globals(b"\x80\x02N.rest").end == 4


def test_caps() -> None:
    assert scan_globals(b"N" * 100 + b".", max_opcodes=50).ending == "limit"
    assert scan_globals(b"N" * 50_000 + b".", max_bytes=20_000).ending == "limit"
    many = scan_globals(b"".join(b"cm\nn%d\n" % n for n in range(10_100)) + b".")
    assert (len(many.globals), many.stopped, many.complete) == (10_000, True, False)
    (name,) = scan_globals(b"c" + b"m" * 9_000 + b"\nn\n.").globals
    assert len(name) <= 1_000
    calls = scan_globals(b"NR" * 200_100 + b".")
    assert (len(calls.calls), calls.complete) == (200_000, False)


def test_marks_without_number_take_linear_time() -> None:
    """Quadratic in the stack's height, this would take minutes."""
    facts = scan_globals(b"N" * 400_000 + b"t" * 400_000 + b".")
    assert facts.stopped


def test_deep_nesting_is_harmless() -> None:
    for deep in (b"(" * 300_000 + b"t" * 300_000, b")" + b"\x85" * 600_000, b"]" + b"2a" * 300_000):
        assert scan_globals(deep + b".").stopped


def test_large_content_is_not_read() -> None:
    data = b"\x80\x04B" + (10_000_000).to_bytes(4, "little") + bytes(10_000_000) + b"cos\nsystem\n."
    facts = walk(Metered(data, limit=20_000))
    assert facts.globals == ("os.system",)
    assert facts.complete


def test_the_budget_of_the_source_ends_the_walk() -> None:
    data = b"cos\nsystem\n" + b"N" * 100_000 + b"."
    facts = walk(MemorySource(data, budget=10_000))
    assert (facts.globals, facts.ending) == (("os.system",), "limit")


def test_what_is_built() -> None:
    state = {"version": "1.0", "inner": EVIL, "number": 3}
    facts = scan_globals(pickled(Made(Name("my.code", "Net"), (), new=True, state=state), 4))
    assert class_of(facts.root) == "my.code.Net"
    assert facts.calls == (Call("my.code.Net", (), new=True), Call("posix.system", ("echo",)))
    assert facts.items == (("version", "1.0"), ("inner", facts.calls[1]))
    assert facts.order == ("my.code.Net", "posix.system")


def test_persistent_ids() -> None:
    facts = scan_globals(pickled([Persistent(("storage", Name("torch", "FloatStorage"), "0"))]))
    identifier = ("storage", Global("torch.FloatStorage"), "0")
    assert facts.calls == (Call("persistent_load", (identifier,)),)
    assert scan_globals(b"Pweights\n.").calls == (Call("persistent_load", ("weights",)),)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"cm\nC\n)\x81.", "m.C"),
        (b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.", "m.C"),
        (b"cos\nsystem\n)R.", None),
        (b"N)\x81.", None),
        (b"N.", None),
    ],
)
def test_class_of(data: bytes, expected: str | None) -> None:
    assert class_of(scan_globals(data).root) == expected


def frame(length: int) -> bytes:
    return b"\x95" + length.to_bytes(8, "little")


def test_names_torn_by_a_frame_end() -> None:
    """One unpickler reads on over the end of a frame, another drops what stands before it."""
    data = b"\x80\x04" + frame(5) + b"cos\nXsystem\n."
    facts = scan_globals(data)
    assert facts.globals == ("os.Xsystem", "os.system")
    assert (facts.stopped, facts.complete, facts.ending) == (True, False, "torn frame")
    long = b"\x80\x04" + frame(20_004) + b"cos\n" + b"X" * 20_000 + b"system\n."
    assert "os.system" in scan_globals(long).globals
    whole = scan_globals(b"\x80\x04" + frame(12) + b"cos\nsystem\n.")
    assert whole.complete


# Against the unpicklers themselves. Every import gives them a class without any effect.


FAILURES = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


class Inert:
    def __new__(cls, *_: Any, **__: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> "Inert":
        return Inert()

    def __setstate__(self, _: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    extend = add = append

    def __setitem__(self, _: Any, __: Any) -> None:
        pass


def looked_up(data: bytes, wrap: Callable[[io.BytesIO], Any], base: Any) -> set[str]:
    """The names that an unpickler asks for until it ends or fails."""
    names = set()

    class Recorder(base):
        def find_class(self, module: str, name: str) -> type[Inert]:
            names.add(printable(f"{module}.{name}"))
            return Inert

        def persistent_load(self, _: object) -> Inert:
            return Inert()

    with contextlib.suppress(*FAILURES):
        Recorder(wrap(io.BytesIO(data))).load()
    return names


PIECES = st.sampled_from(
    [
        *(OS, SYSTEM, b"X\x02\0\0\0os", b"U\x06system", b"S'\\x6fs'\n", b"Vsys\\u0074em\n"),
        *(b"\x94", b"q\x00", b"q\x01", b"p1\n", b"h\x00", b"h\x01", b"g1\n", b"j\0\0\0\0"),
        *(b"\x93", b"\x93", b"\x93", b"cos\nsystem\n", b"(ios\nsystem\n"),
        *(b"(", b"0", b"1", b"2", b")", b"\x85", b"\x86", b"\x87", b"t", b"l", b"d", b"]", b"}"),
        *(
            b"e",
            b"a",
            b"s",
            b"u",
            b"R",
            b"\x81",
            b"\x92",
            b"b",
            b"o",
            b"N",
            b"K\x01",
            b"Q",
            b"Px\n",
        ),
        *(b"\x8f", b"\x90", b"\x91", frame(3), frame(9), frame(20), b"\x80\x04", b"I12\n", b"\x88"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=25))
def test_every_name_that_an_unpickler_looks_up_is_listed(pieces: list[bytes]) -> None:
    data = b"\x80\x04" + b"".join(pieces) + b"."
    listed = set(scan_globals(data).globals)
    assert looked_up(data, lambda stream: stream, pickle.Unpickler) <= listed
    assert looked_up(data, lambda stream: stream, pickle._Unpickler) <= listed
    assert looked_up(data, io.BufferedReader, pickle.Unpickler) <= listed


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES, st.integers(0, 5))
def test_plain_values_of_all_protocols(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    facts = scan_globals(data)
    allowed = {"_codecs.encode", "__builtin__.bytes"}  # how protocols 0 to 2 write bytes
    assert set(facts.globals) <= allowed
    assert (facts.complete, facts.end) == (True, len(data))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text("ab.", min_size=1), st.text("xy", min_size=1))),
    st.sampled_from([2, 4]),
)
def test_what_was_written_is_found(names: list[tuple[str, str]], protocol: int) -> None:
    facts = scan_globals(pickled([Name(*name) for name in names], protocol))
    assert facts.globals == tuple(sorted({".".join(name) for name in names}))


SAMPLE = pickled({"a": EVIL, "b": [1, (2, "three")], "c": Persistent(("x", 2**70))}, 4)


def test_every_spoiled_byte() -> None:
    for data in each_spoiled(SAMPLE):
        walk(Metered(data, limit=3 * len(data) + 9_000))


@settings(deadline=None)
@given(st.binary(max_size=200) | spoiled(SAMPLE))
def test_arbitrary_and_spoiled_bytes(data: bytes) -> None:
    facts = walk(Metered(data, limit=3 * len(data) + 9_000))
    assert facts.stopped == (facts.ending == "stop")
    assert all(len(name) <= 1_000 and name == printable(name) for name in facts.globals)
