"""/proc/PID/net/tcp and tcp6: the sockets of a network namespace (proc_pid_net(5))."""

from ipaddress import IPv6Address, ip_address

from aibom.types.facts import Connection

# include/net/tcp_states.h
_ESTABLISHED = b"01"
_LISTEN = b"0A"


def parse_tcp(data: bytes) -> dict[int, Connection]:
    """Return listening and established sockets by inode. Lines of another form are left out."""
    found = {}
    for line in data.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] not in (_ESTABLISHED, _LISTEN):
            continue
        try:
            local = _address(fields[1])
            remote = _address(fields[2]) if fields[3] == _ESTABLISHED else ""
            found[int(fields[9])] = Connection(local, remote)
        except ValueError:
            continue
    return found


def _address(raw: bytes) -> str:
    host, _, port = raw.partition(b":")
    # each 32-bit word of the address is printed in host order, which is little endian on every
    # machine that aibom runs on (x86-64, aarch64)
    words = [bytes.fromhex(host[i : i + 8].decode())[::-1] for i in range(0, len(host), 8)]
    address = ip_address(b"".join(words))
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        shown = str(mapped) if mapped else f"[{address}]"
    else:
        shown = str(address)
    return f"{shown}:{int(port, 16)}"
