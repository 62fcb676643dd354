"""Forks, execs and exits of the whole node, from the kernel's process connector."""

import array
import ctypes
import errno
import os
import secrets
import select
import socket
import struct
import time
from collections.abc import Iterator

from aibom.formats.events import proc
from aibom.formats.events.proc import ProcessEvent
from aibom.observe.events.errors import SensorError
from aibom.observe.network import netns

# include/uapi/linux/netlink.h; the group is CN_IDX_PROC of include/uapi/linux/connector.h
_NETLINK_CONNECTOR = 11
_GROUP = 1
# include/uapi/asm-generic/socket.h; SK_MEMINFO_DROPS of include/uapi/linux/sock_diag.h
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_DROPS = 8
#: Bytes that the kernel keeps for us: it doubles this, for some 10,000 events.
_BUFFER = 4 << 20
#: Bytes of a datagram that are read; an event has 76.
_DATAGRAM = 256
#: Most datagrams taken by one `ProcessEvents.read`.
_MOST = 16384
#: Seconds for the kernel's answer, which it gives before the request's send returns.
_PATIENCE = 0.2

_OWN_NAMES = "run it in the host's pid and user namespaces (in a pod: hostPID: true, no userns)"
_OWN_NETWORK = "give it the host's network namespace, in a pod by hostNetwork: true"
_PRIVILEGE = "run as root with CAP_NET_ADMIN (and CAP_SYS_ADMIN to enter a network namespace)"


class ProcessEvents:
    """The process events of the node since this object was made."""

    def __init__(self, netns: str | None = None) -> None:
        """Subscribe in the network namespace at path ``netns``, in our own if None.

        The kernel serves the host's network namespace only, and only readers in its first pid
        and user namespaces. Raises SensorError where one of these is missing, a privilege is, or
        the kernel has no process connector.
        """
        self._socket = _subscribed(netns)
        self._lost = 0

    @property
    def lost(self) -> int:
        """How many events the kernel has dropped because they were not read in time."""
        if self._socket.fileno() >= 0:
            self._lost = _drops(self._socket)
        return self._lost

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._socket.fileno()

    def read(self) -> list[ProcessEvent]:
        """Return what is waiting, oldest first and 16,384 at most; never blocks."""
        return [event for datagram in self._datagrams() if (event := proc.parse(datagram))]

    def _datagrams(self) -> Iterator[bytes]:
        receive = self._socket.recvfrom
        for _ in range(_MOST):
            try:
                datagram, sender = receive(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                continue  # `lost` has grown
            # whoever has CAP_NET_ADMIN in this network namespace could write to us as well
            if sender[0] == 0:
                yield datagram

    def close(self) -> None:
        """Unsubscribe. May be called again."""
        if self._socket.fileno() < 0:
            return
        self._lost = self.lost
        try:
            # before Linux 6.6 the kernel does not notice that a listener is gone
            self._socket.send(proc.request(0, listen=False))
        except OSError:
            pass
        finally:
            self._socket.close()


def _subscribed(namespace: str | None) -> socket.socket:
    try:
        opened = _open() if namespace is None else _open_in(namespace)
    except OSError as error:
        raise _refusal(error) from None
    try:
        _prepare(opened)
        _subscribe(opened)
    except SensorError:
        opened.close()
        raise
    except OSError as error:
        opened.close()
        raise _refusal(error) from None
    return opened


def _open() -> socket.socket:
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    return socket.socket(socket.AF_NETLINK, kind, _NETLINK_CONNECTOR)


def _open_in(path: str) -> socket.socket:
    namespace = netns.open_namespace(path)
    try:
        return netns.run_inside(namespace, _open)
    finally:
        os.close(namespace)


def _prepare(opened: socket.socket) -> None:
    program = ctypes.create_string_buffer(proc.socket_filter())
    # struct sock_fprog: number of steps of 8 bytes each, and where they are
    steps = struct.pack("HP", (len(program) - 1) // 8, ctypes.addressof(program))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, steps)
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    opened.bind((0, _GROUP))


def _subscribe(opened: socket.socket) -> None:
    number = secrets.randbelow(2**31)
    opened.send(proc.request(number, listen=True))
    poll = select.poll()
    poll.register(opened, select.POLLIN)
    # where the request is refused without a word, the events of other listeners may still come
    deadline = time.monotonic() + _PATIENCE
    while (left := deadline - time.monotonic()) > 0 and poll.poll(left * 1000):
        try:
            error = proc.answer(opened.recv(_DATAGRAM), number)
        except OSError as failure:
            if failure.errno != errno.ENOBUFS:
                raise
            # too much was waiting before it could be read; the answer is behind it or lost
            continue
        if error:
            raise OSError(error, os.strerror(error))
        if error == 0:
            return
    raise SensorError(
        errno.ENOMSG, "the kernel does not answer: not its first pid or user namespace", _OWN_NAMES
    )


def _refusal(error: OSError) -> SensorError:
    code = error.errno or errno.EIO
    if code == errno.ECONNREFUSED:
        return SensorError(code, "not the host's network namespace", _OWN_NETWORK)
    if code in (errno.EPERM, errno.EACCES):
        return SensorError(code, "process events are denied", _PRIVILEGE)
    if code == errno.EPROTONOSUPPORT:
        remedy = "a kernel with CONFIG_CONNECTOR and CONFIG_PROC_EVENTS"
        return SensorError(code, "the kernel has no connector", remedy)
    return SensorError(code, f"process events: {error.strerror or error}", _PRIVILEGE)


def _drops(opened: socket.socket) -> int:
    words = array.array("I", opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 64))
    return words[_DROPS] if len(words) > _DROPS else 0
