"""What processes see, learnt and marked while one of their kind is alive."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from aibom.observe.host.live import LiveHost
from aibom.observe.watch.account import Account
from aibom.observe.watch.filesystems import FileSystems
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.views import Views
from aibom.types.processes import Process
from aibom.types.unseen import Unseen

#: Seconds between two looks at the mounts of one namespace, when programs begin in it.
LEARN_SECONDS = 0.2


class Learning:
    """Keeps ``views`` and marks of ``systems`` up to date, as programs begin and mounts change."""

    def __init__(
        self, host: LiveHost, lives: Lives, views: Views, systems: FileSystems, account: Account
    ) -> None:
        """Look through ``host`` at ``lives``; what cannot be watched goes to ``account``."""
        self._host, self._lives = host, lives
        self._views, self._systems = views, systems
        self._account = account
        # when the mounts of a namespace may be looked at again, by the monotonic clock
        self._due: dict[str, float] = {}
        self._own_namespace = os.readlink("/proc/self/ns/mnt")

    def mark(self, pid: int) -> None:
        """Mark the file systems that a process sees."""
        self._mark(self._systems.meet, pid)

    def program(self, life: Life) -> None:
        """Learn what a process sees that began a program."""
        namespace = life.process.mount_namespace
        now = time.monotonic()
        if self._views.knows(life.process):
            # only of our own namespace the kernel tells that mounts have changed
            if namespace == self._own_namespace or self._due.get(namespace, 0.0) > now:
                return
            self._host.refresh()
        self._due[namespace] = now + LEARN_SECONDS
        self._through(self._lives.near(life.process), self._lives.processes())

    def at_once(self, life: Life) -> None:
        """Learn what the first program of a namespace sees; called by the collector's thread.

        A container may be gone before the next round.
        """
        process = life.process
        if not (life.inherited or life.ended_ns or self._views.knows(process)):
            with self._account.guarded(process.pid):
                self._through(process, self._lives.processes())

    def anew(self) -> None:
        """Learn what every living process sees, and forget the file systems that none does."""
        self._systems.anew()
        self._due.clear()
        self.mark(os.getpid())
        processes = self._lives.processes()
        # once for all that see the same
        views = {(p.mount_namespace, p.root): p for p in processes.values()}
        for process in views.values():
            self._through(self._lives.near(process), processes)
        self._systems.learnt()

    def mounted(self) -> None:
        """Mark what was mounted in our own namespace; called by the collector's thread."""
        self._host.refresh()
        self._mark(self._systems.renew, os.getpid())

    def remounted(self) -> None:
        """Learn where the files of new mounts in our own namespace are seen."""
        own = self._lives.get(os.getpid())
        if own is not None:
            with suppress(OSError):
                self._views.meet(own.process, {})

    def _through(self, near: Process | None, processes: Mapping[int, Process]) -> None:
        if near is not None:
            with suppress(OSError):  # it has ended meanwhile; the next one of its kind will do
                self._views.meet(near, processes)
                self.mark(near.pid)

    def _mark(self, marking: Callable[[int], Iterable[Unseen]], pid: int) -> None:
        with suppress(OSError):  # it has ended, or is out of reach as process 1 may be
            for unseen in marking(pid):
                self._account.miss(unseen)
