"""DNS answers (RFC 1035): which addresses the name that was asked for stands for.

Anybody may have sent the message. Reading ends at the first thing that does not fit; what was
read before counts, so an answer that is cut off gives the addresses that are there.
"""

from collections.abc import Iterator
from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from aibom.formats.net.address import spell_address
from aibom.formats.net.hostname import host_name

# header: id, flags, counts of questions, answers, authorities, additions
_HEADER = Struct(">HHHHHH")
# QR, OPCODE and RCODE: an answer to a plain query, without error
_FLAGS_MASK = 0x8000 | 0x7800 | 0x000F
_ANSWERED = 0x8000
_QUESTION_TAIL = 4  # type and class
_RECORD = Struct(">HHIH")  # type, class, time to live, length of the data
_IN = 1
_A = 1
_CNAME = 5
_AAAA = 28  # RFC 3596
_LONGEST_NAME = 255
_MAX_LABELS = 32
_MAX_RECORDS = 32
_MAX_CHAIN = 16  # aliases of aliases: resolvers give up at about this many, too

_Name = tuple[bytes, ...]


class Named(NamedTuple):
    """A host name and one address that it stands for."""

    host: str
    address: str


class _Record(NamedTuple):
    owner: _Name
    kind: int
    start: int
    length: int


def read_answer(message: bytes) -> list[Named]:
    """Return the addresses that a DNS message gives for the name that it was asked for.

    Aliases (CNAME) are followed; they are never returned as the name. Anything but a successful
    answer to one question gives nothing. Never raises.
    """
    try:
        _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        if flags & _FLAGS_MASK != _ANSWERED or questions != 1:
            return []
        asked, at = _name(message, _HEADER.size)
    except (IndexError, ValueError, struct_error):
        return []
    host = host_name(b".".join(asked))
    if not host:
        return []
    aliases: dict[_Name, _Name] = {}
    addresses: dict[_Name, list[str]] = {}
    for owner, kind, start, length in _records(message, at + _QUESTION_TAIL, answers):
        if (kind, length) in ((_A, 4), (_AAAA, 16)):
            addresses.setdefault(owner, []).append(spell_address(message[start : start + length]))
        elif kind == _CNAME and (target := _target(message, start)):
            aliases.setdefault(owner, target)
    found: dict[str, None] = {}
    for name in _chain(asked, aliases):
        found |= dict.fromkeys(addresses.get(name, ()))
    return [Named(host, address) for address in found]


def _chain(name: _Name, aliases: dict[_Name, _Name]) -> Iterator[_Name]:
    yield name
    for _ in range(_MAX_CHAIN):
        if name not in aliases:
            return
        name = aliases[name]
        yield name


def _records(message: bytes, at: int, count: int) -> Iterator[_Record]:
    """Yield the records of class IN that are whole."""
    try:
        for _ in range(min(count, _MAX_RECORDS)):
            owner, at = _name(message, at)
            kind, group, _, length = _RECORD.unpack_from(message, at)
            start = at + _RECORD.size
            at = start + length
            if at > len(message):
                return
            if group == _IN:
                yield _Record(owner, kind, start, length)
    except (IndexError, ValueError, struct_error):
        return


def _target(message: bytes, at: int) -> _Name:
    try:
        return _name(message, at)[0]
    except (IndexError, ValueError):
        return ()


def _name(message: bytes, at: int) -> tuple[_Name, int]:
    """Return the labels of the name at ``at`` in lower case, and where it ends.

    A pointer (RFC 1035 4.1.4) must lead to before everything read so far, as every honest one
    does, so there can be no loop. Raises ValueError, or IndexError at the end of the message.
    """
    labels: list[bytes] = []
    end = 0
    earliest = at
    left = _LONGEST_NAME
    while length := message[at]:
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
            if at >= earliest:
                raise ValueError("pointer leads forward")
            earliest = at
            continue
        label = message[at + 1 : at + 1 + length]
        left -= length + 1
        if length > 63 or left < 1 or len(label) < length or len(labels) == _MAX_LABELS:
            raise ValueError("label does not fit")
        labels.append(label.lower())
        at += 1 + length
    return tuple(labels), end or at + 1
