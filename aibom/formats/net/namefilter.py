"""The packet filter that lets only packets with host names through, for the kernel to run.

Classic BPF (bpf(4), Documentation/networking/filter.rst): one accumulator A, one index X. The
program is attached to a packet socket of type SOCK_DGRAM, so a packet begins with its IP header
whatever the link below is, and a VLAN tag is gone. A load beyond the end of the packet ends the
program and drops the packet. Jumps lead forward only, so every packet is done within 24 steps.

On loopback, and wherever else a packet passes twice, it is outgoing once and incoming once: a
ClientHello counts as it goes out, a DNS answer as it comes in.
"""

from struct import Struct
from typing import NamedTuple

#: Most bytes of one packet that are handed over: a ClientHello with post-quantum keys has 2 KB.
SNAPLEN = 4096

# include/uapi/linux/bpf_common.h: class | size | mode, class | operation | source
_LDH, _LDB = 0x28, 0x30  # A = 2 bytes, 1 byte at k
_LDHX, _LDBX = 0x48, 0x50  # A = 2 bytes, 1 byte at X + k
_LDX = 0x01  # X = k
_LDX_IP = 0xB1  # X = 4 * (byte at k & 0xf): the length of an IPv4 header
_AND, _RSH, _ADD_X = 0x54, 0x74, 0x0C  # A &= k, A >>= k, A += X
_TAX = 0x07  # X = A
_JEQ, _JSET = 0x15, 0x45  # A == k, A & k
_RET = 0x06  # hand over k bytes; 0: drop

# include/uapi/linux/filter.h: loads from here on give what the kernel knows of the packet
_KNOWN = 0x1_0000_0000 - 0x1000  # SKF_AD_OFF
_PROTOCOL = _KNOWN + 0  # SKF_AD_PROTOCOL
_DIRECTION = _KNOWN + 4  # SKF_AD_PKTTYPE
# include/uapi/linux/if_ether.h, if_packet.h, in.h
_IPV4, _IPV6 = 0x0800, 0x86DD
_TO_US, _OUTGOING = 0, 4
_TCP, _UDP = 6, 17

_INSTRUCTION = Struct("=HBBI")  # struct sock_filter: code, jump if true, if false, k


class _Step(NamedTuple):
    """One instruction. Jumps name the label they lead to; "" is the next instruction."""

    label: str
    code: int
    k: int
    true: str = ""
    false: str = ""


_PROGRAM = (
    _Step("", _LDH, _PROTOCOL),  # which protocol does the link say it is?
    _Step("", _JEQ, _IPV4, "ipv4"),
    _Step("", _JEQ, _IPV6, "ipv6", "drop"),
    _Step("ipv4", _LDH, 6),  # flags and fragment offset
    _Step("", _JSET, 0x1FFF, "drop"),  # not the first piece: no ports in it
    _Step("", _LDX_IP, 0),  # X = where the IPv4 header ends
    _Step("", _LDB, 9),  # protocol
    _Step("", _JEQ, _UDP, "answer?"),
    _Step("", _JEQ, _TCP, "tcp", "drop"),
    _Step("ipv6", _LDX, 40),  # X = where the fixed header ends
    _Step("", _LDB, 6),  # next header
    _Step("", _JEQ, _UDP, "answer?"),
    _Step("", _JEQ, _TCP, "tcp", "drop"),
    _Step("tcp", _LDHX, 0),  # source port
    _Step("", _JEQ, 53, "incoming?"),
    _Step("", _LDBX, 12),  # upper half: length of the TCP header in words
    _Step("", _AND, 0xF0),
    _Step("", _RSH, 2),  # ... in bytes
    _Step("", _ADD_X, 0),
    _Step("", _TAX, 0),  # X = where the data starts
    _Step("", _LDHX, 0),  # TLS record: content type 22 (handshake), major version 3
    _Step("", _JEQ, 0x1603, "", "drop"),
    _Step("", _LDBX, 5),  # handshake type 1: ClientHello
    _Step("", _JEQ, 1, "", "drop"),
    _Step("", _LDB, _DIRECTION),
    _Step("", _JEQ, _OUTGOING, "keep", "drop"),
    _Step("answer?", _LDHX, 0),  # source port
    _Step("", _JEQ, 53, "", "drop"),
    _Step("incoming?", _LDB, _DIRECTION),
    _Step("", _JEQ, _TO_US, "keep", "drop"),
    _Step("keep", _RET, SNAPLEN),
    _Step("drop", _RET, 0),
)


def assemble() -> bytes:
    """Return the program as the kernel takes it: instructions of 8 bytes."""
    places = {step.label: number for number, step in enumerate(_PROGRAM) if step.label}
    code = b""
    for number, step in enumerate(_PROGRAM):
        following = number + 1
        true = places[step.true] - following if step.true else 0
        false = places[step.false] - following if step.false else 0
        code += _INSTRUCTION.pack(step.code, true, false, step.k)
    return code


def instructions() -> int:
    """Return how many instructions the program has."""
    return len(_PROGRAM)
