"""A packet socket (packet(7)) in a network namespace that hears host names and nothing else."""

import ctypes
import os
import socket
import struct

from aibom.formats.net import namefilter
from aibom.observe.events.errors import SensorError
from aibom.observe.network import netns

# include/uapi/asm-generic/socket.h (x86-64, aarch64): SO_ATTACH_FILTER, SO_RCVBUFFORCE
_ATTACH_FILTER = 26
_RECEIVE_BUFFER_FORCE = 33
# include/uapi/linux/if_packet.h: SOL_PACKET, PACKET_STATISTICS with struct tpacket_stats
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_STATISTICS = struct.Struct("=II")  # packets, drops: both begin anew when they are read
_ETH_P_ALL = 0x0003  # include/uapi/linux/if_ether.h: only this hears outgoing packets, too
# struct sockaddr_ll: family, protocol in network order, interface (0: all), then unused here
_SOCKADDR_LL = struct.Struct("=H2si12x")

#: Memory of one socket's queue in bytes, before the kernel doubles it: some hundreds of packets.
QUEUE = 512 << 10
_REMEDY = "CAP_NET_RAW to listen, and CAP_SYS_ADMIN to enter another network namespace"


def open_in(namespace: int) -> socket.socket:
    """Return such a socket, which stays in the namespace that ``namespace`` is open on.

    It never blocks. Raises SensorError where that is not allowed.
    """
    try:
        listener = netns.run_inside(namespace, _packet_socket)
    except OSError as error:
        raise _refused(error, "packet socket") from None
    try:
        _filter_and_bind(listener)
    except OSError as error:
        listener.close()
        raise _refused(error, "packet filter") from None
    return listener


def drops(listener: socket.socket) -> int:
    """Return how many packets there was no room for, since this was last asked."""
    found = listener.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
    return int(_STATISTICS.unpack(found)[1])


def _refused(error: OSError, what: str) -> SensorError:
    return SensorError(error.errno or 0, f"{what}: {error.strerror}", _REMEDY)


def _packet_socket() -> socket.socket:
    # protocol 0 hears nothing: no packet gets in before the filter is there
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    return socket.socket(socket.AF_PACKET, kind, 0)


def _filter_and_bind(listener: socket.socket) -> None:
    instructions = ctypes.create_string_buffer(namefilter.assemble())
    # struct sock_fprog: number of instructions, pointer to them
    program = struct.pack("@HP", namefilter.instructions(), ctypes.addressof(instructions))
    listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
    try:
        listener.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER_FORCE, QUEUE)
    except PermissionError:  # without CAP_NET_ADMIN up to net.core.rmem_max
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE)
    # socket.bind() insists on the name of one interface
    address = _SOCKADDR_LL.pack(socket.AF_PACKET, _ETH_P_ALL.to_bytes(2, "big"), 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(listener.fileno(), address, ctypes.c_uint(len(address))) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
