"""SPDX 2 tag-value as the same values that SPDX JSON has, so that one reader takes both.

Source: SPDX 2.3, clauses 6 to 11 and annex on tag-value: a tag, a colon, a value; a value of
several lines stands between ``<text>`` and ``</text>``. A file belongs to the package before it.
Each package and file also has ``#line``, the line that begins it, from 1.
"""

import re
from typing import Any

from aibom.formats.documents import jsondoc
from aibom.formats.source import FormatError

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*:\s*(.*)")
_HEAD = re.compile(r"(?m)^SPDXVersion[ \t]*:")
_MAX_NOTES = 100
#: Most lines that are read; an image's with all of its files has a million.
MAX_LINES = 2_000_000

# tags whose value is a member of what they stand in, by the name that JSON has for it
_DOCUMENT = {
    "SPDXVersion": "spdxVersion",
    "DocumentName": "name",
    "DocumentNamespace": "documentNamespace",
    "SPDXID": "SPDXID",
}
_PACKAGE = {
    "SPDXID": "SPDXID",
    "PackageVersion": "versionInfo",
    "PackageFileName": "packageFileName",
    "PackageLicenseConcluded": "licenseConcluded",
    "PackageLicenseDeclared": "licenseDeclared",
    "PrimaryPackagePurpose": "primaryPackagePurpose",
    "PackageDownloadLocation": "downloadLocation",
}
_FILE = {"SPDXID": "SPDXID", "LicenseConcluded": "licenseConcluded"}
_LICENCE = {"LicenseName": "name"}
# what begins a thing that nothing is read of (SPDX 2.3, clauses 9, 11 and 12)
_OTHERS = frozenset({"SnippetSPDXID", "Annotator", "Reviewer", "Relationship"})


def is_tag_value(head: str) -> bool:
    """Say whether a text that begins with ``head`` is an SPDX document in tag-value."""
    return _HEAD.search(head) is not None


def load(data: bytes) -> dict[str, Any]:
    """Return a document as SPDX JSON would have it; ``#notes`` are lines that are no tag.

    Raises FormatError with the line of a text that does not end.
    """
    reader = _Reader()
    text = jsondoc.decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_LINES:
        raise FormatError(f"more than {MAX_LINES:,} lines, the most that is read")
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        first = at
        found = _TAG.match(lines[at])
        if found is None:
            reader.odd(lines[at], at + 1)
            at += 1
            continue
        value, at = _value(found[2], lines, at)
        reader.take(found[1], value.strip(), first + 1)
    return reader.document


def _value(value: str, lines: list[str], at: int) -> tuple[str, int]:
    """Return a value and the index of the line after it."""
    if not value.startswith("<text>"):
        return value, at + 1
    parts = [value.removeprefix("<text>")]
    begun = at
    while "</text>" not in parts[-1]:
        at += 1
        if at >= len(lines):
            raise FormatError(f"the <text> of line {begun + 1} does not end")
        parts.append(lines[at])
    parts[-1] = parts[-1].partition("</text>")[0]
    return "\n".join(parts), at + 1


class _Reader:
    """Puts tags where they belong: each into the thing that began last."""

    def __init__(self) -> None:
        self._packages: list[dict[str, Any]] = []
        self._files: list[dict[str, Any]] = []
        self._licences: list[dict[str, Any]] = []
        self._relationships: list[dict[str, Any]] = []
        self._notes: list[str] = []
        self.document: dict[str, Any] = {
            "packages": self._packages,
            "files": self._files,
            "hasExtractedLicensingInfos": self._licences,
            "relationships": self._relationships,
            "#notes": self._notes,
        }
        self._current = self.document
        self._names = _DOCUMENT
        self._package: dict[str, Any] | None = None

    def odd(self, line: str, number: int) -> None:
        """Note a line that is no tag, no comment and not empty."""
        text = line.strip()
        if text and not text.startswith("#") and len(self._notes) < _MAX_NOTES:
            self._notes.append(f"line {number}")

    def take(self, tag: str, value: str, line: int) -> None:
        """Take one tag."""
        if tag == "PackageName":
            self._package = {"name": value, "#line": line}
            self._begin(self._packages, self._package, _PACKAGE)
        elif tag == "FileName":
            self._begin(self._files, {"fileName": value, "#line": line}, _FILE)
        elif tag == "LicenseID":
            self._begin(self._licences, {"licenseId": value}, _LICENCE)
        elif tag in _OTHERS:
            self._other(tag, value)
        elif tag in ("PackageChecksum", "FileChecksum"):
            algorithm, _, digest = value.partition(":")
            checksum = {"algorithm": algorithm.strip(), "checksumValue": digest.strip()}
            self._current.setdefault("checksums", []).append(checksum)
        elif tag == "ExternalRef":
            self._reference(value, line)
        elif tag in self._names:
            self._current.setdefault(self._names[tag], value)
            self._contained(tag, value)

    def _begin(
        self, things: list[dict[str, Any]], thing: dict[str, Any], names: dict[str, str]
    ) -> None:
        things.append(thing)
        self._current, self._names = thing, names

    def _other(self, tag: str, value: str) -> None:
        if tag != "Relationship":
            self._current, self._names = {}, {}
            return
        parts = value.split()
        if len(parts) != 3:
            return
        source, kind, target = parts
        relation = {"spdxElementId": source, "relationshipType": kind, "relatedSpdxElement": target}
        self._relationships.append(relation)

    def _reference(self, value: str, line: int) -> None:
        parts = value.split(None, 2)
        if len(parts) != 3:
            self.odd(value, line)
            return
        category, kind, locator = parts
        reference = {
            "referenceCategory": category,
            "referenceType": kind,
            "referenceLocator": locator,
        }
        self._current.setdefault("externalRefs", []).append(reference)

    def _contained(self, tag: str, value: str) -> None:
        if tag == "SPDXID" and self._names is _FILE and self._package is not None:
            self._package.setdefault("hasFiles", []).append(value)
