"""Python environments in a process's root: which distribution owns a file."""

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from aibom.formats.packages import pydist
from aibom.formats.text import printable
from aibom.observe.content import key_of
from aibom.observe.host import Host
from aibom.observe.recent import Recent
from aibom.observe.smallfile import read_in_root
from aibom.types.facts import FileKey, FileUse, Package, Process

#: Largest RECORD that is read, in bytes; torch's has 1.5 MB.
MAX_RECORD = 16 << 20
#: Most bytes of all RECORDs of one environment that are searched for an owner.
MAX_RECORDS = 64 << 20
_MAX_METADATA = 1 << 20
_MAX_INSTALLER = 200

#: A path below a folder of installed distributions: that folder, and the rest.
SITE = re.compile(r"^(?P<folder>/(?:.*/)?(?:site|dist)-packages)/(?P<file>.+)$")
# PEP 3149 and the limited API's tag: files that only a Python imports
_EXTENSION = re.compile(r"\.(?:cpython-\d+[^/]*|abi3|pypy[^/]*)\.so$")
_INTERPRETER = re.compile(r"^python(?P<version>3(?:\.\d+)?)?t?$")
_VERSIONED = re.compile(r"^python3\.\d+t?$")
_MAX_PARENTS = 8
_REMEMBERED = 1_000


class Environment:
    """One folder of installed distributions (a site-packages, or ``pip install --target``)."""

    def __init__(self, host: Host, pid: int, folder: str, entries: Iterable[str]) -> None:
        """Take the names in ``folder``; nothing is read before it is asked for."""
        self._host = host
        self._folder = folder
        self._entries: dict[str, list[str]] = {}
        for entry in entries:
            if named := pydist.folder_name(entry):
                self._entries.setdefault(named[0], []).append(entry)
        self._owners: dict[str, Package | None] = {}
        self._tops: dict[str, list[str]] | None = None
        self._packages: dict[str, Package | None] = {}
        self._pid = pid

    def __bool__(self) -> bool:
        """Whether any distribution is installed here."""
        return bool(self._entries)

    def owner(self, pid: int, relative: str) -> Package | None:
        """Return the distribution whose list of files names ``relative``, or None."""
        if relative not in self._owners:
            self._pid = pid  # any process that sees this folder will do
            self._owners[relative] = self._find_owner(relative)
        return self._owners[relative]

    def distribution(self, pid: int, entry: str) -> Package | None:
        """Return the distribution whose metadata is the folder ``entry``, or None."""
        self._pid = pid
        return self._package(entry)

    def may_hold(self, pid: int, top: str) -> bool:
        """Say whether a distribution here lists files below the top-level name ``top``."""
        self._pid = pid
        return top in self._entries_by_top()

    def is_shared(self, pid: int, top: str) -> bool:
        """Say whether several distributions here list files below one top-level name."""
        self._pid = pid
        return len(self._entries_by_top().get(top, ())) > 1

    def _find_owner(self, relative: str) -> Package | None:
        top = relative.split("/", 1)[0]
        stem = re.sub(r"\.(?:libs|py|[\w-]+\.so|so)$", "", top)
        likely = self._entries.get(canonicalize_name(stem), [])
        for entry in likely:
            if self._owns(entry, relative, top):
                return self._package(entry)
        for entry in self._entries_by_top().get(top, []):
            if entry not in likely and self._owns(entry, relative, top):
                return self._package(entry)
        return None

    def _entries_by_top(self) -> dict[str, list[str]]:
        """Return the distributions by the top-level names of their files, read once."""
        if self._tops is None:
            self._tops = {}
            left = MAX_RECORDS
            for entry in (e for entries in self._entries.values() for e in entries):
                if left <= 0:
                    break
                record = self._read(entry, "RECORD", MAX_RECORD) or b""
                listed = self._read(entry, "top_level.txt", _MAX_METADATA) or b""
                left -= len(record)
                tops = pydist.top_levels(record) | set(listed.decode("utf-8", "replace").split())
                for top in tops:
                    self._tops.setdefault(top, []).append(entry)
        return self._tops

    def _owns(self, entry: str, relative: str, top: str) -> bool:
        record = self._read(entry, "RECORD", MAX_RECORD)
        if record is not None:
            return pydist.record_owns(record, relative)
        # Debian's packages have no RECORD: the top-level name is the best they say
        listed = self._read(entry, "top_level.txt", _MAX_METADATA)
        names = (listed or b"").decode("utf-8", "replace").split()
        named = pydist.folder_name(entry) or ("", "")
        return canonicalize_name(top) in {canonicalize_name(n) for n in names or named[:1]}

    def _package(self, entry: str) -> Package | None:
        if entry not in self._packages:
            self._packages[entry] = self._read_package(entry)
        return self._packages[entry]

    def _read_package(self, entry: str) -> Package | None:
        for name in ("METADATA", "PKG-INFO", ""):
            data = self._read(entry, name, _MAX_METADATA)
            metadata = pydist.parse_metadata(data) if data is not None else None
            if metadata is not None and _agrees(entry, metadata):
                installer = self._read(entry, "INSTALLER", _MAX_INSTALLER) or b""
                return Package(
                    ecosystem="pypi",
                    name=metadata.name,
                    version=metadata.version,
                    location=f"{self._folder}/{entry}",
                    licence=metadata.licence,
                    summary=metadata.summary,
                    requires=metadata.requires,
                    installer=printable(installer.decode("utf-8", "replace").strip()),
                    requested=self._read(entry, "REQUESTED", 0) is not None,
                )
        return None

    def _read(self, entry: str, name: str, limit: int) -> bytes | None:
        path = f"{self._folder}/{entry}/{name}".rstrip("/")
        try:
            return read_in_root(self._host, self._pid, path, limit)
        except ProcessLookupError:
            raise  # what is not seen through a process that has ended may well be there
        except OSError:
            return None  # the file is optional in every layout


class Environments:
    """All Python environments of a node, each read once however many containers share it."""

    def __init__(self, host: Host) -> None:
        """Read through ``host``."""
        self._host = host
        self._known: Recent[tuple[FileKey, str], Environment] = Recent(_REMEMBERED)

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
    programs = [a for a in argv[:2] if a.startswith("/")] + [process.executable]
    found = [
        process.environment.get("VIRTUAL_ENV", ""),
        process.environment.get("CONDA_PREFIX", ""),
    ]
    found += [p.rsplit("/", 2)[0] for p in programs if p.count("/") > 1 and "/bin/" in p]
    return list(dict.fromkeys([p.rstrip("/") for p in found if p.startswith("/")] + ["/usr/local"]))


def _agrees(entry: str, metadata: pydist.Metadata) -> bool:
    """Say whether a folder of metadata has the name and version that the metadata claims.

    Installers name the folder by them (PyPA, "Recording installed projects"); a folder of another
    name would make a package pass for a distribution that it is not.
    """
    name, version = pydist.folder_name(entry) or ("", "")
    # an underscore stands for a dash, and in old metadata for the plus of a local version
    forms = {version, version.replace("_", "-"), version.replace("_", "+", 1)}
    return name == metadata.name and any(_same(form, metadata.version) for form in forms)


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
