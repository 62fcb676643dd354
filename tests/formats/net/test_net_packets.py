"""Packets, and the filter that chooses among them: run here step by step, and in the kernel."""

import ctypes
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.net import namefilter, packets
from tests.formats.net import wire
from tests.formats.net.cbpf import Machine

TO_US, OTHERS, OUTGOING = 0, 3, 4
HELLO = wire.hello("hub.example")
PAIRS = [("10.0.0.2", "10.0.0.3"), ("fd00::2", "fd00::3")]
DNS = wire.udp(53, 40000, b"answer")
TLS = wire.tcp(40000, 443, HELLO, options=bytes(12))


def run(packet: bytes, direction: int, protocol: int | None = None) -> int:
    """How many bytes of a packet the filter hands over."""
    if protocol is None:
        protocol = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    known = {0xFFFFF000: protocol, 0xFFFFF004: direction}
    return Machine(packet, known).run(namefilter.assemble())


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_names_are_let_through_in_one_direction(source: str, destination: str) -> None:
    over_udp = wire.ip(source, destination, wire.UDP, DNS)
    over_tcp = wire.ip(source, destination, wire.TCP, wire.tcp(53, 40000, b"\0\6answer"))
    greeting = wire.ip(source, destination, wire.TCP, TLS)
    for packet in (over_udp, over_tcp):
        assert run(packet, TO_US) == namefilter.SNAPLEN
        assert run(packet, OUTGOING) == run(packet, OTHERS) == 0
    assert run(greeting, OUTGOING) == namefilter.SNAPLEN
    assert run(greeting, TO_US) == run(greeting, OTHERS) == 0


@pytest.mark.parametrize(("source", "destination"), PAIRS)
@pytest.mark.parametrize(
    ("protocol", "carried"),
    [
        (wire.UDP, wire.udp(40000, 53, b"question")),
        (wire.UDP, wire.udp(443, 40000, HELLO)),
        (wire.TCP, wire.tcp(40000, 443, b"GET / HTTP/1.1\r\n\r\n")),
        (wire.TCP, wire.tcp(40000, 443, b"")),
        (wire.TCP, wire.tcp(443, 40000, b"\x16\3\3\0\x7a\2\0\0\x76")),  # ServerHello
        (wire.TCP, wire.tcp(40000, 443, b"\x17\3\3\0\x7a\1\0\0\x76")),  # application data
        (wire.TCP, wire.tcp(40000, 443, HELLO[:5])),
        (132, TLS),  # SCTP
    ],
)
def test_everything_else_is_dropped(
    source: str, destination: str, protocol: int, carried: bytes
) -> None:
    packet = wire.ip(source, destination, protocol, carried)
    assert {run(packet, direction) for direction in range(8)} == {0}


def test_fragments_after_the_first_and_other_protocols_are_dropped() -> None:
    first = wire.ip(*PAIRS[0], wire.UDP, DNS, fragment=0x2000)
    later = wire.ip(*PAIRS[0], wire.UDP, DNS, fragment=0x2001)
    assert (run(first, TO_US), run(later, TO_US)) == (namefilter.SNAPLEN, 0)
    assert run(first, TO_US, protocol=0x0806) == 0  # ARP


@given(st.binary(max_size=120), st.integers(0, 7), st.sampled_from([0x0800, 0x86DD, 0x0806]))
def test_the_filter_ends_for_any_packet(packet: bytes, direction: int, protocol: int) -> None:
    assert run(packet, direction, protocol) in (0, namefilter.SNAPLEN)


def test_the_kernel_takes_the_program() -> None:
    reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with reader, writer:
        code = ctypes.create_string_buffer(namefilter.assemble())
        program = struct.pack("@HP", namefilter.instructions(), ctypes.addressof(code))
        reader.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER
        # no protocol is known of what comes over this socket, so nothing passes
        writer.send(wire.ip(*PAIRS[0], wire.UDP, DNS))
        with pytest.raises(BlockingIOError):
            reader.recv(100, socket.MSG_DONTWAIT)


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_packets_are_taken_apart(source: str, destination: str) -> None:
    ends = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a)
            for a in (source, destination)]  # fmt: skip
    found = packets.parse(wire.ip(source, destination, wire.TCP, TLS) + b"trailer of the link")
    assert found == (packets.TCP, ends[0], 40000, ends[1], 443, HELLO)
    found = packets.parse(wire.ip(source, destination, wire.UDP, DNS) + b"trailer of the link")
    assert found == (packets.UDP, ends[0], 53, ends[1], 40000, b"answer")


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x45",
        wire.ip(*PAIRS[0], wire.UDP, DNS, fragment=1),
        wire.ip(*PAIRS[0], 1, DNS),
        wire.ip(*PAIRS[0], wire.TCP, TLS[:12]),
        b"\x55" + wire.ip(*PAIRS[0], wire.UDP, DNS)[1:],
    ],
)
def test_what_is_no_packet_of_ours(packet: bytes) -> None:
    assert packets.parse(packet) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_taking_apart_raise(packet: bytes) -> None:
    packets.parse(packet)
    packets.parse(b"\x45" + packet)
    packets.parse(b"\x60" + packet)
