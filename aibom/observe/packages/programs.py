"""What a process runs: its script or binary, and the package that owns it."""

import posixpath
import re

from aibom.formats.packages import nodepkg, pydist
from aibom.formats.procfs import commandline
from aibom.formats.text import printable
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.observe.packages.npmlocks import NpmLocks
from aibom.observe.python.pythonpath import SITE, Environments
from aibom.types.packages import Package, Program
from aibom.types.processes import Process

#: Most bytes of a script whose imports are searched.
MAX_SCRIPT = 256 << 10
#: Most bytes of a package.json that are read.
MAX_PACKAGE_JSON = 1 << 20
_MAX_PARENTS = 10
_BIN = re.compile(r"^(?P<prefix>/(?:.*/)?)(?:bin|Scripts)/(?P<name>[^/]+)$")


class Programs:
    """Finds what processes run. Files are looked at inside the process's own root."""

    def __init__(self, host: Host, environments: Environments) -> None:
        """Read through ``host``; ask ``environments`` for the owners of Python files."""
        self._host = host
        self._environments = environments
        self.locks = NpmLocks(host)

    def find(self, process: Process, argv: tuple[str, ...], folders: list[str]) -> Program:
        """Return what a process runs. ``folders`` are those from which it may import."""
        run = commandline.parse(process.executable, argv)
        if run.module:
            return self._module(process, run.module, folders)
        if not run.script:
            return self._binary(process)
        path = self._resolve(process, run.script)
        name = posixpath.basename(path)
        if run.interpreter == "node":
            return Program(name, path, package=self._promised(process.pid, path))
        imports = pydist.imported_modules(self._text(process.pid, path))
        package = self._script_owner(process.pid, path, folders)
        return Program(name, path, package=package, imports=imports)

    def _module(self, process: Process, module: str, folders: list[str]) -> Program:
        name = printable(module, 200)
        relative = module.replace(".", "/")
        forms = (f"{relative}/__main__.py", f"{relative}.py", f"{relative}/__init__.py")
        owned = self._owner(process.pid, forms, folders)
        if owned is None:
            return Program(name, module=name)
        return Program(name, owned[1], module=name, package=owned[0])

    def _binary(self, process: Process) -> Program:
        path = process.executable
        package = None
        if site := SITE.match(path):
            package = self._owning(process.pid, (site["file"],), [site["folder"]])
        elif "/node_modules/" in path:
            package = self.node_package(process.pid, path)
        elif match := _BIN.match(path):
            # a wheel may install a native program into bin/ (its RECORD says ../../../bin/NAME)
            folders = self._environments.site_folders(process.pid, match["prefix"].rstrip("/"))
            package = self._owning(process.pid, (f"../../../bin/{match['name']}",), folders)
        return Program(posixpath.basename(path), path, package=package)

    def _resolve(self, process: Process, script: str) -> str:
        path = posixpath.normpath(posixpath.join(process.cwd, script))
        try:
            return self._host.real_path(process.pid, path)
        except OSError:
            return path  # gone, or out of reach: the name is still what was run

    def _text(self, pid: int, path: str) -> bytes:
        try:
            return read_in_root(self._host, pid, path, MAX_SCRIPT)
        except OSError:
            return b""

    def _script_owner(self, pid: int, path: str, folders: list[str]) -> Package | None:
        if site := SITE.match(path):
            return self._owning(pid, (site["file"],), [site["folder"]])
        match = _BIN.match(path)
        if match is None:
            return None
        prefix = match["prefix"].rstrip("/")
        near = self._environments.site_folders(pid, prefix)
        # pip install --target puts bin/ beside the packages, and RECORD still says ../../bin
        forms = tuple(f"{up}bin/{match['name']}" for up in ("../../../", "../../", ""))
        return self._owning(pid, forms, [*near, prefix, *folders])

    def _owning(self, pid: int, forms: tuple[str, ...], folders: list[str]) -> Package | None:
        owned = self._owner(pid, forms, folders)
        return owned[0] if owned is not None else None

    def _owner(
        self, pid: int, forms: tuple[str, ...], folders: list[str]
    ) -> tuple[Package, str] | None:
        """Return the package that lists one of ``forms``, and the path of that file."""
        for folder in folders:
            environment = self._environments.at(pid, folder)
            if environment is None:
                continue
            for form in forms:
                if package := environment.owner(pid, form):
                    return package, f"{folder}/{form}"
        return None

    def node_package(self, pid: int, path: str) -> Package | None:
        """Return the npm package that a file belongs to: the nearest package.json with a name."""
        folder = path
        for _ in range(_MAX_PARENTS):
            folder = folder.rsplit("/", 1)[0]
            if not folder:
                break
            found = self.package_at(pid, f"{folder}/package.json")
            if found is not None:
                return found
            if folder.endswith("/node_modules"):
                break
        return None

    def _promised(self, pid: int, path: str) -> Package | None:
        """Return the npm package of a script with what npm's lock file promises of it."""
        package = self.node_package(pid, path)
        return self.locks.with_integrity(pid, [package])[0] if package is not None else None

    def package_at(self, pid: int, path: str) -> Package | None:
        """Return what a package.json says, None where there is none or it is in no registry."""
        try:
            document = nodepkg.parse(read_in_root(self._host, pid, path, MAX_PACKAGE_JSON))
        except OSError:
            return None
        if document is None or not document.version or document.private:
            return None
        return Package(
            ecosystem="npm",
            name=document.name,
            version=document.version,
            location=path,
            licence=document.licence,
            summary=document.description,
            requires=document.dependencies,
            keywords=document.keywords,
            mcp_name=document.mcp_name,
        )
