"""Messages of the process connector: what counts, what does not, and what is broken."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.events import proc
from aibom.formats.events.proc import ProcessEvent


def datagram(
    what: int,
    *words: int,
    when: int = 5,
    message: int = 3,
    idx: int = 1,
    val: int = 1,
    ack: int = 0,
) -> bytes:
    union = struct.pack("=6I", *words, *[0] * (6 - len(words)))
    event = struct.pack("=IIQ", what, 1, when) + union
    connector = struct.pack("=IIIIHH", idx, val, 9, ack, len(event), 0)
    return struct.pack("=IHHII", 36 + len(event), message, 0, 0, 0) + connector + event


@pytest.mark.parametrize(
    ("given_bytes", "expected"),
    [
        (datagram(1, 10, 11, 20, 20), ProcessEvent("fork", 20, 11, 5)),
        (datagram(1, 10, 11, 21, 20), None),  # a thread
        (datagram(2, 20, 20, when=2**63), ProcessEvent("exec", 20, 0, 2**63)),
        (datagram(0x80000000, 20, 20, 0, 17), ProcessEvent("exit", 20, 0, 5)),
        (datagram(0x80000000, 21, 20), None),  # a thread
        (datagram(0), None),  # an answer
        (datagram(0x200, 20, 20), None),  # a name
        (datagram(0x40000000, 20, 20), None),  # a core dump
        (datagram(2, 20, 20, message=2), None),
        (datagram(2, 20, 20, idx=3), None),
        (datagram(2, 20, 20, val=2), None),
        (datagram(2, 20, 20)[:67], None),
        (b"", None),
    ],
)
def test_whole_processes_only(given_bytes: bytes, expected: ProcessEvent | None) -> None:
    assert proc.parse(given_bytes) == expected


def test_the_answer_is_the_one_to_this_request() -> None:
    assert proc.answer(datagram(0, 0, ack=42), 41) == 0
    assert proc.answer(datagram(0, 1, ack=42), 41) == 1
    assert proc.answer(datagram(0, 0, ack=42), 40) is None
    assert proc.answer(datagram(1, 0, ack=42), 41) is None
    assert proc.answer(datagram(0, 0, ack=42)[:55], 41) is None


def test_a_request_says_its_length_and_what_it_wants() -> None:
    for listen, operation in ((True, 1), (False, 2)):
        data = proc.request(7, listen=listen)
        assert struct.unpack_from("=IH", data) == (len(data), 3)
        assert struct.unpack_from("=IIIIHHI", data, 16) == (1, 1, 7, 7, 4, 0, operation)


@given(st.binary(max_size=200))
def test_any_bytes_give_an_event_or_none(data: bytes) -> None:
    found = proc.parse(data)
    assert found is None or found.kind in ("fork", "exec", "exit")
    proc.answer(data, 3)


def passes(program: bytes, data: bytes) -> bool:
    """Run a classic BPF program of the few instructions that the filter uses."""
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator = kept = at = 0
    while True:
        code, yes, no, constant = steps[at]
        at += 1
        if code == 0x20:  # load a word, in network byte order
            accumulator = struct.unpack_from(">I", data, constant)[0]
        elif code == 0x07:
            kept = accumulator
        elif code == 0x06:
            return bool(constant)
        else:
            other = constant if code == 0x15 else kept
            at += yes if accumulator == other else no


@given(
    st.sampled_from([0, 1, 2, 4, 0x40, 0x80, 0x100, 0x200, 0x40000000, 0x80000000]),
    st.lists(st.integers(1, 3), min_size=4, max_size=4),
)
def test_the_filter_keeps_what_is_understood(what: int, words: list[int]) -> None:
    data = datagram(what, *words)
    assert passes(proc.socket_filter(), data) == (what == 0 or proc.parse(data) is not None)
