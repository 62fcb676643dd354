"""One folder of installed Python distributions: which of them owns a file, and which a module."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import canonicalize_name

from aibom.formats.packages import pydist
from aibom.formats.text import printable
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.types.packages import Package

#: Largest RECORD that is read, in bytes; torch's has 1.5 MB.
MAX_RECORD = 16 << 20
#: Most bytes of all RECORDs of one environment that are searched for an owner.
MAX_RECORDS = 64 << 20
_MAX_METADATA = 1 << 20
_MAX_INSTALLER = 200
# .pth files that are no editable install
_OF_TOOLS = frozenset({"distutils-precedence.pth", "_virtualenv.pth"})


class Listed(NamedTuple):
    """A module's file, below the folder, and the metadata folder that lists it."""

    entry: str
    path: str


class Below(NamedTuple):
    """What shares a top-level name: by name the modules of distributions that list their files.

    ``unlisted`` are, by normalised name, the metadata of those that do not, as Debian's.
    """

    listed: dict[str, list[Listed]]
    unlisted: dict[str, str]


class Environment:
    """One folder of installed distributions (a site-packages, or ``pip install --target``)."""

    def __init__(self, host: Host, pid: int, folder: str, entries: Iterable[str]) -> None:
        """Take the names in ``folder``; nothing is read before it is asked for."""
        self._host = host
        self._folder = folder
        self._entries: dict[str, list[str]] = {}
        # every kind of editable install leaves one
        self._has_links = False
        for entry in entries:
            self._has_links |= entry.endswith(".pth") and entry not in _OF_TOOLS
            if named := pydist.folder_name(entry):
                self._entries.setdefault(named[0], []).append(entry)
        self._owners: dict[str, Package | None] = {}
        self._tops: dict[str, list[str]] | None = None
        self._below: dict[str, Below] = {}
        self._sources: list[tuple[str, str]] | None = None
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

    def named(self, pid: int, name: str) -> Package | None:
        """Return the distribution of a normalised name, or None."""
        self._pid = pid
        entries = self._entries.get(name, ())
        return next((p for entry in entries if (p := self._package(entry)) is not None), None)

    def below(self, pid: int, top: str) -> Below:
        """Return what the distributions here have at and below a top-level name."""
        if top not in self._below:
            self._pid = pid
            found = Below({}, {})
            for entry in self._entries_by_top().get(top, ()):
                record = self._read(entry, "RECORD", MAX_RECORD)
                named = pydist.folder_name(entry)
                if record is None and named:
                    found.unlisted[named[0]] = entry
                for name, path in pydist.modules(record or b"", top).items():
                    found.listed.setdefault(name, []).append(Listed(entry, path))
            self._below[top] = found
        return self._below[top]

    def linked(self, pid: int, path: str) -> Package | None:
        """Return the distribution that is installed here as a link to the source at ``path``."""
        if self._sources is None:
            self._pid = pid
            self._sources = self._find_sources() if self._has_links else []
        for source, entry in self._sources:
            inner = path.removeprefix(source)
            if inner != path and "-packages/" not in inner:
                return self.distribution(pid, entry)
        return None

    def _find_sources(self) -> list[tuple[str, str]]:
        """Return the folders of editable installs and their metadata, deepest folder first."""
        found = []
        for entry in (e for entries in self._entries.values() for e in entries):
            # PEP 610
            data = self._read(entry, "direct_url.json", _MAX_METADATA)
            if source := pydist.editable_source(data or b""):
                found.append((source, entry))
        return sorted(found, key=lambda one: (-len(one[0]), one))

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
        tops = self._entries_by_top()
        for entry in (*tops.get(top, ()), *tops.get(top.partition(".")[0], ())):
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
                if not tops:
                    tops = set((pydist.folder_name(entry) or ("",))[:1])
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
        stem = canonicalize_name(top.partition(".")[0])
        if stem not in {canonicalize_name(n) for n in names or named[:1]}:
            return False
        # of several that share it the one that is called like the module
        others = [e for e in self._entries_by_top().get(top, ()) if e != entry]
        return not others or named[0] in pydist.spellings(relative)

    def _package(self, entry: str) -> Package | None:
        if entry not in self._packages:
            self._packages[entry] = self._read_package(entry)
        return self._packages[entry]

    def _read_package(self, entry: str) -> Package | None:
        for name in ("METADATA", "PKG-INFO", ""):
            data = self._read(entry, name, _MAX_METADATA)
            metadata = pydist.parse_metadata(data) if data is not None else None
            if metadata is not None and pydist.agrees(entry, metadata):
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
