"""CycloneDX JSON read raw, so that nothing in it is dropped (cyclonedx.org, JSON reference)."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from aibom.formats.documents import jsondoc
from aibom.formats.source import FormatError

#: Most components that are read of one document, nested ones included.
MAX_COMPONENTS = 500_000
_MAX_DEPTH = 64
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class Part(NamedTuple):
    """An entry among the components of a document, with its number from 1 in reading order.

    ``parent`` is the component that it is nested in.
    """

    number: int
    value: object
    parent: dict[str, Any] | None


def load(data: bytes) -> dict[str, Any]:
    """Return the document in ``data``. Raises FormatError saying what is wrong and where."""
    document = jsondoc.load(data)
    checked(document)
    return document


def checked(document: dict[str, Any]) -> str:
    """Return the version of the specification of a document. Raises FormatError if it is none."""
    if document.get("bomFormat") != "CycloneDX":
        raise FormatError("not a CycloneDX JSON document (bomFormat is missing)")
    version = document.get("specVersion")
    if not isinstance(version, str) or not version.startswith("1."):
        raise FormatError(f"CycloneDX specVersion {str(version)[:40]!r} is not one of 1.x")
    for name in ("components", "services", "annotations", "dependencies"):
        if not isinstance(document.get(name, []), list):
            raise FormatError(f"{name} is not a list")
    return version


def is_observed(document: dict[str, Any]) -> bool:
    """Say whether aibom wrote the document of what it saw."""
    return written_by(document, "aibom")


def written_by(document: dict[str, Any], name: str) -> bool:
    """Say whether the document's metadata name a tool, in the form of 1.5 and later."""
    tools = member(member(document, "metadata"), "tools")
    return any(text(tool, "name") == name for tool in objects(tools.get("components")))


def parts(document: dict[str, Any]) -> Iterator[Part]:
    """Yield every entry among the components, nested ones after their parents, odd ones too.

    Raises FormatError when they are too many or nested too deeply, or are no list.
    """
    number = 0
    stack: list[tuple[Any, int, dict[str, Any] | None]]
    stack = [(c, 1, None) for c in reversed(_list(document))]
    while stack:
        value, depth, parent = stack.pop()
        number += 1
        if number > MAX_COMPONENTS or depth > _MAX_DEPTH:
            raise FormatError("more components, or deeper ones, than aibom reads")
        yield Part(number, value, parent)
        if isinstance(value, dict):
            stack += [(c, depth + 1, value) for c in reversed(_list(value))]


def _list(parent: dict[str, Any]) -> list[Any]:
    found = parent.get("components", [])
    if not isinstance(found, list):
        raise FormatError("components is not a list")
    return found


def text(parent: dict[str, Any], name: str) -> str:
    """Return a string member, or an empty string when it is missing or of another type."""
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def member(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object member, or an empty one when it is missing or of another type."""
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def properties(parent: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the name-value pairs of an object's ``properties``; odd entries are left out."""
    return [
        (text(entry, "name"), text(entry, "value"))
        for entry in objects(parent.get("properties"))
        if text(entry, "name")
    ]


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON array; an empty list for anything else."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """Return the strings of a JSON array; an empty list for anything else."""
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def sha256_of(component: dict[str, Any]) -> str:
    """Return a component's SHA-256 in lower-case hex, or an empty string."""
    for entry in objects(component.get("hashes")):
        if text(entry, "alg") == "SHA-256":
            return sha256(text(entry, "content"))
    return ""


def names_sha256(component: dict[str, Any]) -> bool:
    """Say whether a component has an entry for a SHA-256, whatever its content is."""
    return any(text(entry, "alg") == "SHA-256" for entry in objects(component.get("hashes")))


def sha256(value: str) -> str:
    """Return a SHA-256 in lower-case hex; an empty string for what is none."""
    found = value.strip()
    return found.lower() if _SHA256.fullmatch(found) else ""


def occurrences(component: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the occurrences that a component's evidence lists."""
    return objects(member(component, "evidence").get("occurrences"))
