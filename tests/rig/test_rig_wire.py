"""Protocol Buffers bytes, against the format's own examples and by round trip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.wire import Message, Value, decode, encode, messages, number_in, string_map, strings, text

NUMBERS = st.integers(1, 2**29 - 1)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        ({1: 150}, "089601"),
        ({2: "testing"}, "120774657374696e67"),
        ({3: {1: 150}}, "1a03089601"),
        ({1: True}, "0801"),
        ({1: -1}, "08ffffffffffffffffff01"),
        ({1: ["a", "b"]}, "0a01610a0162"),
        ({1: {}}, "0a00"),
        ({1: None, 2: []}, ""),
        ({2: 1, 1: 2}, "08021001"),
        ({16: 1}, "800101"),
    ],
)
def test_encode(message: Message, wire: str) -> None:
    assert encode(message).hex() == wire


@given(st.dictionaries(NUMBERS, st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300))))
def test_decode_returns_what_was_encoded(message: dict[int, Value]) -> None:
    assert decode(encode(message)) == {number: [value] for number, value in message.items()}


@given(st.dictionaries(st.text(), st.text()))
def test_a_map_returns_as_it_went(pairs: dict[str, str]) -> None:
    assert strings(decode(encode({6: string_map(pairs)})), 6) == pairs


@given(st.binary())
def test_decode_of_anything_returns_or_says_why_not(data: bytes) -> None:
    try:
        decode(data)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - the point is that nothing else is raised


def test_fields_that_are_not_there_have_the_default_of_proto3() -> None:
    assert text({}, 1) == ""
    assert number_in({}, 1) == 0
    assert messages({}, 1) == []


def test_fixed_size_fields_are_stepped_over() -> None:
    assert decode(bytes.fromhex("09" + "00" * 8 + "15" + "00" * 4 + "1801"))[3] == [1]


@pytest.mark.parametrize("wire", ["08", "0a05", "0b", "08" + "ff" * 11, "0d0000"])
def test_broken_bytes_are_refused(wire: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(bytes.fromhex(wire))
