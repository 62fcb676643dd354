"""An SPDX 2 document to claims: packages, files and what they depend on.

Source: SPDX 2.2 and 2.3, clauses 7 (packages), 8 (files), 10 (licences), 11 (relationships).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from aibom.declare import fields, spdxfields
from aibom.declare.notes import Notes
from aibom.formats.documents import bomjson
from aibom.formats.source import FormatError
from aibom.types.declared import Claim, Document

# relationships whose first element depends on the second one, and those the other way round
_ON = frozenset({"DEPENDS_ON", "HAS_PREREQUISITE"})
_OF = frozenset({"DEPENDENCY_OF", "PREREQUISITE_FOR", "RUNTIME_DEPENDENCY_OF"})
_DOCUMENT = "SPDXRef-DOCUMENT"
# older ones of trivy leave the last letter away
_DESCRIBES = frozenset({"DESCRIBES", "DESCRIBE"})


def read(document: dict[str, Any], name: str, form: str = "JSON") -> Document:
    """Return what an SPDX 2 document claims; ``name`` is how the user named its file.

    ``form`` is what it is written in. Raises FormatError saying what is wrong with it.
    """
    version = _checked(document)
    reading = _Reading(document, name)
    return Document(
        name=name,
        kind="sbom",
        form=f"SPDX {version} {form}",
        claims=tuple(reading.claims()),
        subject=reading.subject(),
        digests=reading.digests(),
        notes=reading.notes.said,
    )


def _checked(document: dict[str, Any]) -> str:
    version = bomjson.text(document, "spdxVersion").removeprefix("SPDX-")
    if not version.startswith("2."):
        said = str(document.get("spdxVersion"))[:40]
        raise FormatError(f"spdxVersion {said!r} is not one of SPDX-2.x")
    for name in ("packages", "files", "relationships"):
        if not isinstance(document.get(name, []), list):
            raise FormatError(f"{name} is not a list")
    if sum(len(document.get(name, [])) for name in ("packages", "files")) > bomjson.MAX_COMPONENTS:
        raise FormatError(f"more than {bomjson.MAX_COMPONENTS:,} packages and files")
    return version


class _Reading:
    """One document, with its relationships by element."""

    def __init__(self, document: dict[str, Any], name: str) -> None:
        self.notes = Notes()
        for place in bomjson.strings(document.get("#notes")):
            self.notes.add(place, "it is no tag with a value")
        self._name = name
        self._packages: list[Any] = document.get("packages", [])
        self._files: list[Any] = document.get("files", [])
        self._licences = {
            bomjson.text(entry, "licenseId"): bomjson.text(entry, "name")
            for entry in bomjson.objects(document.get("hasExtractedLicensingInfos"))
        }
        self._requires: dict[str, list[str]] = defaultdict(list)
        self._contents: dict[str, list[str]] = defaultdict(list)
        self._described = bomjson.strings(document.get("documentDescribes"))
        for entry in bomjson.objects(document.get("relationships")):
            self._relate(entry)
        self._subjects = self._about()
        self._image = any(spdxfields.is_image(package) for package in self._subjects)

    def _relate(self, entry: dict[str, Any]) -> None:
        source = bomjson.text(entry, "spdxElementId")
        target = bomjson.text(entry, "relatedSpdxElement")
        kind = bomjson.text(entry, "relationshipType")
        if kind in _ON:
            self._requires[source].append(target)
        elif kind in _OF:
            self._requires[target].append(source)
        elif kind == "CONTAINS":
            self._contents[source].append(target)
        elif kind in _DESCRIBES and source == _DOCUMENT:
            self._described.append(target)
        elif kind == "DESCRIBED_BY" and target == _DOCUMENT:
            self._described.append(source)

    def _about(self) -> list[dict[str, Any]]:
        described = set(self._described)
        packages = bomjson.objects(self._packages)
        return [p for p in packages if bomjson.text(p, "SPDXID") in described]

    def subject(self) -> str:
        """Return what the document says that it describes."""
        labels = (
            bomjson.text(p, "name") + (f"@{v}" if (v := spdxfields.version(p)) else "")
            for p in self._subjects
        )
        return ", ".join(labels)[:500]

    def digests(self) -> frozenset[str]:
        """Return digests of the image that the document describes."""
        found: frozenset[str] = frozenset()
        for package in self._subjects:
            if spdxfields.is_image(package):
                texts = [f"sha256:{d}" for d in spdxfields.sha256(package)]
                texts += [bomjson.text(package, "versionInfo"), *spdxfields.purls(package)]
                found |= fields.digests(*texts)
        return found

    def claims(self) -> Iterable[Claim]:
        """Return the claims of all packages, then those of files that no model has."""
        files = {bomjson.text(f, "SPDXID"): f for f in bomjson.objects(self._files)}
        taken: set[str] = set()
        found = []
        for number, package in enumerate(self._packages, 1):
            claim = self._package(package, f"package {number}", files, taken)
            if claim is not None:
                found.append(claim)
        for number, file in enumerate(self._files, 1):
            if not isinstance(file, dict):
                self.notes.add(f"file {number}", "it is not an object")
            elif bomjson.text(file, "SPDXID") not in taken:
                found += self._file(file)
        return found

    def _package(
        self, package: Any, place: str, files: dict[str, dict[str, Any]], taken: set[str]
    ) -> Claim | None:
        if not isinstance(package, dict):
            self.notes.add(place, "it is not an object")
            return None
        ref = bomjson.text(package, "SPDXID")
        name = bomjson.text(package, "name")
        if not name:
            self.notes.add(place, "it has no name")
        version, purl = spdxfields.version(package), self._purl(package, place)
        kind = spdxfields.kind(package, purl)
        sha256, paths = set(spdxfields.sha256(package)), set[str]()
        if kind == "model":
            own = [*bomjson.strings(package.get("hasFiles")), *self._contents[ref]]
            taken.update(own)
            parts = [files[i] for i in own if i in files]
            sha256.update(digest for file in parts for digest in spdxfields.sha256(file))
            paths.update(path for file in parts for path in self._paths(file))
        return Claim(
            document=self._name,
            name=name or purl or ref or place,
            component=kind,
            version=version,
            purl=purl,
            sha256=frozenset(sha256),
            paths=frozenset(paths),
            licence=self._licence(package),
            ref=ref,
            requires=tuple(dict.fromkeys(self._requires.get(ref, ()))),
            line=spdxfields.line(package),
        )

    def _purl(self, package: dict[str, Any], place: str) -> str:
        said = spdxfields.purls(package)
        if len(said) > 1:
            self.notes.add(place, "it has several purls, of which the first one is read")
        return (
            fields.purl_of(said[0], spdxfields.version(package), self.notes, place) if said else ""
        )

    def _licence(self, package: dict[str, Any]) -> str:
        for field in ("licenseDeclared", "licenseConcluded"):
            said = bomjson.text(package, field)
            if found := fields.licence([self._licences.get(said, "") or said]):
                return found
        return ""

    def _file(self, file: dict[str, Any]) -> list[Claim]:
        """Return the claim of a file, if there is anything that it could be known by."""
        digests, paths = spdxfields.sha256(file), self._paths(file)
        if not digests and not paths:
            return []
        claim = Claim(
            document=self._name,
            name=bomjson.text(file, "fileName") or bomjson.text(file, "SPDXID"),
            sha256=digests,
            paths=frozenset(paths),
            ref=bomjson.text(file, "SPDXID"),
            line=spdxfields.line(file),
        )
        return [claim]

    def _paths(self, file: dict[str, Any]) -> list[str]:
        """Return where a file is in the image: names are relative to what is described."""
        name = bomjson.text(file, "fileName")
        if name.startswith("/"):
            return [name]
        return ["/" + name.removeprefix("./")] if self._image and name else []
