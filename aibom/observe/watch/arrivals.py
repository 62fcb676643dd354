"""How files come to be here: who wrote them, and where it was connected to meanwhile."""

import os
import time

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.files.recent import NEVER, Recent
from aibom.observe.host.protocol import Host
from aibom.observe.network.sockets import held_sockets
from aibom.observe.watch.lives import Life
from aibom.types.files import Arrival

#: Seconds between two looks at the connections of one process that writes files.
_PAUSE_SECONDS = 0.5
_REMEMBERED = 5_000
#: Most remote ends that are kept of one process.
MAX_DESTINATIONS = 64


class Arrivals:
    """Notes writers while they write, as their connections are gone when they have ended."""

    def __init__(self, host: Host) -> None:
        """Ask ``host`` for connections."""
        self._host = host
        self._asked: Recent[int, float] = Recent(_REMEMBERED)
        # of a download the name changes at its end
        self._names: Recent[tuple[bytes, bytes], str] = Recent(_REMEMBERED, NEVER)

    def meet(self, life: Life) -> None:
        """Note where a process that writes a model is connected to now."""
        now = time.monotonic()
        if life.ended_ns or now < (self._asked.get(life.pid) or 0.0):
            return
        self._asked.put(life.pid, now + _PAUSE_SECONDS)
        try:
            held = held_sockets(self._host, life.pid, self._host.sockets(life.pid))
        except OSError:
            return  # it has ended, or may not be asked
        for connection in held:
            if connection.remote and len(life.acts.destinations) < MAX_DESTINATIONS:
                life.acting().destinations.add(connection.remote)

    def of(self, life: Life, event: FileEvent, container: str) -> Arrival:
        """Return how the file of an event arrived, by the act of a process."""
        file = (event.filesystem, event.file)
        name = os.fsdecode(event.name)
        before = self._names.get(file) or ""
        self._names.put(file, name)
        process = life.process
        return Arrival(
            writer=process.comm,
            pid=process.pid,
            container=container,
            argv=process.argv,
            destinations=tuple(sorted(life.acts.destinations)),
            renamed_from=before if before != name else "",
            when=time.time(),
        )
