"""Metadata of installed Python distributions (PyPA core metadata and RECORD specifications)."""

import re
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import compat32
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

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
        except InvalidRequirement:
            continue
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


_TOP = re.compile(rb"^\"?([^/,\n\"]+)", re.MULTILINE)


def top_levels(record: bytes) -> set[str]:
    """Return the first path components of all files in a RECORD."""
    return {name.decode("utf-8", "surrogateescape") for name in set(_TOP.findall(record))}
