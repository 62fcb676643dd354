"""The npm packages that JavaScript processes loaded, told by what they opened."""

from aibom.observe.files.content import key_of
from aibom.observe.inspector import Inspector
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.scripts import loads_of
from aibom.observe.watch.views import Views
from aibom.types.files import NO_KEY, UNKNOWN_ORIGIN, FileFacts, Origin
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Process


class LoadedScripts:
    """Names the packages by their package.json, read through a living neighbour."""

    def __init__(self, inspector: Inspector, lives: Lives, views: Views) -> None:
        """Read as the inspector does."""
        self._host = inspector.host
        self._programs = inspector.programs
        self._lives = lives
        self._views = views

    def of(self, life: Life) -> list[LoadedPackage] | None:
        """Return the packages that a process loaded since the last time, sorted by place.

        None where nobody can say. What was opened of other packages is kept: the rest may follow.
        """
        acts = life.acting()
        uses, acts.scripts = acts.scripts, set()
        loaded = loads_of(uses)
        acts.scripts |= {use for use in uses if use[0] not in loaded}
        if not loaded:
            return []
        view, near = self._views.of(life.process), self._lives.near(life.process)
        if view is None or near is None:
            return None
        placed = (view.find(stored) for stored in sorted(loaded))
        found = (self._package(near, *place) for place in placed if place is not None)
        return [one for one in found if one is not None]

    def _package(self, near: Process, folder: str, origin: Origin) -> LoadedPackage | None:
        path = f"{folder}/package.json"
        package = self._programs.package_at(near.pid, path)
        if package is None:
            return None
        try:
            key = key_of(self._host.stat_in_root(near.pid, path), self._host.mounts(near.pid))
        except OSError:
            return LoadedPackage(package, FileFacts(path, NO_KEY, UNKNOWN_ORIGIN), "opened")
        return LoadedPackage(package, FileFacts(path, key, origin), "opened")
