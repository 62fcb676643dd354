"""IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768) and TCP (RFC 9293): who sends what to whom.

Packets begin with their IP header. What follows an IPv6 extension header is not looked at, and
of a fragmented datagram only its first piece.
"""

from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

TCP = 6
UDP = 17

# version and header length, type of service, total length, id, fragment, time to live,
# protocol, checksum, source, destination
_IPV4 = Struct(">BBHHHBBH4s4s")
_FRAGMENT_OFFSET = 0x1FFF
# version, class and flow, payload length, next header, hop limit, source, destination
_IPV6 = Struct(">IHBB16s16s")
_PORTS = Struct(">HH")
_UDP_HEADER = 8
_TCP_LENGTH_AT = 12  # upper half of this byte, in words of 4 bytes


class Segment(NamedTuple):
    """One UDP datagram or TCP segment. Addresses are of 4 or 16 bytes, in network order."""

    protocol: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int
    payload: bytes


def parse(packet: bytes) -> Segment | None:
    """Return what an IP packet carries; None for another protocol or what is no packet."""
    try:
        version = packet[0] >> 4
        if version == 4:
            return _ipv4(packet)
        return _ipv6(packet) if version == 6 else None
    except (IndexError, struct_error):
        return None


def _ipv4(packet: bytes) -> Segment | None:
    head, _, total, _, fragment, _, protocol, _, source, destination = _IPV4.unpack_from(packet)
    if fragment & _FRAGMENT_OFFSET:
        return None
    # a total of 0: larger than 64 KiB before the network card cuts it (BIG TCP)
    carried = packet[(head & 0xF) * 4 : total or None]
    return _transport(protocol, source, destination, carried)


def _ipv6(packet: bytes) -> Segment | None:
    _, length, protocol, _, source, destination = _IPV6.unpack_from(packet)
    carried = packet[_IPV6.size : _IPV6.size + length if length else None]
    return _transport(protocol, source, destination, carried)


def _transport(protocol: int, source: bytes, destination: bytes, data: bytes) -> Segment | None:
    if protocol not in (TCP, UDP):
        return None
    source_port, destination_port = _PORTS.unpack_from(data)
    start = _UDP_HEADER if protocol == UDP else (data[_TCP_LENGTH_AT] >> 4) * 4
    payload = data[start:]
    return Segment(protocol, source, source_port, destination, destination_port, payload)
