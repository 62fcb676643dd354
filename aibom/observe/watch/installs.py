"""Packages that arrive while the watch runs: their metadata is written into an environment."""

import posixpath
import time
from collections.abc import Iterator

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.watch.filesystems import FileSystems
from aibom.observe.watch.imports import OpenedPackages
from aibom.observe.watch.lives import Life
from aibom.observe.watch.views import Views
from aibom.types.packages import LoadedPackage

#: Seconds after which a distribution's metadata is taken for complete.
SETTLE_SECONDS = 1.0
#: Most installations that wait to be read.
MAX_WAITING = 10_000


class Installs:
    """Finds what installers put into site-packages and node_modules."""

    def __init__(self, packages: OpenedPackages, systems: FileSystems, views: Views) -> None:
        """Name distributions by ``packages``, and their folders by ``systems`` and ``views``."""
        self._packages = packages
        self._systems = systems
        self._views = views
        self._waiting: dict[tuple[bytes, bytes], tuple[float, Life, FileEvent]] = {}

    def note(self, life: Life, event: FileEvent) -> None:
        """Take note that an installer's own record was written: RECORD, INSTALLER, npm's lock."""
        if len(self._waiting) < MAX_WAITING:
            until = time.monotonic() + SETTLE_SECONDS
            self._waiting[event.filesystem, event.folder] = (until, life, event)

    def settled(self, *, everything: bool = False) -> Iterator[tuple[Life, LoadedPackage]]:
        """Yield who installed what, of what has settled."""
        now = time.monotonic()
        due = [k for k, (until, *_) in self._waiting.items() if everything or until <= now]
        for key in due:
            _, life, event = self._waiting.pop(key)
            for one in self._read(life, event):
                yield life, one

    def _read(self, life: Life, event: FileEvent) -> list[LoadedPackage]:
        try:
            stored = self._systems.folder(event.filesystem, event.folder)
        except OSError:
            return []  # removed again, as by an installer's own temporary environment
        view = self._views.of(life.process)
        placed = view.find(stored) if view is not None else None
        if placed is None:
            return []
        if stored.path.endswith(".dist-info"):
            folder, entry = posixpath.split(placed[0])
            one = self._packages.installed(life, folder, entry, placed[1])
            return [one] if one is not None else []
        if stored.path.endswith("/node_modules"):
            return self._packages.locked(life, placed[0], placed[1])
        return []
