"""What watched processes say on the wire, as far as that was asked for."""

import time
from collections.abc import Callable, Iterator

from aibom.observe.events.errors import SensorError
from aibom.observe.host.live import LiveHost
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.names import Names
from aibom.observe.watch.requests import Requests
from aibom.types.processes import Connection, Process
from aibom.types.unseen import Unseen

NAMES = "host names"
REQUESTS = "TLS requests"
#: Seconds after the start of a program at which its libraries are looked for.
PROBES = (0.2, 1.0)
#: Most of these looks that are planned at once.
MAX_PLANNED = 10_000


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
        self._planned: list[tuple[float, Life]] = []
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
        if self._requests is not None and len(self._planned) < MAX_PLANNED:
            now = time.monotonic()
            self._planned += [(now + seconds, life) for seconds in PROBES]

    def look(self, life: Life) -> None:
        """Take a process that had time to load its libraries."""
        if self._requests is not None and not life.ended_ns:
            self._requests.probe(life)

    def read(self) -> Iterator[tuple[Life, Connection]]:
        """Yield what was said since the last time, and by whom."""
        self._probe_due()
        for sensor in (self._names, self._requests):
            if sensor is not None:
                yield from sensor.read()

    def _probe_due(self) -> None:
        """Probe the programs that had time to load their libraries."""
        now = time.monotonic()
        due = [life for when, life in self._planned if when <= now]
        self._planned = [planned for planned in self._planned if planned[0] > now]
        for life in due:
            self.look(life)

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
