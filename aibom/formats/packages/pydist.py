"""Metadata of installed Python distributions (PyPA core metadata and RECORD specifications)."""

import json
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import compat32
from itertools import islice
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from aibom.formats.text import printable

# the licence field is often a whole licence text
_MAX_LICENCE = 100


# names of distributions, by the core metadata specification
_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE)


class Metadata(NamedTuple):
    """What METADATA or PKG-INFO says. ``name`` is normalised (PEP 503)."""

    name: str
    version: str
    licence: str
    summary: str
    requires: tuple[str, ...]


def parse_metadata(data: bytes) -> Metadata | None:
    """Return the fields of a METADATA file, or None when name or version is missing."""
    # only the headers: the body is the long description
    message = message_from_bytes(data.split(b"\n\n", 1)[0], policy=compat32)
    name = _field(message.get("Name"))
    version = _field(message.get("Version"))
    if not _NAME.fullmatch(name) or not version:
        return None
    licence = _field(message.get("License-Expression")) or _field(message.get("License"))
    return Metadata(
        name=canonicalize_name(name),
        version=version,
        licence=licence if len(licence) <= _MAX_LICENCE else "",
        summary=_field(message.get("Summary")),
        requires=_requirements(message.get_all("Requires-Dist") or []),
    )


def _field(value: object) -> str:
    return printable(str(value).strip(), 500) if value is not None else ""


def _requirements(lines: Sequence[object]) -> tuple[str, ...]:
    names = set()
    for line in lines[:1000]:
        try:
            requirement = Requirement(str(line))
        except (InvalidRequirement, RecursionError):
            continue  # no requirement, or one of thousands of parentheses
        # an extra's requirement is not one of the package itself
        if "extra" not in str(requirement.marker or ""):
            names.add(canonicalize_name(requirement.name))
    return tuple(sorted(names))


def record_owns(record: bytes, path: str) -> bool:
    """Say whether a RECORD (or installed-files list) names ``path``, relative to site-packages."""
    wanted = path.encode("utf-8", "surrogateescape")
    # a path with a comma or quote is quoted in RECORD (it is CSV)
    for form in (wanted + b",", b'"' + wanted.replace(b'"', b'""') + b'",'):
        if record.startswith(form) or b"\n" + form in record:
            return True
    return False


_DIST_INFO = re.compile(r"^(?P<name>[A-Za-z0-9._-]+?)-(?P<version>[^-]+)\.(?:dist-info|egg-info)$")
_DEBIAN_EGG = re.compile(r"^(?P<name>[A-Za-z0-9._]+)-(?P<version>[^-]+)-py3(?:\.\d+)?\.egg-info$")


def folder_name(entry: str) -> tuple[str, str] | None:
    """Return (normalised name, version) of a ``*.dist-info`` or ``*.egg-info`` folder's name."""
    match = _DEBIAN_EGG.match(entry) or _DIST_INFO.match(entry)
    return (canonicalize_name(match["name"]), match["version"]) if match else None


def agrees(entry: str, metadata: Metadata) -> bool:
    """Say whether a folder of metadata has the name and version that the metadata claims.

    Installers name the folder by them (PyPA, "Recording installed projects"); a folder of another
    name would make a package pass for a distribution that it is not.
    """
    name, version = folder_name(entry) or ("", "")
    # an underscore stands for a dash, and in old metadata for the plus of a local version
    forms = {version, version.replace("_", "-"), version.replace("_", "+", 1)}
    return name == metadata.name and any(_same(form, metadata.version) for form in forms)


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


# in a triple-quoted string an import is an example
_DOCSTRING = re.compile(rb"(\"{3}|'{3}).*?\1", re.DOTALL)
_IMPORT = re.compile(
    rb"^[ \t]*import[ \t]+(?P<modules>[\w.]+(?:[ \t]*,[ \t]*[\w.]+)*)"
    rb"|^[ \t]*from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>[\w, \t]+|\([\w,\s]+\))",
    re.MULTILINE,
)
_MAX_IMPORTS = 500


def imported_modules(script: bytes) -> tuple[str, ...]:
    """Return what a script's text imports, as it says it, sorted.

    ``from a import b`` gives both ``a`` and ``a.b``. The text is searched, not run and not
    compiled: a name may stand in a branch that never runs, so this is what the script says, not
    what it loaded.
    """
    names: set[str] = set()
    for found in _IMPORT.finditer(_DOCSTRING.sub(b"", script)):
        if found["module"]:
            module = found["module"].decode("ascii", "ignore")
            inner = re.findall(rb"\w+", found["names"])[:_MAX_IMPORTS]
            names |= {module} | {f"{module}.{name.decode('ascii', 'ignore')}" for name in inner}
        else:
            names |= {m.strip() for m in found["modules"].decode("ascii", "ignore").split(",")}
    return tuple(sorted(n for n in names if n and not n.startswith(".")))[:_MAX_IMPORTS]


#: Most modules of one RECORD that are told by name; torch's has 3,000.
MAX_MODULES = 50_000
# what follows a module's name: PEP 3149 and the limited API's tag for extensions
_MODULE = rb"(?:/[\w-]+)*?)(/__init__)?(\.pyc?|(?:\.[\w-]+)*\.so),"


def modules(record: bytes, top: str) -> dict[str, str]:
    """Return by name the file of each module at or below a top-level name in a RECORD.

    A path with a comma or a quote is no module's.
    """
    found: dict[str, str] = {}
    lines = re.compile(rb"^(" + re.escape(top.encode("utf-8", "replace")) + _MODULE, re.MULTILINE)
    for line in islice(lines.finditer(record), MAX_MODULES):
        name = line[1].decode("utf-8", "replace").replace("/", ".")
        found.setdefault(name, line[0][:-1].decode("utf-8", "replace"))
    return found


# percent-encoding of a URL's path (RFC 3986, section 2.1)
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")


def editable_source(direct_url: bytes) -> str:
    """Return the folder, with a slash at its end, of an editable install (PEP 610), or ""."""
    try:
        said = json.loads(direct_url)
        if said["dir_info"]["editable"] is not True:
            return ""
        scheme, _, path = said["url"].partition("://")
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError):
        return ""
    raw = _ESCAPED.sub(lambda m: bytes([int(m[1], 16)]), path.encode("utf-8", "surrogateescape"))
    folder = raw.decode("utf-8", "surrogateescape").rstrip("/")
    return f"{folder}/" if scheme == "file" and folder.startswith("/") else ""


def spellings(relative: str) -> set[str]:
    """Return what a distribution with the module file ``relative`` may be called, normalised.

    ``google/auth/__init__.py`` gives google, google-auth and auth.
    """
    parts = [p for p in relative.partition(".")[0].split("/") if p != "__init__"]
    wholes = ("-".join(parts[: n + 1]) for n in range(len(parts)))
    return {canonicalize_name(name) for name in (*wholes, *parts)}


_TOP = re.compile(rb"^\"?([^/,\n\"]+)", re.MULTILINE)


def top_levels(record: bytes) -> set[str]:
    """Return the first path components of all files in a RECORD."""
    return {name.decode("utf-8", "surrogateescape") for name in set(_TOP.findall(record))}
