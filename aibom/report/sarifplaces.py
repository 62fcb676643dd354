"""Where a finding is, for SARIF: a document that a reader can open, and the component."""

import re
from collections.abc import Iterator
from typing import Any

from aibom.formats.text import printable
from aibom.report.findings import said_of
from aibom.types.declared import DocumentKind
from aibom.types.diff import Diff
from aibom.types.findings import Finding

# RFC 3986, 2.3: these stand for themselves; and so does the slash between segments
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# what a repository holds as a text; images and hubs are elsewhere
_TEXTS: frozenset[DocumentKind] = frozenset(
    {"sbom", "lock", "requirements", "manifest", "mcp-config", "observed"}
)


def locations(diff: Diff, finding: Finding) -> dict[str, Any]:
    """Return ``locations`` and ``relatedLocations`` of a result.

    Code hosts show only what has a place in a file: it is the document that the finding names, else
    the first declared one that is a text, else the observed BOM.
    """
    name, line = _place(diff, finding)
    workload = diff.inventory.workload.name
    logical = {
        "name": printable(finding.component, 500) or "workload",
        "fullyQualifiedName": printable(f"{workload}/{finding.component}", 1_000),
        "kind": "resource",
    }
    found: dict[str, Any] = {
        "locations": [{"physicalLocation": _physical(name, line), "logicalLocations": [logical]}]
    }
    if related := list(_related(diff, finding)):
        found["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _physical(document, at),
                "message": {"text": printable(text, 1_000)},
            }
            for number, (document, at, text) in enumerate(related, 1)
        ]
    return found


def _place(diff: Diff, finding: Finding) -> tuple[str, int]:
    if _is_text(diff, finding.document):
        return finding.document, finding.line
    texts = [d.name for d in diff.documents if _is_text(diff, d.name)]
    return (texts or [diff.observed])[0], 0


def _related(diff: Diff, finding: Finding) -> Iterator[tuple[str, int, str]]:
    closest = finding.closest
    if closest is not None and _is_text(diff, closest.document):
        yield closest.document, closest.line, f"closest declared: {said_of(closest)}"
    if finding.document != diff.observed:
        yield diff.observed, 0, "the observed BOM"


def _is_text(diff: Diff, name: str) -> bool:
    """Say whether a name is that of a text in a file: an SBOM, a policy, the observed BOM."""
    elsewhere = {d.name for d in diff.documents if d.kind not in _TEXTS}
    return bool(name) and name not in elsewhere and not _SCHEME.match(name)


def _physical(name: str, line: int) -> dict[str, Any]:
    start = max(line, 1)
    return {
        "artifactLocation": _artifact(name),
        # GitHub asks for all four; the column says nothing
        "region": {"startLine": start, "startColumn": 1, "endLine": start, "endColumn": 1},
    }


def _artifact(name: str) -> dict[str, str]:
    """Return the URI of a file: relative to the repository where it lies in it."""
    if name.startswith("/"):
        return {"uri": "file://" + _quoted(name)}
    parts: list[str] = []
    for part in name.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    path = _quoted("/".join(parts)) or "unnamed"
    return {"uri": path} if parts[:1] == [".."] else {"uri": path, "uriBaseId": "%SRCROOT%"}


def _quoted(path: str) -> str:
    data = path.encode("utf-8", "surrogateescape" if _is_bytes(path) else "backslashreplace")
    return "".join(chr(b) if b in _KEPT else f"%{b:02X}" for b in data)


def _is_bytes(path: str) -> bool:
    """Say whether the surrogates in a path are bytes that are no UTF-8 (PEP 383)."""
    return all(0xDC80 <= ord(c) <= 0xDCFF for c in path if 0xD800 <= ord(c) <= 0xDFFF)
