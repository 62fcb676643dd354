"""What a Python process has imported, as the distributions that its modules belong to."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aibom.formats.cpython.modules import Module, ModuleTable
from aibom.formats.packages import pydist
from aibom.observe.python.environment import Environment
from aibom.observe.python.pythonpath import Environments
from aibom.types.packages import Package

#: Most names of one process below top-level names that distributions share.
MAX_SHARED = 100_000
# imported by .pth files at every start of an interpreter, whatever it runs: setuptools' shim and
# virtualenv's
OF_STARTUP = frozenset({"_distutils_hack", "_virtualenv"})
# so are the finders of editable installs (setuptools)
_FINDER = "__editable__"


class Imported(NamedTuple):
    """A distribution that a process imports, by one of its files."""

    package: Package
    path: str


class Imports:
    """Finds the distributions of imported modules, by the files that the modules came from."""

    def __init__(self, environments: Environments) -> None:
        """Ask ``environments`` which distribution a file belongs to."""
        self._environments = environments

    def of(self, pid: int, table: ModuleTable, folders: list[str]) -> list[Imported]:
        """Return the distributions of a process's modules, each once, sorted by name.

        ``folders`` are those from which it may import, besides those that its modules name.
        Modules that no distribution owns, such as the application's own, give nothing.
        """
        places = {folder: self._environments.at(pid, folder) for folder in folders}
        found: dict[str, Imported] = {}
        shared, stray = [], []
        for module in table.modules:
            if "." in module.name or module.name in OF_STARTUP or module.name.startswith(_FINDER):
                continue
            folder, relative = _split(module)
            if folder and folder not in places:
                places[folder] = self._environments.at(pid, folder)
            environment = places.get(folder)
            if not module.file or (environment and environment.is_shared(pid, module.name)):
                shared.append(module.name)
            elif environment and (package := environment.owner(pid, relative)):
                found.setdefault(package.location, Imported(package, module.file))
            elif folder:
                stray.append(module.file)
        known = [(place, here) for place, here in places.items() if here is not None]
        for one in (*_shared(pid, table, shared, known), *_linked(pid, stray, known)):
            found.setdefault(one.package.location, one)
        return sorted(found.values(), key=lambda one: (one.package.name, one.package.location))


def _linked(
    pid: int, files: list[str], environments: Sequence[tuple[str, Environment]]
) -> Iterator[Imported]:
    """Yield the owners of files outside every environment: editable installs."""
    for file in files:
        for _, environment in environments:
            if package := environment.linked(pid, file):
                yield Imported(package, file)
                break


def _shared(
    pid: int, table: ModuleTable, tops: list[str], environments: Sequence[tuple[str, Environment]]
) -> Iterator[Imported]:
    """Yield the owners of the modules at and below names that several distributions share."""
    below: dict[str, list[str]] = defaultdict(list, {top: [] for top in tops})
    for module in table.modules[:MAX_SHARED]:
        if (top := module.name.partition(".")[0]) in below:
            below[top].append(module.name)
    for top, names in below.items():
        # where a name lies in two places the first is believed
        taken: set[str] = set()
        for folder, environment in environments:
            left = [name for name in names if name not in taken]
            for name, one in _owned(pid, top, left, folder, environment):
                taken.add(name)
                yield one


def _owned(
    pid: int, top: str, names: list[str], folder: str, environment: Environment
) -> Iterator[tuple[str, Imported]]:
    """Yield names of modules at and below a shared name, each with an owner."""
    below = environment.below(pid, top)
    for name in names:
        path = name.replace(".", "/")
        listed = below.listed.get(name, [])
        # an __init__.py that several list only makes the name shared
        if len(listed) > 1 and listed[0].path.endswith("/__init__.py"):
            listed = []
        alike = pydist.spellings(path) & below.unlisted.keys()
        for entry, file in [*listed, *[(below.unlisted[one], path) for one in sorted(alike)]]:
            if package := environment.distribution(pid, entry):
                yield name, Imported(package, f"{folder}/{file}")


def _split(module: Module) -> tuple[str, str]:
    """Return the folder that a top-level module was imported from, and its file below that.

    Both are empty where the module's ``__file__`` does not agree with its name.
    """
    folder, base = posixpath.split(module.file)
    if not module.file.startswith("/"):
        return "", ""
    stem = base.partition(".")[0]
    if stem == "__init__" and posixpath.basename(folder) == module.name:
        return posixpath.dirname(folder), _source(f"{module.name}/{base}")
    return (folder, _source(base)) if stem == module.name else ("", "")


def _source(relative: str) -> str:
    # an import without its source (legacy layout) is of the same distribution
    return relative.removesuffix("c") if relative.endswith(".pyc") else relative
