"""Who is at the other end of a network namespace's sockets: asked of the kernel's sock_diag."""

import errno
import os
import socket
from collections.abc import Iterator

from aibom.formats.net import sockdiag
from aibom.formats.net.netlink import DumpError, read_dump
from aibom.observe.network import netns
from aibom.types.processes import Connection

_NETLINK_SOCK_DIAG = 4  # include/uapi/linux/netlink.h
# the kernel fills at most this much at once: net/netlink/af_netlink.c, netlink_recvmsg()
_DATAGRAM = 1 << 16
_PATIENCE = 5.0  # seconds until a kernel that does not answer is given up
#: Most sockets of one kind in one namespace that are read: some 60 MB of Python's memory.
MAX_SOCKETS = 100_000


def socket_peers(namespace: str) -> dict[int, int]:
    """Return the inode of each connected UNIX socket's peer, in a network namespace.

    ``namespace`` is the path of its /proc/PID/ns/net. Raises OSError where the namespace may
    not be entered (that takes CAP_SYS_ADMIN) or the kernel does not answer.
    """
    with _diag_socket(namespace) as diag:
        answers = _dump(diag, sockdiag.unix_request())
        return dict(pair for pair in map(sockdiag.parse_unix, answers) if pair)


def inet_sockets(namespace: str) -> Iterator[sockdiag.InetSocket]:
    """Yield the TCP and UDP sockets of a network namespace that tell something.

    See ``sockdiag.inet_request`` for which these are. Raises OSError as ``socket_peers`` does,
    and if there are more than MAX_SOCKETS of one kind.
    """
    with _diag_socket(namespace) as diag:
        for protocol in sockdiag.PROTOCOLS:
            for family in (sockdiag.AF_INET, sockdiag.AF_INET6):
                for answer in _dump(diag, sockdiag.inet_request(family, protocol)):
                    found = sockdiag.parse_inet(answer, protocol)
                    if found:
                        yield found


def connections(namespace: str) -> dict[int, Connection]:
    """Return the sockets of ``inet_sockets`` by inode. Raises OSError as that does."""
    return {found.inode: found.connection for found in inet_sockets(namespace)}


def _diag_socket(namespace: str) -> socket.socket:
    descriptor = netns.open_namespace(namespace)
    try:
        diag = netns.run_inside(descriptor, _open)
    finally:
        os.close(descriptor)
    diag.settimeout(_PATIENCE)
    return diag


def _open() -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_NETLINK, kind, _NETLINK_SOCK_DIAG)


def _dump(diag: socket.socket, request: bytes) -> Iterator[bytes]:
    diag.send(request)
    count = 0
    done = False
    while not done:
        try:
            payloads, done = read_dump(diag.recv(_DATAGRAM), sockdiag.BY_FAMILY)
        except DumpError as error:
            raise OSError(error.code, f"sock_diag: {os.strerror(error.code)}") from None
        yield from payloads
        count += len(payloads)
        if count > MAX_SOCKETS:
            raise OSError(errno.E2BIG, f"sock_diag: more than {MAX_SOCKETS:,} sockets")
