"""Host names out of DNS answers and TLS hellos, whatever is sent."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.net.dns import read_answer
from aibom.formats.net.hostname import host_name
from aibom.formats.net.tlshello import read_server_name
from tests.formats.net import wire

HUB = wire.name("huggingface.co")
ASKED = b"\xc0\x0c"  # a pointer to the question
V4 = bytes([18, 155, 1, 2])
V6 = bytes.fromhex("2600900000000000000000000000beef")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"HuggingFace.CO", "huggingface.co"),
        (b"api.openai.com.", "api.openai.com"),
        (b"ollama", "ollama"),
        (b"xn--bcher-kva.example", "xn--bcher-kva.example"),
        (b"3.example.3com", "3.example.3com"),
        (b"a" * 63 + b".b", "a" * 63 + ".b"),
        (b"a" * 64 + b".b", ""),
        (b".".join([b"a" * 49] * 6), ""),  # 299 characters
        (b"127.0.0.1", ""),
        (b"2130706433", ""),
        (b"", ""),
        (b".", ""),
        (b"a..b", ""),
        (b"-a.b", ""),
        (b"a-.b", ""),
        (b"a b", ""),
        (b"a\x1b[31m.b", ""),
        (b"a.b\n", ""),
        ("bücher.example".encode(), ""),
    ],
)
def test_host_names(raw: bytes, expected: str) -> None:
    assert host_name(raw) == expected


@given(st.binary(max_size=300))
def test_what_is_let_through_can_be_shown(raw: bytes) -> None:
    assert set(host_name(raw)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


def test_an_answer_names_every_address_of_the_name_that_was_asked_for() -> None:
    message = wire.answer(
        wire.name("Router.HuggingFace.co"),
        wire.record(ASKED, wire.CNAME, wire.name("cdn.example.net")),
        wire.record(wire.name("CDN.example.net"), wire.CNAME, wire.name("_edge.example.net")),
        wire.record(wire.name("_edge.example.net"), wire.A, V4),
        wire.record(wire.name("_edge.example.net"), wire.AAAA, V6),
        wire.record(wire.name("other.example.net"), wire.A, V4[::-1]),
    )
    host = "router.huggingface.co"
    assert read_answer(message) == [(host, "18.155.1.2"), (host, "2600:9000::beef")]


@pytest.mark.parametrize(
    "message",
    [
        wire.answer(HUB, wire.record(ASKED, wire.A, V4), flags=0x0100),  # a query
        wire.answer(HUB, wire.record(ASKED, wire.A, V4), flags=0x8183),  # no such name
        wire.answer(HUB, wire.record(ASKED, wire.A, V4), flags=0xA980),  # a dynamic update
        wire.answer(HUB, wire.record(ASKED, wire.A, V4), questions=2),
        wire.answer(HUB, wire.record(ASKED, wire.A, V4), questions=0),
        wire.answer(HUB, wire.record(ASKED, wire.A, V4, group=3)),  # of class CHAOS
        wire.answer(HUB, wire.record(ASKED, wire.A, V4 + b"\0")),
        wire.answer(HUB, wire.record(ASKED, wire.AAAA, V4)),
        wire.answer(wire.name("a b"), wire.record(ASKED, wire.A, V4)),
        wire.answer(HUB, wire.record(ASKED, wire.CNAME, ASKED)),  # an alias of itself
        wire.answer(ASKED, wire.record(ASKED, wire.A, V4)),  # a pointer to itself
        wire.answer(b"\xc0\xff", wire.record(ASKED, wire.A, V4)),  # a pointer forward
        wire.answer(b"\x40" + bytes(64), wire.record(ASKED, wire.A, V4)),  # no length of a label
        wire.answer((b"\x09" + b"a" * 9) * 26 + b"\0", wire.record(ASKED, wire.A, V4)),  # 260
        wire.answer(b"\x01a" * 33 + b"\0", wire.record(ASKED, wire.A, V4)),  # 33 labels
        wire.answer(HUB),
        b"",
    ],
)
def test_what_is_no_answer_gives_nothing(message: bytes) -> None:
    assert read_answer(message) == []


def test_an_answer_that_is_cut_gives_what_is_there() -> None:
    message = wire.answer(HUB, wire.record(ASKED, wire.A, V4), wire.record(ASKED, wire.A, V4[::-1]))
    assert len(read_answer(message)) == 2
    assert read_answer(message[:-1]) == [("huggingface.co", "18.155.1.2")]


def test_an_answer_that_claims_65535_records_and_a_long_chain_stay_bounded() -> None:
    links = [
        wire.record(wire.name(f"{n or 'start'}.a"), wire.CNAME, wire.name(f"{n + 1}.a"))
        for n in range(100)
    ]
    last = wire.record(wire.name("100.a"), wire.A, V4)
    assert read_answer(wire.answer(wire.name("start.a"), *links, last, count=65535)) == []
    many = [wire.record(ASKED, wire.A, struct.pack(">I", n)) for n in range(1000)]
    assert len(read_answer(wire.answer(HUB, *many))) == 32


ODD = st.lists(
    st.sampled_from([ASKED, b"\xc0\x1c", b"\0", b"\x03abc", HUB, V4, b"\0\1\0\1", b"\0\x05\0\1"])
    | st.binary(max_size=8)
).map(b"".join)


@given(st.binary(max_size=600) | ODD.map(lambda data: wire.answer(HUB, data, count=9)))
def test_no_message_makes_reading_an_answer_raise(message: bytes) -> None:
    for host, address in read_answer(message):
        assert host == host_name(host.encode())
        assert set(address) <= set("0123456789abcdef.:")


def test_the_name_in_the_hello_of_a_real_client() -> None:
    assert read_server_name(wire.hello("Api.OpenAI.com")) == "api.openai.com"
    assert read_server_name(wire.hello(None)) == ""


def test_a_hello_that_is_cut_gives_its_name_only_whole() -> None:
    whole = wire.hello_of([(43, b"\2\3\4"), wire.server_name(b"hub.example"), (51, bytes(1200))])
    end = whole.index(b"hub.example") + len(b"hub.example")
    for length in range(len(whole) + 1):
        expected = "hub.example" if length >= end else ""
        assert read_server_name(whole[:length]) == expected


@pytest.mark.parametrize(
    "data",
    [
        wire.hello_of([]),
        wire.hello_of([wire.server_name(b"front.example"), (0xFE0D, bytes(200))]),
        wire.hello_of([(0xFE0D, bytes(200)), wire.server_name(b"front.example")]),
        wire.hello_of([wire.server_name(b"front.example"), (0xFE0D, bytes(200))])[:-50],
        wire.hello_of([wire.server_name(b"a.example"), wire.server_name(b"b.example")]),
        wire.hello_of([wire.server_name(b"10.0.0.1")]),
        wire.hello_of([wire.server_name(b"a\0.example")]),
        wire.hello_of([(0, b"")]),
        wire.hello_of([(0, b"\0\5\1\0\2ab")]),  # a name of another type
        wire.hello_of([(0, b"\0\5\0\0\xffab")]),  # longer than its extension
        b"\x17" + wire.hello_of([wire.server_name(b"a.example")])[1:],
        b"\x16\2" + wire.hello_of([wire.server_name(b"a.example")])[2:],
        wire.hello_of([wire.server_name(b"a.example")]).replace(b"\x16\3\1\0", b"\x16\3\1\xff", 1)[
            :20
        ],
        b"",
    ],
)
def test_a_hello_without_a_name_that_can_be_believed(data: bytes) -> None:
    assert read_server_name(data) == ""


HELLO = wire.hello("hub.example")


@given(
    st.binary(max_size=600)
    | st.tuples(st.integers(0, len(HELLO)), st.binary(max_size=40)).map(
        lambda cut: HELLO[: cut[0]] + cut[1] + HELLO[cut[0] + len(cut[1]) :]
    )
)
def test_no_bytes_make_reading_a_hello_raise(data: bytes) -> None:
    found = read_server_name(data)
    assert found == host_name(found.encode())
