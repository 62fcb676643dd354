"""CycloneDX JSON read raw, so that nothing in it is dropped (cyclonedx.org, JSON reference)."""

from collections.abc import Iterator
from typing import Any

from aibom.formats.documents import jsondoc
from aibom.formats.source import FormatError

#: Most components that are read of one document, nested ones included.
MAX_COMPONENTS = 500_000
_MAX_DEPTH = 64


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
        raise FormatError(f"CycloneDX specVersion {version!r} is not one of 1.x")
    for name in ("components", "services", "annotations"):
        if not isinstance(document.get(name, []), list):
            raise FormatError(f"{name} is not a list")
    return version


def is_observed(document: dict[str, Any]) -> bool:
    """Say whether aibom wrote the document of what it saw."""
    metadata = document.get("metadata")
    tools = metadata.get("tools") if isinstance(metadata, dict) else None
    written = objects(tools.get("components")) if isinstance(tools, dict) else []
    return any(text(tool, "name") == "aibom" for tool in written)


def components(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every component, nested ones after their parents.

    Raises FormatError for components that are no objects, too many or nested too deeply.
    """
    seen = 0
    stack = [(c, 1) for c in reversed(_list(document))]
    while stack:
        component, depth = stack.pop()
        seen += 1
        if not isinstance(component, dict) or not isinstance(component.get("name"), str):
            raise FormatError(f"component {seen} is not an object with a name")
        if seen > MAX_COMPONENTS or depth > _MAX_DEPTH:
            raise FormatError("more components, or deeper ones, than aibom reads")
        yield component
        stack += [(c, depth + 1) for c in reversed(_list(component))]


def _list(parent: dict[str, Any]) -> list[Any]:
    found = parent.get("components", [])
    if not isinstance(found, list):
        raise FormatError("components is not a list")
    return found


def text(parent: dict[str, Any], name: str) -> str:
    """Return a string member, or an empty string when it is missing or of another type."""
    value = parent.get(name)
    return value if isinstance(value, str) else ""


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


def sha256_of(component: dict[str, Any]) -> str:
    """Return a component's SHA-256 in lower-case hex, or an empty string."""
    for entry in objects(component.get("hashes")):
        if text(entry, "alg") == "SHA-256":
            return text(entry, "content").lower()
    return ""


def occurrences(component: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the occurrences that a component's evidence lists."""
    evidence = component.get("evidence")
    return objects(evidence.get("occurrences")) if isinstance(evidence, dict) else []
