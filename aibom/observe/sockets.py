"""Sockets of processes: TCP connections and the peers of socket pairs, once per namespace."""

import contextlib
from dataclasses import replace

from aibom.formats.procfs import net
from aibom.observe.host import Host
from aibom.types.facts import Connection, Process, Stream


class Sockets:
    """The socket tables of a node's network namespaces at one moment."""

    def __init__(self, host: Host) -> None:
        """Read through ``host``; nothing is read before it is asked for."""
        self._host = host
        self._tables: dict[str, dict[int, Connection]] = {}
        self._peers: dict[str, dict[int, int]] = {}

    def joined(self, process: Process, streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
        """Return ``streams`` with the peers of its UNIX sockets.

        Node.js joins a child's stdio by socket pairs, whose ends bear different numbers; the
        Python SDK of MCP then moves them to other descriptors. Raises OSError where the kernel
        may not be asked.
        """
        if sum(s.kind == "socket" for s in streams) < 2:
            return streams
        if process.network_namespace not in self._peers:
            # once, whether it works or not
            self._peers[process.network_namespace] = {}
            peers = self._host.socket_peers(process.pid)
            self._peers[process.network_namespace] = peers
        peers = self._peers[process.network_namespace]
        return tuple(
            replace(s, peer=peers.get(s.inode)) if s.kind == "socket" else s for s in streams
        )

    def connections(self, process: Process, streams: tuple[Stream, ...]) -> tuple[Connection, ...]:
        """Return the listening and established TCP sockets of a process, sorted.

        A namespace whose table cannot be read has none.
        """
        inodes = {s.inode for s in streams if s.kind == "socket"}
        if not inodes:
            return ()
        table = self._table(process)
        return tuple(sorted({table[inode] for inode in inodes & table.keys()}))

    def _table(self, process: Process) -> dict[int, Connection]:
        if process.network_namespace not in self._tables:
            table: dict[int, Connection] = {}
            for name in ("net/tcp", "net/tcp6"):
                with contextlib.suppress(OSError):  # no IPv6, or the process has ended
                    table |= net.parse_tcp(self._host.read(process.pid, name))
            self._tables[process.network_namespace] = table
        return self._tables[process.network_namespace]
