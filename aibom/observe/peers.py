"""Which UNIX socket is joined to which: asked of the kernel, per network namespace."""

import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor

# include/uapi/linux/netlink.h
_NETLINK_SOCK_DIAG = 4
# include/uapi/linux/unix_diag.h, UDIAG_SHOW_PEER
_SHOW_PEER = 0x4
# include/uapi/linux/sched.h
_CLONE_NEWNET = 0x40000000


def socket_peers(namespace: str) -> dict[int, int]:
    """Return the inode of each connected UNIX socket's peer, in a network namespace.

    ``namespace`` is the path of its /proc/PID/ns/net. Raises OSError where the namespace may
    not be entered (that takes CAP_SYS_ADMIN) or the kernel does not answer.
    """
    from pyroute2 import DiagSocket, NetlinkError  # noqa: PLC0415 - 33 MB that few sweeps need

    # a thread of its own enters the namespace and ends; the socket stays in it
    with ThreadPoolExecutor(max_workers=1) as pool:
        descriptor = pool.submit(_open_in, namespace).result()
    try:
        with DiagSocket(fileno=descriptor) as diag:
            answers = list(diag.get_sock_stats(family=socket.AF_UNIX, show=_SHOW_PEER))
    except NetlinkError as error:
        raise OSError(error.code, f"sock_diag: {error}") from None
    peers = {}
    for answer in answers:
        peer = answer.get_attr("UNIX_DIAG_PEER")
        if peer:
            peers[int(answer["udiag_ino"])] = int(peer)
    return peers


def _open_in(namespace: str) -> int:
    if os.stat(namespace).st_ino != os.stat("/proc/thread-self/ns/net").st_ino:
        target = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(target)
        finally:
            os.close(target)
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    return socket.socket(socket.AF_NETLINK, kind, _NETLINK_SOCK_DIAG).detach()


def _setns(descriptor: int) -> None:
    # os.setns is there from Python 3.12 on
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(ctypes.c_int(descriptor), ctypes.c_int(_CLONE_NEWNET)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
