"""/proc/PID/net/tcp, tcp6, udp, udp6: a network namespace's sockets (proc_pid_net(5))."""

from typing import Literal

from aibom.formats.net.address import spell_end
from aibom.formats.net.sockdiag import LISTENING_STATE, TELLING_STATES
from aibom.types.processes import Connection


def parse_tcp(data: bytes) -> dict[int, Connection]:
    """Return by inode the sockets that listen or have another end.

    Those that no process holds have no inode and are left out, as are lines of another form.
    """
    return _parse(data, "tcp", TELLING_STATES | {LISTENING_STATE})


def parse_udp(data: bytes) -> dict[int, Connection]:
    """Return by inode the sockets that were connected to another end."""
    return _parse(data, "udp", TELLING_STATES)


def _parse(
    data: bytes, protocol: Literal["tcp", "udp"], states: frozenset[int]
) -> dict[int, Connection]:
    found = {}
    for line in data.splitlines()[1:]:
        fields = line.split()
        try:
            state = int(fields[3], 16)
            inode = int(fields[9])
            if state not in states or not inode:
                continue
            local = _end(fields[1])
            remote = "" if state == LISTENING_STATE else _end(fields[2])
            found[inode] = Connection(local, remote, protocol=protocol)
        except (ValueError, IndexError):
            continue
    return found


def _end(raw: bytes) -> str:
    host, _, port = raw.partition(b":")
    # each 32-bit word of the address is printed in host order, which is little endian on every
    # machine that aibom runs on (x86-64, aarch64)
    words = [bytes.fromhex(host[i : i + 8].decode())[::-1] for i in range(0, len(host), 8)]
    return spell_end(b"".join(words), int(port, 16))
