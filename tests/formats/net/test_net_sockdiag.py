"""sock_diag's answers, as bytes."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.net import netlink, sockdiag
from aibom.formats.procfs import net
from aibom.types.processes import Connection

V4 = bytes([127, 0, 0, 1]) + bytes(12)
LOOPBACK6 = bytes(15) + b"\1"
MAPPED = bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 1])


def inet(family: int, state: int, source: bytes, inode: int, rest: bytes = b"") -> bytes:
    ports = struct.pack(">HH", 80, 50000)
    head = struct.pack("=BBBB", family, state, 0, 0) + ports + source + source
    return head + bytes(12) + bytes(16) + struct.pack("=I", inode) + rest


def attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def message(kind: int, payload: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(payload), kind, 2, 0, 0) + payload


CGROUP = attribute(8, b"\3") + attribute(21, struct.pack("=Q", 4711))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (inet(2, 10, V4, 7), (7, Connection("127.0.0.1:80"), 0)),
        (inet(2, 1, V4, 7, CGROUP), (7, Connection("127.0.0.1:80", "127.0.0.1:50000"), 4711)),
        (inet(10, 2, LOOPBACK6, 8), (8, Connection("[::1]:80", "[::1]:50000"), 0)),
        (inet(10, 8, MAPPED, 9), (9, Connection("10.0.0.1:80", "10.0.0.1:50000"), 0)),
        (inet(2, 6, V4, 0), None),  # TIME_WAIT belongs to nobody
        (inet(2, 10, V4, 7)[:-1], None),
        (b"", None),
    ],
)
def test_inet_sockets(payload: bytes, expected: object) -> None:
    assert sockdiag.parse_inet(payload, "tcp") == expected


def test_unix_sockets() -> None:
    head = struct.pack("=BBBBI8x", 1, 1, 1, 0, 10)
    assert sockdiag.parse_unix(head + attribute(2, struct.pack("=I", 11))) == (10, 11)
    assert sockdiag.parse_unix(head + attribute(6, b"\0")) is None
    assert sockdiag.parse_unix(head[:-1]) is None


def test_a_dump_ends_where_the_kernel_says() -> None:
    done = message(3, struct.pack("=i", 0))
    data = message(20, b"one!") + message(9, b"else") + message(20, b"two!") + done
    assert netlink.read_dump(data, 20) == ([b"one!", b"two!"], True)
    assert netlink.read_dump(data[: -len(done)], 20) == ([b"one!", b"two!"], False)
    with pytest.raises(netlink.DumpError) as caught:
        netlink.read_dump(message(2, struct.pack("=i", -13)), 20)
    assert caught.value.code == 13


@given(st.binary(max_size=400))
def test_no_bytes_make_reading_hang_or_raise_otherwise(data: bytes) -> None:
    sockdiag.parse_inet(data, "udp")
    sockdiag.parse_unix(data)
    net.parse_udp(data)
    with contextlib.suppress(netlink.DumpError):
        netlink.read_dump(data, 20)
        netlink.read_dump(message(20, data) + data, 20)


PROC = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0200000A:C350 0100000A:01BB 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0200000A:C351 0100000A:01BB 08 00000000:00000000 00:00000000 00000000     0        0 333 1
   3: 0200000A:C352 0100000A:01BB 02 00000000:00000000 00:00000000 00000000     0        0 444 1
"""  # noqa: E501


def test_what_procfs_says_reads_the_same() -> None:
    assert net.parse_udp(PROC)[222] == Connection("10.0.0.2:50000", "10.0.0.1:443", protocol="udp")
    assert set(net.parse_udp(PROC)) == {222, 333, 444}
    assert set(net.parse_tcp(PROC)) == {222, 333, 444}
