"""sock_diag(7): what the kernel says of the sockets in a network namespace.

Numbers are from include/uapi/linux/{sock_diag,inet_diag,unix_diag}.h, states from
include/net/tcp_states.h, which connected UDP sockets use too.
"""

from struct import Struct
from typing import Literal, NamedTuple

from aibom.formats.net.address import spell_end
from aibom.formats.net.netlink import attributes, dump_request
from aibom.types.processes import Connection

#: Type of a request and of its answers: SOCK_DIAG_BY_FAMILY.
BY_FAMILY = 20
AF_UNIX = 1
AF_INET = 2
AF_INET6 = 10
Protocol = Literal["tcp", "udp"]
#: What is asked for, as IPPROTO_TCP and IPPROTO_UDP.
PROTOCOLS: dict[Protocol, int] = {"tcp": 6, "udp": 17}

_ESTABLISHED = 1
_SYN_SENT = 2
_CLOSE_WAIT = 8
_LISTEN = 10
#: What tells a destination: connected, connecting, and left by the other end only, as idle
#: connections in a client's pool are.
TELLING_STATES = frozenset({_ESTABLISHED, _SYN_SENT, _CLOSE_WAIT})
LISTENING_STATE = _LISTEN

# struct inet_diag_req_v2: family, protocol, extensions, padding, states as bits, a zero
# inet_diag_sockid
_INET_REQUEST = Struct("=BBBxI48x")
# struct inet_diag_msg: family, state, timer, retransmits, ports in network order, source,
# destination, then interface, cookie, expires, queues and uid (skipped), inode
_PORTS = Struct(">HH")
_INET_ANSWER = Struct("=BBxx4s16s16s28xI")
_CGROUP_ID = 21  # INET_DIAG_CGROUP_ID, Linux 5.7
_ID = Struct("=Q")

# struct unix_diag_req: family, protocol, padding, states, inode, what to show, cookie
_UNIX_REQUEST = Struct("=BBxxIII8x")
# struct unix_diag_msg: family, type, state, padding, inode, cookie
_UNIX_ANSWER = Struct("=BBBxI8x")
_SHOW_PEER = 0x4  # UDIAG_SHOW_PEER
_PEER = 2  # UNIX_DIAG_PEER
_INODE = Struct("=I")
_ALL_STATES = 0xFFFFFFFF


class InetSocket(NamedTuple):
    """A TCP or UDP socket. ``cgroup`` is its cgroup's id (the inode of its folder), or 0."""

    inode: int
    connection: Connection
    cgroup: int


def inet_request(family: int, protocol: Protocol) -> bytes:
    """Return the request for the sockets of AF_INET or AF_INET6 that tell something.

    Of TCP those that listen or have another end; of UDP those that were connected to one.
    """
    states = {_ESTABLISHED} if protocol == "udp" else TELLING_STATES | {_LISTEN}
    bits = sum(1 << state for state in states)
    return dump_request(BY_FAMILY, _INET_REQUEST.pack(family, PROTOCOLS[protocol], 0, bits))


def parse_inet(payload: bytes, protocol: Protocol) -> InetSocket | None:
    """Return the socket of one answer, or None if no process holds it or it is too short."""
    if len(payload) < _INET_ANSWER.size:
        return None
    family, state, ports, source, destination, inode = _INET_ANSWER.unpack_from(payload)
    if not inode:
        return None
    length = 4 if family == AF_INET else 16
    source_port, destination_port = _PORTS.unpack(ports)
    local = spell_end(source[:length], source_port)
    remote = "" if state == _LISTEN else spell_end(destination[:length], destination_port)
    cgroup = 0
    for kind, value in attributes(payload, _INET_ANSWER.size):
        if kind == _CGROUP_ID and len(value) == _ID.size:
            (cgroup,) = _ID.unpack(value)
    return InetSocket(inode, Connection(local, remote, protocol=protocol), cgroup)


def unix_request() -> bytes:
    """Return the request for all UNIX sockets with their peers."""
    body = _UNIX_REQUEST.pack(AF_UNIX, 0, _ALL_STATES, 0, _SHOW_PEER)
    return dump_request(BY_FAMILY, body)


def parse_unix(payload: bytes) -> tuple[int, int] | None:
    """Return the inodes of a connected UNIX socket and of its peer, or None without a peer."""
    if len(payload) < _UNIX_ANSWER.size:
        return None
    inode = _UNIX_ANSWER.unpack_from(payload)[3]
    for kind, value in attributes(payload, _UNIX_ANSWER.size):
        if kind == _PEER and len(value) == _INODE.size:
            (peer,) = _INODE.unpack(value)
            return (inode, peer) if peer else None
    return None
