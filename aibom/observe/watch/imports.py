"""The packages of code that short-lived processes opened: imports too quick for a look."""

from collections import defaultdict

from aibom.formats.packages import npmlock
from aibom.observe.files.content import key_of
from aibom.observe.host.smallfile import read_in_root
from aibom.observe.inspector import Inspector
from aibom.observe.packages.npmlocks import MAX_LOCK
from aibom.observe.python.environment import Environment
from aibom.observe.watch.code import imports_of
from aibom.observe.watch.filesystems import Stored
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.views import Views
from aibom.types.files import NO_KEY, UNKNOWN_ORIGIN, FileFacts, Origin
from aibom.types.packages import LoadedBy, LoadedPackage, Package
from aibom.types.processes import Process

#: npm's hidden lock file, written when an installation has ended.
NPM_LOCK = ".package-lock.json"


class OpenedPackages:
    """Finds the distributions of code that was opened, with the help of a living neighbour."""

    def __init__(self, inspector: Inspector, lives: Lives, views: Views) -> None:
        """Ask the inspector's environments, which a sweep has filled already for the most part."""
        self._host = inspector.host
        self._environments = inspector.environments
        self._lives = lives
        self._views = views

    def of(self, life: Life) -> list[LoadedPackage] | None:
        """Return what a process imported since its last look, None where nobody can say.

        See imports_of for what an import is told from.
        """
        acts = life.acting()
        uses, acts.code = acts.code, set()
        sure, likely = imports_of(uses, life.process.argv)
        if not sure | likely:
            return []
        view, near = self._views.of(life.process), self._lives.near(life.process)
        if view is None or near is None:
            return None
        below: dict[Stored, list[str]] = defaultdict(list)
        for site, relative in sorted(sure | likely):
            below[site].append(relative)
        found: list[LoadedPackage] = []
        for site, relatives in below.items():
            if (placed := view.find(site)) is not None:
                imported = [
                    one
                    for one in relatives
                    if (site, one) in sure or not self._has_bytecode(near, placed[0], one)
                ]
                found += self._loaded(near, *placed, imported)
        return found

    def _has_bytecode(self, near: Process, folder: str, relative: str) -> bool:
        """Say whether an import would have opened bytecode, so that opening the source is none.

        Layout: PEP 3147.
        """
        path, _, name = f"{folder}/{_forms(relative)[-1]}".rpartition("/")
        stem = name.removesuffix(".py") + "."
        try:
            listed = self._host.list_in_root(near.pid, f"{path}/__pycache__")
        except OSError:
            return False
        return any(entry.startswith(stem) and entry.endswith(".pyc") for entry in listed)

    def installed(
        self, life: Life, folder: str, entry: str, origin: Origin
    ) -> LoadedPackage | None:
        """Return the distribution whose metadata was written to ``folder``/``entry``."""
        near = self._lives.near(life.process)
        environment = self._environments.at(near.pid, folder) if near is not None else None
        if near is None or environment is None:
            return None
        try:
            package = environment.distribution(near.pid, entry)
        except OSError:
            return None  # the neighbour, often the installer itself, ended meanwhile
        return self._file(near, package, f"{folder}/{entry}", origin, "installed")

    def locked(self, life: Life, folder: str, origin: Origin) -> list[LoadedPackage]:
        """Return the packages that npm says it has put into a node_modules ``folder``."""
        near = self._lives.near(life.process)
        path = f"{folder}/{NPM_LOCK}"
        try:
            data = read_in_root(self._host, near.pid, path, MAX_LOCK) if near else b""
        except OSError:
            return []  # gone again
        above = folder.removesuffix("/node_modules")
        found = []
        for one in npmlock.parse(data):
            at = f"{above}/{one.folder}/package.json"
            package = Package("npm", one.name, one.version, at, installer="npm")
            found.append(LoadedPackage(package, FileFacts(path, NO_KEY, origin), "installed"))
        return found

    def _loaded(
        self, near: Process, folder: str, origin: Origin, relatives: list[str]
    ) -> list[LoadedPackage]:
        """Return the distributions of some code below one folder, each by its first file."""
        environment = self._environments.at(near.pid, folder)
        if environment is None:
            return []
        first: dict[str, tuple[Package, str]] = {}
        for relative in relatives:
            for form in _forms(relative):
                if package := _owner(environment, near.pid, form):
                    first.setdefault(package.location, (package, f"{folder}/{form}"))
                    break
        files = (self._file(near, one, path, origin, "opened") for one, path in first.values())
        return [file for file in files if file is not None]

    def _file(
        self, near: Process, package: Package | None, path: str, origin: Origin, how: LoadedBy
    ) -> LoadedPackage | None:
        if package is None:
            return None
        try:
            key = key_of(self._host.stat_in_root(near.pid, path), self._host.mounts(near.pid))
        except OSError:
            return LoadedPackage(package, FileFacts(path, NO_KEY, UNKNOWN_ORIGIN), how)
        return LoadedPackage(package, FileFacts(path, key, origin), how)


def _owner(environment: Environment, pid: int, form: str) -> Package | None:
    try:
        return environment.owner(pid, form)
    except OSError:
        return None


def _forms(relative: str) -> list[str]:
    """Return the files that importing ``relative`` may have begun with, the outermost first."""
    if relative.endswith(".py"):
        return [relative]
    parts = relative.split("/")
    return ["/".join((*parts[: n + 1], "__init__.py")) for n in range(len(parts))]
