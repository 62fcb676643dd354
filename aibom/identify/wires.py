"""Who talks to whom over pipes and socket pairs: the two ends of a stdio transport."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from aibom.types.facts import ProcessFacts, Stream


def client_of(server: ProcessFacts, others: Mapping[int, ProcessFacts]) -> ProcessFacts | None:
    """Return the process at the other end of a server's stdio transport, or None.

    The client holds the opposite ends of two pipes (it writes what the server reads and reads
    what the server writes), or the peer of the server's sockets. Launchers between the two
    (npm, sh, uv) hold the server's own ends. Of several holders, as after a fork, the nearest
    ancestor of the server is the client, else the one with the lowest pid.
    """
    holders = [
        other
        for pid, other in others.items()
        if pid != server.process.pid and (_piped(server, other) or _paired(server, other))
    ]
    by_pid = {h.process.pid: h for h in holders}
    for pid in _ancestors(server, others):
        if pid in by_pid:
            return by_pid[pid]
    return by_pid[min(by_pid)] if by_pid else None


def _piped(server: ProcessFacts, other: ProcessFacts) -> bool:
    into = _pipes(server.streams, reads=True) & _pipes(other.streams, reads=False)
    out = _pipes(server.streams, reads=False) & _pipes(other.streams, reads=True)
    # a server of its own never holds the client's ends: that would be the client's fork
    return bool(into and out) and not _holds_both_ends(server, into)


def _holds_both_ends(process: ProcessFacts, pipes: set[int]) -> bool:
    return pipes <= _pipes(process.streams, reads=False)


def _pipes(streams: Iterable[Stream], *, reads: bool) -> set[int]:
    return {s.inode for s in streams if s.kind == "pipe" and (s.reads if reads else s.writes)}


def _paired(server: ProcessFacts, other: ProcessFacts) -> bool:
    peers = {s.peer for s in server.streams if s.kind == "socket" and s.descriptor in (0, 1)}
    held = {s.inode for s in other.streams if s.kind == "socket"}
    return bool(peers & held)


def _ancestors(found: ProcessFacts, others: Mapping[int, ProcessFacts]) -> list[int]:
    chain = []
    pid = found.process.parent
    while pid in others and pid not in chain:
        chain.append(pid)
        pid = others[pid].process.parent
    return chain


def pipe_holders(processes: Iterable[ProcessFacts]) -> dict[int, list[int]]:
    """Return which processes hold which pipe, by the pipe's inode."""
    holders = defaultdict(list)
    for found in processes:
        for inode in {s.inode for s in found.streams if s.kind == "pipe"}:
            holders[inode].append(found.process.pid)
    return dict(holders)
