"""The two ends of connections: which way one goes, and which process holds its other end."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from aibom.types.facts import ProcessFacts
from aibom.types.processes import Connection


class Address(NamedTuple):
    """One end of a connection: an address as text, without brackets, and a port."""

    host: str
    port: str

    @property
    def loopback(self) -> bool:
        """Whether it never leaves its network namespace."""
        return ip_address(self.host).is_loopback

    @property
    def literal(self) -> str:
        """The address as it stands in URLs."""
        return f"[{self.host}]" if ":" in self.host else self.host


class Holder(NamedTuple):
    """A process that accepted a connection, and on which of its ports."""

    pid: int
    port: str


@lru_cache(maxsize=10_000)
def address_of(text: str) -> Address | None:
    """Return ``ADDRESS:PORT`` in its parts, or None where it is none.

    Scopes (``fe80::1%eth0``) are names of the host's own and no part of an address.
    """
    host, _, port = text.rpartition(":")
    try:
        return Address(str(ip_address(host.strip("[]").partition("%")[0])), str(int(port)))
    except ValueError:
        return None


class Ends:
    """All connections of a sweep, so that finding the other end of one takes no search."""

    def __init__(self, processes: Iterable[ProcessFacts]) -> None:
        """Index the connections of ``processes``."""
        self._listening: set[tuple[str, str, str]] = set()
        self._holders: dict[tuple[str, str, str], list[Holder]] = defaultdict(list)
        connected = []
        for found in processes:
            for connection in found.connections:
                local = address_of(connection.local)
                if local is not None and connection.remote:
                    connected.append((found, connection, local))
                elif local is not None:
                    self._listening.add(_port(found, connection, local))
        for found, connection, local in connected:
            if _port(found, connection, local) in self._listening:
                client = _end(found, connection, connection.remote)
                self._holders[client].append(Holder(found.process.pid, local.port))

    def outgoing(self, found: ProcessFacts, connection: Connection) -> bool:
        """Say whether a process began a connection: nobody listens on its local port."""
        local = address_of(connection.local)
        if not connection.remote or local is None:
            return False
        return _port(found, connection, local) not in self._listening

    def holders(self, found: ProcessFacts, connection: Connection) -> list[Holder]:
        """Return who accepted a connection that ``found`` began, as far as seen, sorted.

        The address that a client comes from is the same at both ends, while the one that it goes
        to is another behind a service of Kubernetes (kube-proxy rewrites the destination).
        """
        return sorted(self._holders.get(_end(found, connection, connection.local), ()))


def _port(found: ProcessFacts, connection: Connection, local: Address) -> tuple[str, str, str]:
    return (found.process.network_namespace, connection.protocol, local.port)


def _end(found: ProcessFacts, connection: Connection, client: str) -> tuple[str, str, str]:
    """Return what tells a client's end of a connection from all others on the node."""
    address = address_of(client)
    # of the addresses in use only those of the loopback are others in each network namespace
    own = address is not None and address.loopback
    return (found.process.network_namespace if own else "", connection.protocol, client)
