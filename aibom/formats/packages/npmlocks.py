"""package-lock.json and npm-shrinkwrap.json, lockfileVersion 1 to 3, as documents of a project.

Format: docs.npmjs.com, package-lock.json. For the folders of what is installed see npmlock.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aibom.formats.jsontext import object_of, text_of
from aibom.formats.net.urls import host_of
from aibom.formats.packages.locked import Lock, LockedPackage

#: Most packages that are taken from one lock file, and how deep version 1 may nest them.
MAX_PACKAGES = 100_000
MAX_DEPTH = 50
#: Most folders that a package lies in, one in the other.
MAX_FOLDERS = 20
#: The ref of the project itself, whose lock file it is.
ROOT = "."
#: A package's name (npm's rule; upper case as in old packages).
NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]{1,214}")
_ALIAS = re.compile(rf"npm:({NAME.pattern})@(.+)")
_GROUPS = ("dependencies", "optionalDependencies", "peerDependencies")
_Lines = Mapping[tuple[str | int, ...], int]


def npm_lock(document: dict[str, Any], lines: _Lines) -> Lock:
    """Return the packages of a lock file that has a ``lockfileVersion``; ``lines`` by their way."""
    root = object_of(object_of(document, "packages"), "")
    name, version = (text_of(document, k) or text_of(root, k) for k in ("name", "version"))
    if isinstance(document.get("packages"), dict):
        found = list(_flat(object_of(document, "packages"), lines))
    else:
        found = list(_nested(object_of(document, "dependencies"), "", lines, 0))
    if NAME.fullmatch(name) and version:
        wanted = [n for group in (*_GROUPS, "devDependencies") for n in object_of(root, group)]
        line = lines.get(("name",), 0)
        found.insert(0, LockedPackage("npm", name, version, ROOT, tuple(wanted), line))
    notes = (f"{len(found) - MAX_PACKAGES} packages are left out",) * (len(found) > MAX_PACKAGES)
    return Lock(
        f"package-lock.json {document.get('lockfileVersion')}",
        _resolved(found[:MAX_PACKAGES]),
        f"{name}@{version}".strip("@"),
        notes,
    )


def _flat(packages: dict[str, Any], lines: _Lines) -> Iterator[LockedPackage]:
    """Yield the packages of versions 2 and 3, by the folder that each lies in."""
    for folder, entry in packages.items():
        _, inside, tail = folder.rpartition("node_modules/")
        # a package under another name says its own (npm aliases); a link leads to a workspace
        if isinstance(entry, dict) and inside and not entry.get("link"):
            wanted = [n for group in _GROUPS for n in object_of(entry, group)]
            line = lines.get(("packages", folder), 0)
            found = LockedPackage("npm", text_of(entry, "name") or tail, "", folder, tuple(wanted))
            found = found._replace(version=text_of(entry, "version"), line=line)
            yield from _placed(found, text_of(entry, "resolved"))


def _nested(
    dependencies: dict[str, Any], above: str, lines: _Lines, depth: int
) -> Iterator[LockedPackage]:
    """Yield the packages of version 1, which holds them in each other as their folders do."""
    for name, entry in dependencies.items() if depth < MAX_DEPTH else ():
        if not isinstance(entry, dict):
            continue
        folder = f"{above}node_modules/{name}"
        line = lines.get(("dependencies", name), 0) if not above else 0
        said = text_of(entry, "version")
        alias = _ALIAS.fullmatch(said)
        elsewhere = "://" in said or said.startswith(("file:", "github:"))
        found = LockedPackage("npm", name, "" if elsewhere else said, folder, line=line)
        if alias:
            found = found._replace(name=alias[1], version=alias[2])
        found = found._replace(requires=tuple(object_of(entry, "requires")))
        yield from _placed(found, said if elsewhere else text_of(entry, "resolved"))
        below = object_of(entry, "dependencies")
        yield from _nested(below, f"{folder}/", lines, depth + 1)


def _placed(package: LockedPackage, resolved: str) -> Iterator[LockedPackage]:
    """Yield a package with where it is fetched from; nothing where its name is none."""
    if NAME.fullmatch(package.name):
        host = host_of(resolved) if resolved.startswith("git") else ""
        yield package._replace(requires=package.requires[:1_000], host=host)


def _resolved(packages: list[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Return packages whose requirements are the folders that Node.js finds them in."""
    folders = {one.ref for one in packages}

    def found(folder: str, name: str) -> str:
        folder = "" if folder == ROOT else folder
        for _ in range(MAX_FOLDERS):
            candidate = f"{folder}/node_modules/{name}" if folder else f"node_modules/{name}"
            if candidate in folders:
                return candidate
            if not folder:
                break
            folder = folder.rpartition("node_modules/")[0].rstrip("/")
        return ""

    return tuple(
        one._replace(requires=tuple(r for n in one.requires if (r := found(one.ref, n))))
        for one in packages
    )
