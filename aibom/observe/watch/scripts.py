"""Which file opens are loads of npm packages: by who opens what below node_modules."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from aibom.formats.events.fanotify import FileEvent
from aibom.formats.procfs import commandline
from aibom.observe.files.recent import Recent
from aibom.observe.watch.code import folder_of
from aibom.observe.watch.filesystems import AS_SHOWN, FileSystems, Stored
from aibom.types.processes import Process

#: Most folders that are remembered; a large project has some thousand with code in them.
_KEPT = 50_000
_MANIFEST = b"package.json"
# the last node_modules tells: pnpm keeps packages below node_modules/.pnpm/ID/node_modules
_PACKAGE = re.compile(
    r"^(?P<package>/(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*)(?P<inner>/.*)?$", re.DOTALL
)
# package managers install and inspect packages, bundlers and compilers read them as input
_TOOLS = re.compile(
    r"(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(?:-cli|-[\d.]+)?"
    r"|tsc|webpack|rollup|vite|parcel|esbuild|rspack|turbo|nx|ncc|browserify"
)
_SUFFIX = re.compile(r"\.[cm]?js$")
# what of these runtimes' own commands runs a program
_RUNNING = {"bun": {"run", "test", "repl"}, "deno": {"run", "serve", "test", "repl", "eval"}}
_COMMAND = re.compile(r"[a-z]+")

#: What of a package was opened: its package.json, or code of it; or that the first was written.
Part = Literal["manifest", "code", "written"]
#: The folder of a package, and what was done with it.
ScriptUse = tuple[Stored, Part]


def is_script(name: bytes) -> bool:
    """Say whether a file is JavaScript code or may describe a package, by its name."""
    return name.endswith((b".js", b".mjs", b".cjs")) or name == _MANIFEST


def is_manifest(name: bytes) -> bool:
    """Say whether a file may describe a package, by its name."""
    return name == _MANIFEST


def may_load(process: Process) -> bool:
    """Say whether what a process opens of npm packages is what it loads.

    So it is of JavaScript runtimes, but where they run a package manager, a bundler or a compiler.
    npm and yarn give themselves titles, which then are all that is left of their command line.
    """
    if not commandline.is_javascript(process.executable):
        return False
    run = commandline.parse(process.executable, process.argv)
    title = process.argv[0].partition(" ")[0] if process.argv else ""
    named = (_SUFFIX.sub("", word.rpartition("/")[2]) for word in (title, run.script))
    return not any(_TOOLS.fullmatch(name) for name in named) and _runs(process)


def _runs(process: Process) -> bool:
    """Say whether a runtime was told to run something, and not to install, build or check."""
    running = _RUNNING.get(process.executable.rpartition("/")[2].removesuffix(".exe"))
    command = process.argv[1] if len(process.argv) > 1 else ""
    return running is None or command in running or not _COMMAND.fullmatch(command)


def loads_of(uses: Iterable[ScriptUse]) -> set[Stored]:
    """Return the packages that were loaded, of what was opened of them.

    Resolving a name reads the package.json, loading what it names opens code. Who reads only
    the first asks for a version, or searches; bundled programs read neither. Who writes one
    below node_modules copies or installs packages: what it opens tells nothing.
    """
    parts: dict[Stored, set[Part]] = defaultdict(set)
    for package, part in uses:
        if part == "written":
            return set()
        parts[package].add(part)
    return {package for package, opened in parts.items() if len(opened) > 1}


class ScriptFolders:
    """Remembers which folders belong to npm packages; each is asked for once."""

    def __init__(self, systems: FileSystems) -> None:
        """Ask ``systems`` where a folder lies."""
        self._systems = systems
        self._known: Recent[tuple[bytes, bytes], tuple[Stored, bool] | Literal[False]] = Recent(
            _KEPT
        )

    def use(self, event: FileEvent, *, changed: bool = False) -> ScriptUse | None:
        """Return what an event says was done with a package, None when it tells of none.

        ``changed``: the file was written, which tells something of a package.json only.
        """
        if changed and not is_manifest(event.name):
            return None
        # an event with a descriptor names its file's folder by itself
        key = (event.filesystem, event.folder or folder_of(event))
        known = self._known.get(key)
        if known is None:
            try:
                known = self._known.put(key, self._look(event))
            except OSError:
                return None  # removed already, or nobody is left through whom to ask
        if known is False:
            return None
        package, inner = known
        if is_manifest(event.name):
            # a package.json further down only says how its folder's files are written
            return None if inner else (package, "written" if changed else "manifest")
        return package, "code"

    def _look(self, event: FileEvent) -> tuple[Stored, bool] | Literal[False]:
        if event.descriptor >= 0:
            stored = Stored(AS_SHOWN, os.fsdecode(folder_of(event)))
        else:
            stored = self._systems.folder(event.filesystem, event.folder)
        found = _PACKAGE.match(stored.path)
        if found is None:
            return False
        return stored._replace(path=found["package"]), bool(found["inner"])
