"""Packets, DNS messages and TLS hellos, built by hand or by those who really make them."""

import contextlib
import ssl
import struct
from ipaddress import ip_address

TCP, UDP = 6, 17
A, CNAME, AAAA = 1, 5, 28


def ip(source: str, destination: str, protocol: int, carried: bytes, fragment: int = 0) -> bytes:
    """An IPv4 or IPv6 packet, as the addresses are."""
    ends = ip_address(source).packed + ip_address(destination).packed
    if len(ends) == 8:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(carried), 1, fragment, 64, protocol, 0)
    else:
        head = struct.pack(">IHBB", 0x6 << 28, len(carried), protocol, 64)
    return head + ends + carried


def udp(source: int, destination: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def tcp(source: int, destination: int, payload: bytes, options: bytes = b"") -> bytes:
    assert len(options) % 4 == 0
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack(">HHIIBBHHH", source, destination, 1, 1, offset, 0x18, 500, 0, 0)
    return head + options + payload


def hello(server_name: str | None) -> bytes:
    """The ClientHello of this Python's own TLS library: its whole first flight."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def server_name(name: bytes) -> tuple[int, bytes]:
    """The server_name extension."""
    entry = b"\0" + struct.pack(">H", len(name)) + name
    return 0, struct.pack(">H", len(entry)) + entry


def hello_of(extensions: list[tuple[int, bytes]]) -> bytes:
    """A ClientHello with these extensions and little else."""
    listed = b"".join(struct.pack(">HH", k, len(v)) + v for k, v in extensions)
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    body += struct.pack(">H", len(listed)) + listed
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def name(text: str) -> bytes:
    """A name on the wire, without pointers."""
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner: bytes, kind: int, data: bytes, group: int = 1) -> bytes:
    return owner + struct.pack(">HHIH", kind, group, 60, len(data)) + data


def answer(
    asked: bytes, *records: bytes, flags: int = 0x8180, questions: int = 1, count: int = -1
) -> bytes:
    """An answer to a question for addresses."""
    number = len(records) if count < 0 else count
    head = struct.pack(">HHHHHH", 7, flags, questions, number, 0, 0)
    return head + asked + struct.pack(">HH", A, 1) + b"".join(records)
