"""Who talks to whom over pipes and socket pairs: the two ends of a stdio transport."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from aibom.types.facts import ProcessFacts
from aibom.types.processes import Stream


def listening_on(found: ProcessFacts) -> tuple[str, ...]:
    """Return where a process listens, as URLs, sorted."""
    return tuple(
        sorted({f"{c.protocol}://{c.local}" for c in found.connections if c.local and not c.remote})
    )


class Wiring:
    """Which processes hold which pipes and sockets, so that finding a peer takes no search."""

    def __init__(self, processes: Mapping[int, ProcessFacts]) -> None:
        """Index the streams of ``processes``, which are by pid."""
        self._processes = processes
        self._readers: dict[int, set[int]] = defaultdict(set)
        self._writers: dict[int, set[int]] = defaultdict(set)
        self._sockets: dict[int, set[int]] = defaultdict(set)
        for pid, found in processes.items():
            for stream in found.streams:
                self._note(pid, stream)

    def _note(self, pid: int, stream: Stream) -> None:
        if stream.kind == "socket":
            self._sockets[stream.inode].add(pid)
            return
        if stream.reads:
            self._readers[stream.inode].add(pid)
        if stream.writes:
            self._writers[stream.inode].add(pid)

    def client_of(self, server: ProcessFacts) -> ProcessFacts | None:
        """Return the process at the other end of a server's stdio transport, or None.

        The client holds the opposite ends of two pipes (it writes what the server reads and
        reads what the server writes), or the peer of the server's sockets. Launchers between
        the two (npm, sh, uv) hold the server's own ends. Of several holders, as after a fork,
        the nearest ancestor of the server is the client, else the one with the lowest pid.
        """
        holders = self._over_pipes(server) | self._over_sockets(server)
        # what a server started itself may be wired to it, too, and is not its client
        holders -= {pid for pid in holders if server.process.pid in self._lineage(pid)}
        for pid in self._ancestors(server):
            if pid in holders:
                return self._processes[pid]
        return self._processes[min(holders)] if holders else None

    def _over_pipes(self, server: ProcessFacts) -> set[int]:
        pipes = [s for s in server.streams if s.kind == "pipe"]
        # a pipe of which the server holds both ends is its own, and leads to nobody
        read = {s.inode for s in pipes if s.reads} - {s.inode for s in pipes if s.writes}
        written = {s.inode for s in pipes if s.writes} - {s.inode for s in pipes if s.reads}
        writers = {pid for inode in read for pid in self._writers[inode]}
        readers = {pid for inode in written for pid in self._readers[inode]}
        return writers & readers

    def _over_sockets(self, server: ProcessFacts) -> set[int]:
        """Return who holds the other ends of two socket pairs; one alone may be any service's."""
        ends = Counter(
            pid
            for stream in server.streams
            if stream.peer is not None
            for pid in self._sockets[stream.peer]
        )
        return {pid for pid, count in ends.items() if count > 1}

    def _lineage(self, pid: int) -> list[int]:
        return [pid, *self._ancestors(self._processes[pid])]

    def _ancestors(self, found: ProcessFacts) -> list[int]:
        chain: list[int] = []
        pid = found.process.parent
        while pid in self._processes and pid not in chain:
            chain.append(pid)
            pid = self._processes[pid].process.parent
        return chain
