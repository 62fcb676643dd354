"""What a JavaScript program depends on: its own package.json, and what lies where it resolves."""

from collections.abc import Callable, Iterator

from aibom.formats.packages import nodepkg
from aibom.observe.files.content import key_of
from aibom.observe.files.recent import Recent
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.observe.packages.programs import MAX_PACKAGE_JSON, Programs
from aibom.types.files import FileKey
from aibom.types.packages import Package

#: Most folders above a script in which its package and its dependencies are looked for.
MAX_PARENTS = 10
#: Most direct dependencies of one program that are looked at, of those that somebody asks for.
MAX_LISTED = 200
_REMEMBERED = 2_000
_FOLDER = "/node_modules/"

#: The folder of a program's own package, and the names that it depends on.
_Project = tuple[str, tuple[str, ...]]


class NodeProjects:
    """Reads the projects of running scripts; what was read is remembered by file and content."""

    def __init__(self, host: Host, programs: Programs, named: Callable[[str], bool]) -> None:
        """Read through ``host``; look only for packages whose names ``named`` is true of."""
        self._host = host
        self._programs = programs
        self._named = named
        self._requires: Recent[FileKey, tuple[str, ...] | bool] = Recent(_REMEMBERED)
        self._packages: Recent[tuple[FileKey, str], Package | bool] = Recent(_REMEMBERED)

    def listed(self, pid: int, script: str) -> list[Package]:
        """Return the direct dependencies of a script's own package that lie where it loads from.

        ``script`` is its real path. A script below node_modules is a package of somebody else's,
        and lists nothing.
        """
        project = self._project(pid, script) if _FOLDER not in script else None
        if project is None:
            return []
        folder, names = project
        wanted = [name for name in names if self._named(name)][:MAX_LISTED]
        found = (self._resolved(pid, folder, name) for name in wanted)
        packages = [package for package in found if package is not None]
        return self._programs.locks.with_integrity(pid, packages)

    def _project(self, pid: int, script: str) -> _Project | None:
        for folder in _above(script):
            path = f"{folder}/package.json"
            try:
                key = self._key(pid, path)
                names = self._requires.get(key)
                if names is None:
                    read = nodepkg.requirements(self._read(pid, path, MAX_PACKAGE_JSON))
                    names = self._requires.put(key, False if read is None else read)
            except OSError:
                continue  # not here; perhaps further up
            if not isinstance(names, bool):
                return folder, names
        return None

    def _resolved(self, pid: int, folder: str, name: str) -> Package | None:
        """Return the package that Node.js finds by a name from ``folder`` on: the nearest one.

        Algorithm: nodejs.org/api/modules.html, "Loading from node_modules folders".
        """
        for above in (folder, *_above(folder)):
            path = f"{above}{_FOLDER}{name}/package.json"
            try:
                key = self._key(pid, path)
                path = self._host.real_path(pid, path)
                package = self._packages.get((key, path))
                if package is None:
                    read = self._programs.package_at(pid, path)
                    package = self._packages.put((key, path), read or False)
            except OSError:
                continue
            # what is installed under another's name is what its own file says
            known = isinstance(package, Package) and self._named(package.name)
            return package if known and isinstance(package, Package) else None
        return None

    def _key(self, pid: int, path: str) -> FileKey:
        return key_of(self._host.stat_in_root(pid, path), self._host.mounts(pid))

    def _read(self, pid: int, path: str, limit: int) -> bytes:
        return read_in_root(self._host, pid, path, limit)


def _above(path: str) -> Iterator[str]:
    """Yield the folders above a path, the nearest first, without a slash at the end."""
    for _ in range(MAX_PARENTS):
        if not path:
            return
        path = path.rpartition("/")[0]
        yield path
