"""Python environments in a process's root: which distribution owns a file."""

import posixpath
import re
from collections.abc import Iterable, Sequence

from aibom.observe.files.content import key_of
from aibom.observe.files.recent import UNUSED_FOR_LONG, Recent
from aibom.observe.host.protocol import Host
from aibom.observe.python.environment import Environment
from aibom.types.files import FileKey, FileUse
from aibom.types.packages import Package
from aibom.types.processes import Process

#: A path below a folder of installed distributions: that folder, and the rest.
SITE = re.compile(r"^(?P<folder>/(?:.*/)?(?:site|dist)-packages)/(?P<file>.+)$")
# PEP 3149 and the limited API's tag: files that only a Python imports
_EXTENSION = re.compile(r"\.(?:cpython-\d+[^/]*|abi3|pypy[^/]*)\.so$")
_INTERPRETER = re.compile(r"^python(?P<version>3(?:\.\d+)?)?t?$")
_VERSIONED = re.compile(r"^python3\.\d+t?$")
#: Most distributions that are read because loaded ones require them.
MAX_BRIDGES = 500
_MAX_PARENTS = 8
_REMEMBERED = 1_000


class Environments:
    """All Python environments of a node, each read once however many containers share it."""

    def __init__(self, host: Host) -> None:
        """Read through ``host``."""
        self._host = host
        self._known: Recent[tuple[FileKey, str], Environment] = Recent(_REMEMBERED, UNUSED_FOR_LONG)

    def at(self, pid: int, folder: str) -> Environment | None:
        """Return the environment in a folder of the process's root, or None when none is there."""
        try:
            found = self._host.stat_in_root(pid, folder)
            key = (key_of(found, self._host.mounts(pid)), folder)
            environment = self._known.get(key)
            if environment is None:
                names = self._host.list_in_root(pid, folder)
                environment = self._known.put(key, Environment(self._host, pid, folder, names))
        except OSError:
            return None  # looked for where it may be; not being there is normal
        return environment or None

    def bridges(
        self, pid: int, folders: Sequence[str], loaded: Iterable[Package]
    ) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return what ``loaded`` packages require that is installed and not loaded itself.

        Each comes with its own requirements, sorted by name. ``folders`` are searched in order.
        """
        known = {package.name for package in loaded if package.ecosystem == "pypi"}
        waiting = [n for package in loaded if package.name in known for n in package.requires]
        found: dict[str, tuple[str, ...]] = {}
        while waiting and len(found) < MAX_BRIDGES:
            name = waiting.pop()
            if name in known or name in found:
                continue
            try:
                package = self._named(pid, folders, name)
            except ProcessLookupError:
                break  # it has ended; what was seen of it stays
            found[name] = package.requires if package is not None else ()
            waiting += found[name]
        return tuple(sorted((name, requires) for name, requires in found.items() if requires))

    def _named(self, pid: int, folders: Sequence[str], name: str) -> Package | None:
        for folder in folders:
            environment = self.at(pid, folder)
            package = environment.named(pid, name) if environment else None
            if package is not None:
                return package
        return None

    def folders(
        self, process: Process, argv: tuple[str, ...], uses: Iterable[FileUse]
    ) -> list[str]:
        """Return the folders from which a process may import, those proven by its maps first."""
        found: dict[str, None] = {}
        for use in uses:
            if use.kind == "mapped" and use.path.endswith(".so"):
                found.update(dict.fromkeys(self._folder_of(process.pid, use.path)))
        found.update(dict.fromkeys(self._likely(process, argv)))
        return list(found)

    def _folder_of(self, pid: int, path: str) -> list[str]:
        if site := SITE.match(path):
            return [site["folder"]]
        if not _EXTENSION.search(path):
            return []
        # not a site-packages by name: climb until distributions lie beside the package
        parent = path
        for _ in range(_MAX_PARENTS):
            parent = parent.rsplit("/", 1)[0]
            if not parent or "/lib-dynload" in parent:
                break
            if self.at(pid, parent):
                return [parent]
        return []

    def _likely(self, process: Process, argv: tuple[str, ...]) -> list[str]:
        name = process.executable.rsplit("/", 1)[-1]
        if not _INTERPRETER.match(name):
            return []
        listed = process.environment.get("PYTHONPATH", "").split(":")
        folders = [p.rstrip("/") for p in listed if p.startswith("/")]
        for prefix in _prefixes(process, argv):
            folders += self.site_folders(process.pid, prefix)
        return folders

    def site_folders(self, pid: int, prefix: str) -> list[str]:
        """Return the site-packages folders that may lie below a prefix (sys.prefix)."""
        try:
            names = self._host.list_in_root(pid, f"{prefix}/lib")
        except OSError:
            return []
        versions = [n for n in names if n == "python3" or _VERSIONED.match(n)]
        return [f"{prefix}/lib/{n}/{k}-packages" for n in versions for k in ("site", "dist")]


def _prefixes(process: Process, argv: tuple[str, ...]) -> list[str]:
    """Return the prefixes (sys.prefix) that a Python process may have, most specific first."""
    # a name without a slash was found along PATH
    near = [posixpath.join(process.cwd, a) for a in argv[:2] if "/" in a]
    programs = [posixpath.normpath(a) for a in near if a.startswith("/")] + [process.executable]
    found = [
        process.environment.get("VIRTUAL_ENV", ""),
        process.environment.get("CONDA_PREFIX", ""),
    ]
    found += [p.rsplit("/", 2)[0] for p in programs if p.count("/") > 1 and "/bin/" in p]
    return list(dict.fromkeys([p.rstrip("/") for p in found if p.startswith("/")] + ["/usr/local"]))
