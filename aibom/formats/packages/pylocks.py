"""Lock files of Python: uv.lock, poetry.lock, pylock.toml, pdm.lock, Pipfile.lock.

Formats: packaging.python.org, "pylock.toml Specification" (PEP 751); docs.astral.sh/uv,
"Locking and syncing"; python-poetry.org, "Installing with poetry.lock"; pdm-project.org, "Lock
file"; pipenv.pypa.io, "Pipfile.lock". Hashes in them are of archives that are downloaded, not of
installed files, and are not read.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name

from aibom.formats.jsontext import object_of, text_of
from aibom.formats.net.urls import host_of
from aibom.formats.packages.locked import Lock, LockedPackage

#: Most packages that are taken from one lock file.
MAX_PACKAGES = 100_000
# versions of one package in a lock: resolvers keep a few, by platform
_MAX_VERSIONS = 20
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*packages?[ \t]*\]\]", re.MULTILINE)
# poetry's words for what is from no index (python-poetry.org, "Dependency specification")
_NO_INDEX = frozenset({"git", "url", "file", "directory"})


def toml_lock(document: Mapping[str, Any], text: str) -> Lock | None:
    """Return the packages of a lock file in TOML; None if it is none. ``text`` is its text."""
    form = _form(document)
    if not form:
        return None
    key = "packages" if "packages" in document else "package"
    entries = document.get(key, [])
    entries = entries if isinstance(entries, list) else []
    lines = _header_lines(text)
    if len(lines) != len(entries):
        lines = [0] * len(entries)  # a header inside of a text: where they begin is not sure
    found = [
        package
        for entry, line in zip(entries[:MAX_PACKAGES], lines, strict=False)
        if isinstance(entry, dict) and (package := _package(entry, line)) is not None
    ]
    cut = len(entries) - MAX_PACKAGES
    notes = (f"{cut} packages are left out",) if cut > 0 else ()
    # uv lists the project itself, which lies where the lock does
    own = [name for entry in entries[:MAX_PACKAGES] if (name := _own(entry))]
    return Lock(form, _joined(found), own[0] if len(own) == 1 else "", notes)


def _own(entry: object) -> str:
    source = object_of(entry, "source") if isinstance(entry, dict) else {}
    here = "." in (source.get("virtual"), source.get("editable"))
    package = _package(entry, 0) if here and isinstance(entry, dict) else None
    return package.ref if package is not None else ""


def _form(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if isinstance(document.get("lock-version"), str) and "packages" in document:
        return f"pylock.toml {text_of(dict(document), 'lock-version')}"
    if isinstance(document.get("version"), int) and "package" in document:
        return f"uv.lock {document['version']}"
    if "lock_version" in metadata:
        return f"pdm.lock {text_of(metadata, 'lock_version')}"
    if "lock-version" in metadata or "content-hash" in metadata:
        return f"poetry.lock {text_of(metadata, 'lock-version')}".strip()
    return ""


def _header_lines(text: str) -> list[int]:
    lines, at, line = [], 0, 1
    for header in _HEADER.finditer(text):
        line += text.count("\n", at, header.start())
        at = header.start()
        lines.append(line)
    return lines


def _package(entry: dict[str, Any], line: int) -> LockedPackage | None:
    name = text_of(entry, "name")
    if not name:
        return None
    version = text_of(entry, "version")
    source = object_of(entry, "source")
    return LockedPackage(
        "pypi",
        name,
        version,
        ref=f"{canonicalize_name(name)}@{version}",
        requires=tuple(_required(entry)),
        line=line,
        host=_host(entry, source),
        marker=_marker(entry),
    )


def _marker(entry: dict[str, Any]) -> str:
    """Return the condition of a package: one text, or one of several (uv's resolution-markers)."""
    several = entry.get("resolution-markers")
    if isinstance(several, list) and several and all(isinstance(m, str) for m in several):
        return " or ".join(f"({marker})" for marker in several)
    # poetry has a table by groups where they differ
    return next((m for k in ("marker", "markers") if isinstance(m := entry.get(k), str)), "")


def _host(entry: dict[str, Any], source: dict[str, Any]) -> str:
    vcs, archive = object_of(entry, "vcs"), object_of(entry, "archive")
    said = [vcs.get("url"), archive.get("url"), source.get("git"), entry.get("git")]
    # in uv's a url is an archive's, in poetry's it is whatever the type says
    if source.get("type", "url") in _NO_INDEX:
        said.append(source.get("url"))
    return next((host for url in said if isinstance(url, str) and (host := host_of(url))), "")


def _required(entry: dict[str, Any]) -> list[str]:
    """Return the names that a package depends on, with an exact version where the file has one."""
    said = entry.get("dependencies")
    if isinstance(said, dict):  # poetry
        return [canonicalize_name(name) for name in said]
    found = []
    for one in said if isinstance(said, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):  # uv, pylock
            version = one.get("version")
            found.append(canonicalize_name(one["name"]) + (f"@{version}" if version else ""))
        elif isinstance(one, str) and (name := re.match(r"[A-Za-z0-9][\w.-]*", one)):  # pdm
            found.append(canonicalize_name(name[0]))
    return found


def _joined(packages: list[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Return packages whose requirements are refs: of a name without version all that it has."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for one in packages:
        by_name[one.ref.partition("@")[0]].append(one.ref)
    known = {one.ref for one in packages}

    def refs(name: str) -> list[str]:
        return [name] if name in known else by_name.get(name, [])[:_MAX_VERSIONS]

    def joined(wanted: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(ref for name in wanted for ref in refs(name)))

    return tuple(one._replace(requires=joined(one.requires)) for one in packages)


def pipfile_lock(document: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int]) -> Lock:
    """Return the packages of a Pipfile.lock, of all of its groups; ``lines`` by their way."""
    found = {}
    for group, entries in document.items():
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            version = text_of(entry, "version").lstrip("=") if isinstance(entry, dict) else ""
            if group != "_meta" and isinstance(entry, dict):
                ref = f"{canonicalize_name(name)}@{version}"
                found[ref] = LockedPackage(
                    "pypi",
                    name,
                    version,
                    ref,
                    line=lines.get((group, name), 0),
                    host=host_of(str(entry.get("git") or entry.get("file") or "")),
                    marker=text_of(entry, "markers"),
                )
    meta = object_of(dict(document), "_meta")
    return Lock(f"Pipfile.lock {meta.get('pipfile-spec', '')}".strip(), tuple(found.values()))
