"""Which file opens are imports: code of installed Python packages, by folder and name."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.files.recent import Recent
from aibom.observe.python.imports import OF_STARTUP
from aibom.observe.python.pythonpath import SITE
from aibom.observe.watch.filesystems import AS_SHOWN, FileSystems, Stored

#: Most folders of code that are remembered; torch has about 600.
_KEPT = 50_000
# parts of a package's name by which distributions that share its first part are told
_PARTS = 5
_CACHE = "/__pycache__"

#: What was done with a package's code: bytecode or source opened, bytecode written.
CodeAct = Literal["read-bytecode", "read-source", "wrote-bytecode"]
#: A package: the folder that it is installed in, and its file or folder below.
Opened = tuple[Stored, str]
#: What was done with a package.
CodeUse = tuple[Stored, str, CodeAct]

_COMPILERS = ("compileall", "py_compile")
_IMPORTS: tuple[set[CodeAct], ...] = (
    {"read-bytecode"},
    {"read-source", "wrote-bytecode"},
    # as another one imports it at the same time
    {"read-source", "wrote-bytecode", "read-bytecode"},
)


def is_code(name: bytes) -> bool:
    """Say whether a file is Python source or bytecode, by its name."""
    return name.endswith((b".pyc", b".py"))


def act_of(event: FileEvent, *, changed: bool) -> CodeAct:
    """Return what an event of a file of code says that was done; ``changed``: it was written."""
    if not event.name.endswith(b".pyc"):
        return "read-source"
    return "wrote-bytecode" if changed else "read-bytecode"


def imports_of(uses: Iterable[CodeUse], argv: tuple[str, ...]) -> tuple[set[Opened], set[Opened]]:
    """Return the packages that a process imported, and those that it may have, of what it did.

    An import opens the bytecode alone; where there is none it opens the source, and writes bytecode
    where it may. Who opens both copies them, and ``-m compileall`` does what imports do. A source
    that is opened alone is imported only if there is no bytecode of it, which is for the caller to
    see.
    """
    acts: dict[Opened, set[CodeAct]] = defaultdict(set)
    for site, package, act in uses:
        acts[site, package].add(act)
    if any(module in argv for module in _COMPILERS):
        return set(), set()
    # importing a part begins with the whole: of the two the whole tells
    parts: dict[Opened, list[set[CodeAct]]] = defaultdict(list)
    for opened, did in acts.items():
        parts[_whole(opened, acts)].append(did)
    sure = {o for o, did in parts.items() if acts[o] in _IMPORTS or _reads_itself(did)}
    return sure, {o for o in parts if acts[o] == {"read-source"}}


def _whole(opened: Opened, acts: Mapping[Opened, object]) -> Opened:
    """Return the outermost package around one, of those with which something was done."""
    site, names = opened[0], opened[1].split("/")
    outer = ((site, "/".join(names[:count])) for count in range(1, len(names)))
    return next((one for one in outer if one in acts), opened)


def _reads_itself(parts: list[set[CodeAct]]) -> bool:
    """Say whether a package was imported that also reads sources of its own, as torch does.

    Who copies a package opens both kinds of every part.
    """
    imported = sum(did == {"read-bytecode"} for did in parts)
    return imported > len(parts) - imported


def folder_of(event: FileEvent) -> bytes:
    """Return the folder of an event that came with a descriptor, as its process sees it."""
    link = os.readlink(b"/proc/self/fd/%d" % event.descriptor)
    return link.removesuffix(b" (deleted)").rpartition(b"/")[0]


class CodeFolders:
    """Remembers which folders belong to installed packages; most of all opens are of a few."""

    def __init__(self, systems: FileSystems) -> None:
        """Ask ``systems`` where a folder lies, once."""
        self._systems = systems
        self._inner: Recent[tuple[bytes, bytes], bool] = Recent(_KEPT)
        self._known: Recent[tuple[bytes, bytes], tuple[Stored, str] | Literal[False]] = Recent(
            _KEPT
        )
        #: by file system and folder: True where no file tells of a package, False where only
        #: ``__init__`` does; what is missing is to be asked about
        self.inner: Callable[[tuple[bytes, bytes]], bool | None] = self._inner.get

    def package(self, event: FileEvent) -> Opened | None:
        """Return the package whose code an event is about, None when it is no package's.

        Of packages in folders only the opening of ``__init__`` tells: every import begins there.
        """
        # an event with a descriptor names its file's folder by itself
        key = (event.filesystem, event.folder or folder_of(event))
        known = self._known.get(key)
        if known is None:
            try:
                found = self._look(event)
            except OSError:
                return None  # removed already, or nobody is left through whom to ask
            known = self._known.put(key, found)
            if known is False or known[1]:
                self._inner.put(key, known is False)
        if known is False:
            return None
        site, below = known
        if below.partition("/")[0] in OF_STARTUP:
            return None
        if not below:
            stem = event.name.partition(b".")[0].decode("utf-8", "surrogateescape")
            return (site, f"{stem}.py") if stem not in OF_STARTUP else None
        return (site, below) if event.name.startswith(b"__init__.") else None

    def _look(self, event: FileEvent) -> tuple[Stored, str] | Literal[False]:
        if event.descriptor >= 0:
            stored = Stored(AS_SHOWN, os.fsdecode(folder_of(event)))
        else:
            stored = self._systems.folder(event.filesystem, event.folder)
        path = stored.path.removesuffix(_CACHE) + "/"
        site = SITE.match(path + ".")
        if site is None:
            return False
        below = site["file"].removesuffix(".").strip("/")
        folder = stored._replace(path=site["folder"])
        return folder, "/".join(below.split("/")[:_PARTS])
