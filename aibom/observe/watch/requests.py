"""Requests inside TLS, seen while a watch runs: opt-in."""

import errno
import os
import time
from collections.abc import Callable, Iterator

from aibom.formats.procfs import maps
from aibom.formats.procfs.maps import Mapping
from aibom.observe.events import libc
from aibom.observe.events.errors import SensorError
from aibom.observe.events.tlsrequests import TlsRequests
from aibom.observe.events.tracefs import TRACEFS, sweep_leftovers
from aibom.observe.host.live import LiveHost
from aibom.observe.network.sockets import held_sockets
from aibom.observe.watch.lives import Life, Lives
from aibom.types.processes import Connection
from aibom.types.unseen import Unseen

#: A request is read within this time of its being sent, in nanoseconds.
RECENT_NS = 1_000_000_000
_MAPPED = "CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN, to open what a process maps"
# programs that have OpenSSL linked in and export it, besides those that load libssl
_PROGRAMS = ("node", "nodejs")


class Requests:
    """Probes the OpenSSL of watched processes, and tells whose each request is."""

    def __init__(self, host: LiveHost, lives: Lives, miss: Callable[[Unseen], None]) -> None:
        """Probe nothing yet. Raises SensorError where probes cannot be had."""
        self._host = host
        self._lives = lives
        self._miss = miss
        self._tracefs, self._mounted = _tracefs()
        try:
            sweep_leftovers(self._tracefs)
            self._probes = TlsRequests(self._tracefs)
        except OSError:
            self._unmount()
            raise
        self._tried: set[tuple[str, int]] = set()
        self._paths: dict[str, tuple[int, tuple[str, int]]] = {}

    @property
    def lost(self) -> int:
        """How many requests came too fast."""
        return self._probes.lost

    def probe(self, life: Life) -> None:
        """Probe what a living process maps that may be OpenSSL."""
        try:
            found = maps.parse(self._host.read(life.pid, "maps"))
            mounts = self._host.mounts(life.pid)
        except OSError:
            return  # it has ended
        for mapping in found:
            key = (mapping.device, mapping.inode)
            if key not in self._tried and _may_be_openssl(mapping):
                self._tried.add(key)
                if not mounts.may_block(mapping.device):
                    self._watch(life, mapping)

    def _watch(self, life: Life, mapping: Mapping) -> None:
        path = f"{self._host.procfs}/{life.pid}/map_files/{mapping.ranges}"
        try:
            self._probes.watch(path)
            self._paths[path] = (life.pid, (mapping.device, mapping.inode))
        except SensorError as error:
            if mapping.path.rpartition("/")[2].startswith("libssl"):
                subject = f"TLS requests through {mapping.path}"
                self._miss(Unseen("sensor", subject, error.detail, error.remedy))
        except PermissionError as error:
            subject = f"TLS requests through {mapping.path}"
            self._miss(Unseen("denied", subject, error.strerror or "", _MAPPED))
        except OSError:
            self._tried.discard((mapping.device, mapping.inode))  # it has ended; another may do

    def read(self) -> Iterator[tuple[Life, Connection]]:
        """Yield the requests that were sent, each with the process and its connection."""
        for request in self._probes.read():
            life = self._lives.of(request.pid, time.monotonic_ns() - RECENT_NS)
            if life is not None and request.host:
                said = f"{request.method} {request.path}"
                remote = self._remote(life)
                yield life, Connection("", remote, request.host, "request", request=said)

    def _remote(self, life: Life) -> str:
        """Return where a process is connected to, if that is one place only."""
        try:
            held = held_sockets(self._host, life.pid, self._host.sockets(life.pid))
        except OSError:
            return ""  # it has ended
        remotes = {connection.remote for connection in held if connection.remote}
        return remotes.pop() if len(remotes) == 1 else ""

    def forget(self) -> None:
        """Let go of libraries whose process has ended: a probe would keep its mount."""
        alive = {life.pid for life in self._lives}
        for path in [path for path, (pid, _) in self._paths.items() if pid not in alive]:
            _, key = self._paths.pop(path)
            self._tried.discard(key)
            self._probes.unwatch(path)

    def close(self) -> None:
        """Remove every probe."""
        try:
            self._probes.close()
        finally:
            self._unmount()

    def _unmount(self) -> None:
        if self._mounted is not None:
            os.close(self._mounted)
            self._mounted = None


def _tracefs() -> tuple[str, int | None]:
    """Return where tracefs is; where it is not mounted, a mount of our own that nobody sees."""
    if os.path.exists(f"{TRACEFS}/uprobe_events"):
        return TRACEFS, None
    try:
        mounted = libc.detached_mount("tracefs", {})
    except OSError as error:
        code = error.errno or errno.EIO
        remedy = "root with CAP_SYS_ADMIN, or mount -t tracefs tracefs /sys/kernel/tracing"
        raise SensorError(code, f"no tracefs: {error.strerror}", remedy) from None
    return f"/proc/self/fd/{mounted}", mounted


def _may_be_openssl(mapping: Mapping) -> bool:
    name = mapping.path.rpartition("/")[2]
    return mapping.executable and (name.startswith("libssl") or name in _PROGRAMS)
