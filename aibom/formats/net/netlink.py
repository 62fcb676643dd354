"""Netlink on the wire (netlink(7)): messages and their attributes, in the host's byte order.

Lengths come from the kernel; they are checked all the same, so that nothing can loop or reach
beyond the data.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

# include/uapi/linux/netlink.h: struct nlmsghdr, struct nlattr, NLMSG_ERROR, NLMSG_DONE,
# NLM_F_REQUEST | NLM_F_DUMP
_HEADER = Struct("=IHHII")
_ATTRIBUTE = Struct("=HH")
_CODE = Struct("=i")
_ERROR = 2
_DONE = 3
_REQUEST_DUMP = 0x1 | 0x300


class DumpError(Exception):
    """The kernel refused: ``code`` is its errno."""

    def __init__(self, code: int) -> None:
        """Keep the errno."""
        super().__init__(f"netlink error {code}")
        self.code = code


class Dumped(NamedTuple):
    """The answers of one kind in a piece of a dump; ``done`` is true at the dump's end."""

    payloads: list[bytes]
    done: bool


def dump_request(kind: int, body: bytes) -> bytes:
    """Return a request of type ``kind`` for everything that ``body`` describes."""
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, 0, 0) + body


def read_dump(data: bytes, kind: int) -> Dumped:
    """Return what one received datagram of a dump holds of ``kind``.

    Raises DumpError where the kernel answered with an error.
    """
    payloads: list[bytes] = []
    at = 0
    while at + _HEADER.size <= len(data):
        length, found, _, _, _ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= length <= len(data) - at:
            break
        payload = data[at + _HEADER.size : at + length]
        if found in (_ERROR, _DONE):
            _raise_error(payload)
            return Dumped(payloads, done=True)
        if found == kind:
            payloads.append(payload)
        at += _aligned(length)
    return Dumped(payloads, done=False)


def attributes(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield (type, value) of the attributes that stand in ``data`` from ``at`` on."""
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= length <= len(data) - at:
            return
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def _raise_error(payload: bytes) -> None:
    # both kinds of message start with a negative errno, or 0
    if len(payload) >= _CODE.size and (code := -_CODE.unpack_from(payload)[0]) > 0:
        raise DumpError(code)


def _aligned(length: int) -> int:
    return length + 3 & ~3  # NLMSG_ALIGN, NLA_ALIGN
