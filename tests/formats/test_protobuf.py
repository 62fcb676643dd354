import pytest
from builders_a import Metered, pb, varint
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Span,
    fields,
    signed,
    spans,
    varints,
)
from aibom.formats.source import FormatError


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # The examples of https://protobuf.dev/programming-guides/encoding/
        ("089601", (1, VARINT, 150)),
        ("120774657374696e67", (2, BYTES, b"testing")),
        ("1a03089601", (3, BYTES, b"\x08\x96\x01")),
        ("3206038e029ea705", (6, BYTES, b"\x03\x8e\x02\x9e\xa7\x05")),
        # The others: fixed width, the highest field number, the most bytes of a varint.
        ("0d01000080", (1, FIXED32, 0x80000001)),
        ("090100000000000080", (1, FIXED64, 0x8000000000000001)),
        ("f8ffffff0f05", ((1 << 29) - 1, VARINT, 5)),
        ("08ffffffffffffffffff01", (1, VARINT, (1 << 64) - 1)),
        ("0a00", (1, BYTES, b"")),
        ("08808000", (1, VARINT, 0)),
    ],
)
def test_one_field(data: str, expected: tuple[int, int, int | bytes]) -> None:
    raw = bytes.fromhex(data)
    assert list(fields(raw)) == [expected]
    [(number, wire, value)] = spans(Metered(raw), 0, len(raw))
    content = raw[value.offset : value.offset + value.length] if isinstance(value, Span) else value
    assert (number, wire, content) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("0001", "field number 0"),
        ("80808080100100", "field number 536870912"),
        ("0b0c", "wire type 3"),
        ("0c", "wire type 4"),
        ("0e", "wire type 6"),
        ("0f", "wire type 7"),
        ("08", "truncated in a number"),
        ("0880", "truncated in a number"),
        ("0d010000", "truncated in a number"),
        ("0901000000000000", "truncated in a number"),
        ("0880808080808080808080", "number longer than 10 bytes"),
        ("08ffffffffffffffffff02", "number beyond 64 bits"),
        ("0a01", "field longer than its message"),
        ("0affffffffffffffffff01", "field longer than its message"),
    ],
)
def test_refused(data: str, message: str) -> None:
    raw = bytes.fromhex(data)
    with pytest.raises(FormatError, match=f"^{message}$"):
        list(fields(raw))
    with pytest.raises(FormatError, match=f"^{message}$"):
        list(spans(Metered(raw), 0, len(raw)))


def test_varints_of_the_packed_example() -> None:
    assert list(varints(bytes.fromhex("038e029ea705"))) == [3, 270, 86942]
    with pytest.raises(FormatError):
        list(varints(b"\x03\x8e"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (5, 5), (2**63 - 1, 2**63 - 1), (2**63, -(2**63)), (2**64 - 1, -1)],
)
def test_signed(value: int, expected: int) -> None:
    assert signed(value) == expected


def test_spans_do_not_read_content() -> None:
    data = pb(1, b"x" * 100_000) + pb(2, b"y" * 100_000) + pb(3, 7)
    source = Metered(data, limit=100)
    found = list(spans(source, 0, len(data)))
    assert [number for number, _, _ in found] == [1, 2, 3]
    assert found[0][2] == Span(4, 100_000)


def test_spans_of_a_message_within() -> None:
    inner = pb(1, 1) + pb(2, "text")
    data = pb(9, inner) + pb(10, 10)
    [(_, _, span), _] = spans(Metered(data), 0, len(data))
    assert isinstance(span, Span)
    found = list(spans(Metered(data), span.offset, span.length))
    assert found == [(1, VARINT, 1), (2, BYTES, Span(len(data) - 6, 4))]


def test_a_field_may_not_leave_its_message_for_the_rest_of_the_file() -> None:
    data = b"\x0a\x05" + bytes(5)
    with pytest.raises(FormatError):
        list(spans(Metered(data), 0, 4))


_FIELDS = st.lists(
    st.tuples(
        st.integers(1, (1 << 29) - 1), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300))
    )
)


@given(_FIELDS)
def test_round_trip(written: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(pb(number, value) for number, value in written)
    assert [(number, value) for number, _, value in fields(data)] == written
    kinds = [(number, wire) for number, wire, _ in fields(data)]
    assert [(number, wire) for number, wire, _ in spans(Metered(data), 0, len(data))] == kinds


@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes) -> None:
    found = []
    for read in (lambda: fields(data), lambda: spans(Metered(data, 10_000), 0, len(data))):
        try:
            found.append([(number, wire) for number, wire, _ in read()])
        except FormatError as error:
            found.append([(0, len(str(error)))])
    assert found[0] == found[1]


@given(st.integers(0, 2**64 - 1))
def test_varint_round_trip(number: int) -> None:
    assert list(varints(varint(number))) == [number]
