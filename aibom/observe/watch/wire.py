"""What watched processes say on the wire, as far as that was asked for."""

from collections.abc import Callable, Iterator

from aibom.observe.events.errors import SensorError
from aibom.observe.live import LiveHost
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.names import Names
from aibom.observe.watch.requests import Requests
from aibom.types.facts import Connection, Process, Unseen

NAMES = "host names"
REQUESTS = "TLS requests"


class Wire:
    """The two opt-in sensors of the network: host names, and requests inside TLS."""

    def __init__(
        self,
        host: LiveHost,
        lives: Lives,
        miss: Callable[[Unseen], None],
        *,
        names: bool,
        requests: bool,
    ) -> None:
        """Open those that were asked for; ``miss`` takes why one cannot be had."""
        self.state: dict[str, str] = {}
        self._names = Names(host, lives, miss) if names else None
        self._requests: Requests | None = None
        if self._names is not None:
            self.state[NAMES] = "DNS answers and TLS hellos"
        if requests:
            try:
                self._requests = Requests(host, lives, miss)
                self.state[REQUESTS] = "method, host and path of HTTP/1 through OpenSSL"
            except SensorError as error:
                self.state[REQUESTS] = f"blind: {error.detail}"
                miss(Unseen("sensor", REQUESTS, error.detail, error.remedy))

    @property
    def idle(self) -> bool:
        """Whether nothing was asked for."""
        return self._names is None and self._requests is None

    @property
    def lost(self) -> int:
        """How much came too fast to be read."""
        return sum(s.lost for s in (self._names, self._requests) if s is not None)

    def begin(self, life: Life) -> None:
        """Take a process that began a program."""
        if self._names is not None:
            self._names.listen(life.process)

    def look(self, life: Life) -> None:
        """Take a process that had time to load its libraries."""
        if self._requests is not None and not life.ended_ns:
            self._requests.probe(life)

    def read(self) -> Iterator[tuple[Life, Connection]]:
        """Yield what was said since the last time, and by whom."""
        for sensor in (self._names, self._requests):
            if sensor is not None:
                yield from sensor.read()

    def named(self, process: Process, connection: Connection) -> Connection:
        """Return a connection with its name, where one was heard."""
        return self._names.named(process, connection) if self._names is not None else connection

    def forget(self) -> None:
        """Let go of what belongs to ended processes."""
        for sensor in (self._names, self._requests):
            if sensor is not None:
                sensor.forget()

    def close(self) -> None:
        """Take every socket and probe away."""
        for sensor in (self._names, self._requests):
            if sensor is not None:
                sensor.close()
