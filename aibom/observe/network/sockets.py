"""Sockets of processes: connections and the peers of socket pairs, once per namespace."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from aibom.formats.procfs import net
from aibom.observe.host.protocol import Host
from aibom.observe.processes import descriptor_links, sockets_of
from aibom.types.processes import Connection, Process, Stream

_OTHERS = (("net/tcp6", net.parse_tcp), ("net/udp", net.parse_udp), ("net/udp6", net.parse_udp))


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
        """Return the sockets of a process that listen or have another end, sorted.

        A namespace whose table cannot be read has none.
        """
        inodes = {s.inode for s in streams if s.kind == "socket"}
        if not inodes:
            return ()
        table = self._table(process)
        return tuple(sorted({table[inode] for inode in inodes & table.keys()}))

    def _table(self, process: Process) -> dict[int, Connection]:
        if process.network_namespace not in self._tables:
            try:
                self._tables[process.network_namespace] = self._host.sockets(process.pid)
            except OSError:  # the process has ended; another of its namespace may answer
                return {}
        return self._tables[process.network_namespace]


def from_procfs(read: Callable[[str], bytes]) -> dict[int, Connection]:
    """Return by inode the sockets that a process's files in /proc list.

    ``read`` gives the content of such a file by its name below /proc/PID. Raises OSError as
    ``read`` does of ``net/tcp``; the others may be missing, as where there is no IPv6.
    """
    found = net.parse_tcp(read("net/tcp"))
    for name, parse in _OTHERS:
        with contextlib.suppress(OSError):
            found |= parse(read(name))
    return found


def held_sockets(host: Host, pid: int, table: Mapping[int, Connection]) -> list[Connection]:
    """Return those of a namespace's sockets, given by inode, that a process holds now.

    Raises OSError when it has ended or may not be looked at.
    """
    held = sockets_of(descriptor_links(host, pid))
    return [table[inode] for inode in sorted(held & table.keys())]
