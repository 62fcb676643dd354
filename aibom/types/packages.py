"""Packages, programs and libraries, as files and interpreters show them."""

from dataclasses import dataclass, field
from typing import Literal

from aibom.types.files import FileFacts


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package of an ecosystem that purl knows (``pypi``, ``npm``, ``golang``).

    ``requires`` are the names of its direct dependencies. ``location`` is the path of the
    metadata that says so. ``mcp_name`` is its name in the MCP registry, where it gives one.
    ``installer`` is the program that says it installed it, ``requested`` whether somebody asked
    for it by name (PyPA, "Recording installed projects"). ``integrity`` is the digest that a lock
    file promises of its archive, in the form of Subresource Integrity (W3C).
    """

    ecosystem: Literal["pypi", "npm", "golang"]
    name: str
    version: str
    location: str
    licence: str = ""
    summary: str = ""
    requires: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    mcp_name: str = ""
    installer: str = ""
    requested: bool = False
    integrity: str = ""


#: ``mapped``: a file of the package is in the process's maps; ``imported``: the interpreter's
#: own list of modules names it; ``opened``: its code was opened, as imports do; ``listed``: the
#: running script's own package depends on it, and it lies where it would be loaded from;
#: ``installed``: its metadata was written, which loads nothing.
LoadedBy = Literal["mapped", "imported", "opened", "listed", "installed"]


@dataclass(frozen=True, slots=True)
class LoadedPackage:
    """A package that a process proves to have loaded, by ``file``, one of the package's."""

    package: Package
    file: FileFacts
    how: LoadedBy = "mapped"


@dataclass(frozen=True, slots=True)
class Binary:
    """An ELF file that a process maps for execution.

    ``symbols`` are those of the symbols that rules ask for which the file defines itself.
    ``modules`` are what is linked in, where the file's build information says so; the first is
    the main module. ``owner`` is the package that the file belongs to.
    """

    file: FileFacts
    soname: str = ""
    symbols: frozenset[str] = frozenset()
    modules: tuple[Package, ...] = ()
    owner: Package | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """What a process runs, as its command line and the files it names say.

    ``name`` is the base name of the executable or script, ``path`` its path and ``file`` what
    is there, ``module`` the argument of ``python -m``, ``package`` the package that owns the
    script or binary, ``imports`` the modules that the script's own text imports (a claim of the
    text, not proof of a load).
    """

    name: str
    path: str = ""
    file: FileFacts | None = None
    module: str = ""
    package: Package | None = None
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class RemoteCode:
    """Python code of a hub's repository that a process imported (trust_remote_code).

    ``modules`` are its names below ``transformers_modules``; ``files`` what they were read from.
    """

    repository: str
    commit: str
    modules: tuple[str, ...]
    files: tuple[FileFacts, ...] = field(default=(), compare=False)
