"""Host names of remote ends, heard while a watch runs: opt-in."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from aibom.formats.net.address import join_end
from aibom.observe.events.errors import SensorError
from aibom.observe.files.recent import UNUSED_FOR_LONG, Recent
from aibom.observe.host.live import LiveHost
from aibom.observe.network.sniffer import Sniffer
from aibom.observe.network.sockets import held_sockets
from aibom.observe.watch.lives import Life, Lives
from aibom.types.processes import Connection, Process
from aibom.types.unseen import Unseen

_REMEMBERED = 20_000
#: Most processes of one network namespace among which the owner of a socket is looked for.
MAX_ASKED = 500


class Names:
    """Listens in the network namespaces of watched processes, and names their connections."""

    def __init__(self, host: LiveHost, lives: Lives, miss: Callable[[Unseen], None]) -> None:
        """Listen nowhere yet; ``miss`` takes what cannot be heard."""
        self._host = host
        self._lives = lives
        self._miss = miss
        self._sniffer = Sniffer()
        self._tried: set[str] = set()
        self._said: Recent[tuple[str, str, str], str] = Recent(_REMEMBERED, UNUSED_FOR_LONG)
        self._answered: Recent[tuple[str, str], str] = Recent(_REMEMBERED, UNUSED_FOR_LONG)

    @property
    def lost(self) -> int:
        """How many packets with names came too fast."""
        return self._sniffer.lost

    def listen(self, process: Process) -> None:
        """Listen in the network namespace of a living process."""
        namespace = process.network_namespace
        if not namespace or namespace in self._tried:
            return
        try:
            self._sniffer.watch(f"{self._host.procfs}/{process.pid}/ns/net")
        except SensorError as error:
            self._miss(Unseen("sensor", "host names", error.detail, error.remedy))
        except OSError:
            return  # it has ended; the next one of its namespace will do
        self._tried.add(namespace)

    def forget(self) -> None:
        """Let go of namespaces without a process: a socket would keep them alive."""
        alive = {life.process.network_namespace for life in self._lives}
        for namespace in self._sniffer.namespaces - alive:
            self._sniffer.forget(namespace)
        self._tried &= alive

    def read(self) -> Iterator[tuple[Life, Connection]]:
        """Yield the connections whose names were heard, each with the process that has it."""
        owners: dict[str, dict[str, Life]] = {}
        for heard in self._sniffer.read():
            if heard.named_by == "DNS":
                self._answered.put((heard.namespace, heard.address), heard.host)
                continue
            remote = join_end(heard.address, heard.port)
            self._said.put((heard.namespace, heard.local, remote), heard.host)
            if heard.namespace not in owners:
                owners[heard.namespace] = self._owners(heard.namespace)
            life = owners[heard.namespace].get(heard.local)
            if life is not None:
                yield life, Connection(heard.local, remote, heard.host, heard.named_by)

    def _owners(self, namespace: str) -> dict[str, Life]:
        """Return by its local end who has each connection of a namespace now."""
        members = [m for m in self._lives if m.process.network_namespace == namespace]
        table = None
        found: dict[str, Life] = {}
        for life in members[:MAX_ASKED]:
            try:
                if table is None:
                    table = self._host.sockets(life.pid)
                held = held_sockets(self._host, life.pid, table)
            except OSError:
                continue  # it has ended
            found |= {connection.local: life for connection in held}
        return found

    def named(self, process: Process, connection: Connection) -> Connection:
        """Return a connection with its name, where one was heard."""
        if connection.host or not connection.remote:
            return connection
        namespace = process.network_namespace
        if said := self._said.get((namespace, connection.local, connection.remote)):
            return replace(connection, host=said, named_by="SNI")
        address = connection.remote.rpartition(":")[0].strip("[]")
        if answered := self._answered.get((namespace, address)):
            return replace(connection, host=answered, named_by="DNS")
        return connection

    def close(self) -> None:
        """Listen nowhere any more."""
        self._sniffer.close()
