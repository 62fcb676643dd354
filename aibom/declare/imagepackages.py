"""The packages that an image's databases list, and which files are whose."""

import csv
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from aibom.formats.containers import kept
from aibom.formats.containers.tree import Tree
from aibom.formats.modelfolder import licences
from aibom.formats.packages import nodepkg, purl, pydist, rpmdb, system
from aibom.formats.packages.system import SystemPackage
from aibom.formats.source import FormatError

_METADATA = ("/METADATA", "/PKG-INFO", ".egg-info")
# the second is where Debian has packages of npm
_NODE = re.compile(r"(.*/node_modules/|/usr/share/nodejs/)((?:@[^/]+/)?[^/@][^/]*)/.*")
#: Most files of one RECORD; torch's has 15,000.
MAX_RECORD = 500_000


class Package(NamedTuple):
    """An installed package; ``paths`` are the files that it owns, as they lie in the image."""

    name: str
    version: str
    purl: str
    licence: str
    paths: frozenset[str]


def packages(tree: Tree, contents: Mapping[str, bytes]) -> tuple[list[Package], list[str]]:
    """Return the packages of an image and what could not be read of its databases.

    ``contents`` are the files that were kept, by their path. A file that two packages claim is the
    later one's: what pip or npm says of a file is closer to it than what the system does.
    """
    notes: list[str] = []
    found = [_installed(package, tree) for package in _system(tree, contents, notes)]
    found += _python(tree, contents)
    found += _node(tree, contents)
    return found, notes


def _system(
    tree: Tree, contents: Mapping[str, bytes], notes: list[str]
) -> Iterator[tuple[SystemPackage, system.Distribution]]:
    releases = (tree.followed(path) for path in kept.OS_RELEASE)
    release = next((file.content for file in releases if file and file.content), b"")
    distribution = system.os_release(release)
    for read, databases in ((_dpkg, (kept.DPKG_STATUS,)), (_apk, kept.APK), (_rpm, kept.RPM)):
        try:
            for package in read(contents, databases):
                yield package, distribution
        except FormatError as error:
            notes.append(f"{databases[0]}: {error}")


def _dpkg(contents: Mapping[str, bytes], where: tuple[str, ...]) -> Iterator[SystemPackage]:
    lists: dict[str, bytes] = {}
    # a .list is what was installed; distroless images have only digests
    for ending in (".md5sums", ".list"):
        for path, data in contents.items():
            if path.startswith("/var/lib/dpkg/") and path.endswith(ending):
                lists[path.rpartition("/")[2].removesuffix(ending)] = data
    yield from system.dpkg(contents.get(where[0], b""), lists)
    for path, data in sorted(contents.items()):
        if path.startswith(f"{where[0]}.d/") and not path.endswith(".md5sums"):
            yield from system.dpkg(data, lists, every=True)


def _apk(contents: Mapping[str, bytes], where: tuple[str, ...]) -> Iterator[SystemPackage]:
    for path in where:
        yield from system.apk(contents.get(path, b""))


def _rpm(contents: Mapping[str, bytes], where: tuple[str, ...]) -> Iterator[SystemPackage]:
    for path in where:
        if path in contents:
            yield from rpmdb.packages(contents[path])


def _installed(found: tuple[SystemPackage, system.Distribution], tree: Tree) -> Package:
    package, distribution = found
    return Package(
        package.name,
        package.version,
        purl.comparable(system.purl(package, distribution)),
        licences.spdx(package.licence) if package.licence else "",
        _there(tree, package.paths),
    )


def _there(tree: Tree, paths: Iterable[str]) -> frozenset[str]:
    """Return those of ``paths`` that are there, with the links in their folders followed."""
    # since /lib is a link into /usr, dpkg's lists name files by paths that lead over it
    return frozenset(filter(None, map(tree.real, paths)))


def _python(tree: Tree, contents: Mapping[str, bytes]) -> Iterator[Package]:
    for path, data in sorted(contents.items()):
        if not path.endswith(_METADATA):
            continue
        folder = path if path.endswith(".egg-info") else posixpath.dirname(path)
        metadata = pydist.parse_metadata(data)
        if metadata is None or not pydist.agrees(posixpath.basename(folder), metadata):
            continue
        record = contents.get(f"{folder}/RECORD", b"")
        base = posixpath.dirname(folder)
        listed = (posixpath.normpath(f"{base}/{name}") for name in _record(record))
        yield Package(
            metadata.name,
            metadata.version,
            purl.named("pypi", metadata.name, metadata.version),
            licences.spdx(metadata.licence) if metadata.licence else "",
            _there(tree, listed) | {path},
        )


def _record(data: bytes) -> Iterator[str]:
    """Yield the paths of a RECORD (PyPA, "Recording installed projects"): CSV, relative."""
    rows = csv.reader(data.decode("utf-8", "surrogateescape").splitlines())
    try:
        for _, row in zip(range(MAX_RECORD), rows, strict=False):
            if row and row[0] and not row[0].startswith("/"):
                yield row[0]
    except csv.Error:
        return  # what comes after is nobody's


def _node(tree: Tree, contents: Mapping[str, bytes]) -> Iterator[Package]:
    found: dict[str, Package] = {}
    for path, data in sorted(contents.items()):
        said = nodepkg.parse(data) if path.endswith("/package.json") and _node_root(path) else None
        if said and said.version:
            url = purl.named("npm", said.name, said.version)
            licence = licences.spdx(said.licence) if said.licence else ""
            root = posixpath.dirname(path)
            found[root] = Package(said.name, said.version, url, licence, frozenset())
    owned: dict[str, set[str]] = {root: set() for root in found}
    if found:
        for path, _ in tree.files():
            if (root := _node_root(path)) in owned:
                owned[root].add(path)
    for root, package in found.items():
        yield package._replace(paths=frozenset(owned[root]))


def _node_root(path: str) -> str:
    """Return the folder of the innermost package of npm that a file is in, or an empty string."""
    found = _NODE.fullmatch(path)
    return f"{found[1]}{found[2]}" if found else ""
