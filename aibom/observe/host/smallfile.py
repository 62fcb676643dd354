"""A small file of a workload, read by its path: metadata, a configuration, a script."""

from aibom.observe.host.protocol import Host


def read_in_root(host: Host, pid: int, path: str, limit: int) -> bytes:
    """Return at most ``limit`` bytes of a file in a process's root. Raises OSError."""
    file = host.open_in_root(pid, path)
    try:
        return file.read(0, min(limit, file.size))
    finally:
        file.close()
