"""What the processes of each mount namespace see, learnt while one of them is alive."""

import os
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import NamedTuple
from weakref import ref

from aibom.formats.procfs.mountinfo import MountTable
from aibom.formats.procfs.placement import Placed, Placement
from aibom.observe.containers import containers
from aibom.observe.files.origin import in_container, origin_of_placed
from aibom.observe.files.recent import NEVER, Recent
from aibom.observe.host.protocol import Host
from aibom.observe.watch.filesystems import AS_SHOWN, Stored
from aibom.types.files import UNKNOWN_ORIGIN, Origin
from aibom.types.processes import Container, Process

#: Most mount namespaces that are remembered.
MAX_VIEWS = 10_000
_INIT = 1


class View(NamedTuple):
    """One mount namespace seen from one root: where its files lie, and whose it is."""

    placement: Placement
    contained: bool
    #: the tables that it was made of; the node's own is large, and many views outlive it
    tables: tuple[ref[MountTable], ref[MountTable]]
    runtime: int | None = None

    def find(self, stored: Stored) -> tuple[str, Origin] | None:
        """Return the path at which a stored file is seen, and where it came from."""
        if stored.device == AS_SHOWN:
            return stored.path, UNKNOWN_ORIGIN
        placed: Placed | None = self.placement.find(stored.device, stored.path)
        if placed is None:
            return None
        return placed.path, origin_of_placed(placed, self.runtime, contained=self.contained)


class Views:
    """Mount namespaces and containers, kept after their last process has ended."""

    def __init__(self, host: Host) -> None:
        """Read through ``host``."""
        self._host = host
        self._views: Recent[tuple[str, str], View] = Recent(MAX_VIEWS, NEVER)
        self._lately: frozenset[str] = frozenset()
        self.containers: dict[str, Container] = {}
        # the collector's thread learns what is new at once
        self._lock = threading.Lock()

    def tidy(self, wanted: Callable[[], Collection[str]]) -> None:
        """Forget containers that are not ``wanted`` any more, once there are many."""
        if len(self.containers) > MAX_VIEWS:
            kept = wanted()
            self.containers = {i: c for i, c in self.containers.items() if i in kept}

    def forget(self, living: frozenset[str], wanted: Collection[str]) -> None:
        """Forget mount namespaces that were not ``living``, now and last time.

        Of containers those are kept that are ``wanted``, by their ids.

        Events of those that ended just now may still come.
        """
        with self._lock:
            kept = living | self._lately
            self._views.keep(lambda key: key[0] in kept)
            self.containers = {i: c for i, c in self.containers.items() if i in wanted}
        self._lately = living

    def knows(self, process: Process) -> bool:
        """Say whether a process's view was learnt already."""
        return self._views.get((process.mount_namespace, process.root)) is not None

    def of(self, process: Process) -> View | None:
        """Return what a process sees, if it was learnt while somebody of its kind was alive."""
        return self._views.get((process.mount_namespace, process.root))

    def meet(self, process: Process, processes: Mapping[int, Process]) -> None:
        """Learn what a living process sees; ``processes`` are its ancestors and others.

        Raises OSError when it has ended meanwhile.
        """
        with self._lock:
            self._meet(process, processes)

    def _meet(self, process: Process, processes: Mapping[int, Process]) -> None:
        runtime = containers.runtime_of(processes, process)
        mounts = self._host.mounts(process.pid)
        outside = self._outside(runtime)
        known = self.of(process)
        # tables that say the same are the same object
        if known is None or known.tables[0]() is not mounts or known.tables[1]() is not outside:
            contained = in_container(mounts, process)
            view = View(Placement(mounts, outside), contained, (ref(mounts), ref(outside)), runtime)
            self._views.put((process.mount_namespace, process.root), view)
        place = process.cgroup
        if place.container_id and place.container_id not in self.containers:
            shim = processes.get(runtime) if runtime is not None else None
            self.containers[place.container_id] = containers.describe(
                self._host, place.container_id, place.pod_uid, shim
            )

    def _outside(self, runtime: int | None) -> MountTable:
        """Return the mounts among which the layers lie: the runtime's, the first process's, ours.

        A runtime may end while its container lives, and process 1 may be out of our reach.
        """
        for pid in (runtime, _INIT):
            with suppress(OSError):
                if pid is not None:
                    return self._host.mounts(pid)
        return self._host.mounts(os.getpid())
