"""Names of remote ends, heard on the wire: opt-in, one packet socket per network namespace.

The kernel's filter hands over DNS answers and TLS ClientHellos and nothing else; of these only
the host names and addresses leave ``Sniffer.read``. Names are what somebody on the wire said:
a process can ask for one name and talk to another, and whoever answers DNS can lie.

Not heard: names in QUIC, in an encrypted ClientHello (ECH), in DNS over TLS or HTTPS, in a
ClientHello whose first segment ends before the name, in a DNS answer over TCP whose length comes
in a segment of its own, behind an IPv6 extension header, and on anything that AF_PACKET does not
see (AF_XDP, user-space network stacks, other machines' namespaces in a sandboxed runtime).
"""

import errno
import os
import select
import socket
from typing import Literal, NamedTuple

from aibom.formats.net import dns, namefilter, packets, tlshello
from aibom.formats.net.address import spell_address, spell_end
from aibom.observe.events.errors import SensorError
from aibom.observe.network import netns, packetsocket

#: Most namespaces that are listened in at once.
MAX_NAMESPACES = 512
#: Most packets that one ``read`` takes from one namespace, and from all together.
MAX_PACKETS_EACH = 128
MAX_PACKETS = 1024

_DNS_PORT = 53
_TCP_LENGTH = 2  # RFC 1035 4.2.2: over TCP a message comes after its length


class NameSighting(NamedTuple):
    """A host name that was said on the wire for an address.

    By ``DNS``: ``host`` was asked for and ``address`` answered; ``port`` is 0 and ``local``
    empty. By ``SNI``: a TLS client at ``local`` (``10.0.0.2:51234``) called whoever is at
    ``address`` and ``port`` by this name. ``namespace`` is the network namespace, as the link
    /proc/PID/ns/net spells it.
    """

    host: str
    address: str
    port: int
    local: str
    named_by: Literal["DNS", "SNI"]
    namespace: str


class Sniffer:
    """Listens for host names in network namespaces. Not for use by several threads at once."""

    def __init__(self) -> None:
        """Listen nowhere yet. Raises OSError when there are no descriptors left."""
        self._sockets: dict[str, socket.socket] = {}
        self._by_descriptor: dict[int, str] = {}
        self._lost = 0
        self._ready = select.epoll()

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces that are listened in, as links spell them (``net:[4026531840]``)."""
        return frozenset(self._sockets)

    @property
    def lost(self) -> int:
        """How many packets with names the kernel had no room for, since the start."""
        for listener in self._sockets.values():
            self._lost += packetsocket.drops(listener)
        return self._lost

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``read`` has something to do."""
        return self._ready.fileno()

    def watch(self, namespace_path: str) -> str:
        """Listen in the network namespace at a path such as /proc/PID/ns/net, from now on.

        Returns the namespace's name; one that is listened in already is left as it is. The
        socket keeps the namespace alive, so ``forget`` it when its last process has ended.
        Raises SensorError where listening is not allowed, FileNotFoundError and
        ProcessLookupError when there is no such process any more.
        """
        descriptor = _open(namespace_path)
        try:
            name = f"net:[{os.fstat(descriptor).st_ino}]"
            if name not in self._sockets:
                self._add(name, descriptor)
        finally:
            os.close(descriptor)
        return name

    def _add(self, name: str, namespace: int) -> None:
        if len(self._sockets) >= MAX_NAMESPACES:
            detail = f"names are heard in {MAX_NAMESPACES} network namespaces, and in no more"
            raise SensorError(errno.ENOSPC, detail, "watch fewer pods")
        listener = packetsocket.open_in(namespace)
        self._ready.register(listener.fileno(), select.EPOLLIN)
        self._sockets[name] = listener
        self._by_descriptor[listener.fileno()] = name

    def read(self) -> list[NameSighting]:
        """Return what was heard since the last time, in order, each thing once.

        Never waits. Takes at most MAX_PACKETS packets; when there are more, ``fileno`` stays
        readable. Pause for some 20 ms before each call: that takes many packets at one waking,
        and in a storm the rest falls to the kernel, which counts it (``lost``).
        """
        heard: dict[NameSighting, None] = {}
        most = MAX_PACKETS // MAX_PACKETS_EACH
        for descriptor, _ in self._ready.poll(0, most):
            name = self._by_descriptor[descriptor]
            for packet in _packets(self._sockets[name]):
                heard |= dict.fromkeys(_sightings(packet, name))
        return list(heard)

    def forget(self, namespace: str) -> None:
        """Listen no longer in a namespace, given as ``watch`` returned it."""
        listener = self._sockets.pop(namespace, None)
        if listener is not None:
            self._lost += packetsocket.drops(listener)
            del self._by_descriptor[listener.fileno()]
            listener.close()  # which takes it out of the epoll set as well

    def close(self) -> None:
        """Listen nowhere any more. What was lost can still be asked for."""
        for namespace in self.namespaces:
            self.forget(namespace)
        self._ready.close()


def _open(namespace_path: str) -> int:
    try:
        return netns.open_namespace(namespace_path)
    except PermissionError as error:
        detail = f"{namespace_path}: {error.strerror}"
        raise SensorError(errno.EACCES, detail, "run as root or with CAP_SYS_PTRACE") from None


def _packets(listener: socket.socket) -> list[bytes]:
    found: list[bytes] = []
    try:
        while len(found) < MAX_PACKETS_EACH:
            found.append(listener.recv(namefilter.SNAPLEN))
    except OSError:
        pass  # BlockingIOError: that was all; others: an interface went down
    return found


def _sightings(packet: bytes, namespace: str) -> list[NameSighting]:
    segment = packets.parse(packet)
    if segment is None:
        return []
    if segment.source_port == _DNS_PORT:
        tcp = segment.protocol == packets.TCP
        answer = dns.read_answer(segment.payload[_TCP_LENGTH if tcp else 0 :])
        return [NameSighting(host, address, 0, "", "DNS", namespace) for host, address in answer]
    host = tlshello.read_server_name(segment.payload)
    if not host:
        return []
    local = spell_end(segment.source, segment.source_port)
    remote, port = spell_address(segment.destination), segment.destination_port
    return [NameSighting(host, remote, port, local, "SNI", namespace)]
