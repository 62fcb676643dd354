"""What a Python process has imported, as the distributions that its modules belong to."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from aibom.formats.cpython.modules import Module, ModuleTable
from aibom.observe.pythonpath import Environment, Environments
from aibom.types.facts import Package

#: Most parts of a name below which packages of several distributions are looked for
#: (``llama_index.llms.openai`` has three).
MAX_DEPTH = 4
#: Most names of one process for which an owner is looked for by every form of file.
MAX_GUESSES = 2_000
# imported by .pth files at every start of an interpreter, whatever it runs: setuptools' shim and
# virtualenv's
OF_STARTUP = frozenset({"_distutils_hack", "_virtualenv"})


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
        below = _by_top(table.modules)
        found: dict[str, Imported] = {}
        places = {folder: self._environments.at(pid, folder) for folder in folders}
        shared = []
        for module in table.modules:
            if "." in module.name or module.name in OF_STARTUP:
                continue
            folder, relative = _split(module)
            if folder and folder not in places:
                places[folder] = self._environments.at(pid, folder)
            environment = places.get(folder)
            package = environment.owner(pid, relative) if environment else None
            if package is not None:
                found.setdefault(package.location, Imported(package, module.file))
            if not module.file or (environment and environment.is_shared(pid, module.name)):
                shared += below.get(module.name, [])
        known = [(place, here) for place, here in places.items() if here is not None]
        for one in _in_namespaces(pid, shared, known):
            found.setdefault(one.package.location, one)
        return sorted(found.values(), key=lambda one: (one.package.name, one.package.location))


def _in_namespaces(
    pid: int, names: list[str], environments: list[tuple[str, Environment]]
) -> Iterator[Imported]:
    """Yield the owners of packages below a name that several distributions share."""
    owned: set[str] = set()
    for name in names[:MAX_GUESSES]:
        # what lies within an owned package is its owner's as well
        if any(name.startswith(f"{o}.") for o in owned):
            continue
        relative = name.replace(".", "/")
        for folder, environment in environments:
            if not environment.may_hold(pid, relative.partition("/")[0]):
                continue
            for form in (f"{relative}/__init__.py", f"{relative}.py"):
                if package := environment.owner(pid, form):
                    owned.add(name)
                    yield Imported(package, f"{folder}/{form}")
                    break


def _by_top(modules: tuple[Module, ...]) -> dict[str, list[str]]:
    """Return the names of submodules by the top-level name, shallow ones first."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in modules:
        top, _, rest = module.name.partition(".")
        if rest and rest.count(".") < MAX_DEPTH - 1:
            found[top].append(module.name)
    for names in found.values():
        names.sort(key=lambda name: (name.count("."), name))
    return found


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
