"""An SPDX 3 document to claims: packages, models and datasets of the AI and Dataset profiles."""

from collections.abc import Iterable, Iterator
from typing import Any

from aibom.declare import fields
from aibom.declare.notes import Notes
from aibom.formats.documents import bomjson
from aibom.formats.documents.spdx3 import Graph, id_of, type_of, version_of
from aibom.types.declared import Claim, Document
from aibom.types.inventory import ComponentKind

# classes that are packages (SPDX 3.0.1, Software, AI and Dataset), and what kind they are
_PACKAGES: dict[str, ComponentKind | None] = {
    "software_Package": None,
    "ai_AIPackage": "model",
    "dataset_DatasetPackage": "data",
}
_FILE = "software_File"
# Software, SoftwarePurpose
_PURPOSES: dict[str, ComponentKind] = {
    "container": "image",
    "device": "device",
    "framework": "framework",
    "library": "package",
    "model": "model",
}
_LICENCES = ("hasDeclaredLicense", "hasConcludedLicense")
_CONTENT = ("contains", "hasDistributionArtifact")
# what stands for a licence of SPDX's list without an element of its own
_LISTED = ("https://spdx.org/licenses/", "http://spdx.org/licenses/")
# Expanded Licensing, and how deep such sets are read
_SETS = {
    "expandedlicensing_ConjunctiveLicenseSet": "AND",
    "expandedlicensing_DisjunctiveLicenseSet": "OR",
}
_MAX_DEPTH = 3
_MAX_MEMBERS = 10
# Core, NoAssertionLicense and NoneLicense
_NO_LICENCE = ("NoAssertion", "NoneLicense", "/None")


def read(document: dict[str, Any], name: str) -> Document:
    """Return what an SPDX 3 document claims; ``name`` is how the user named its file.

    Raises FormatError saying what is wrong with it.
    """
    graph = Graph(document)
    reading = _Reading(graph, name)
    claims = tuple(reading.claims())
    roots = graph.roots()
    return Document(
        name=name,
        kind="sbom",
        form=f"SPDX {version_of(document)} JSON-LD",
        claims=claims,
        subject=", ".join(filter(None, (bomjson.text(r, "name") for r in roots)))[:500],
        digests=frozenset(d for root in roots for d in reading.digests(root)),
        notes=reading.notes.said,
    )


class _Reading:
    """Elements of one graph to claims."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.notes = Notes()
        self._graph = graph
        self._name = name
        for number in graph.odd:
            self.notes.add(f"element {number}", "it is not an object with an id of its own")

    def claims(self) -> Iterator[Claim]:
        """Yield the claims of all packages, then those of files that no model has."""
        taken: set[str] = set()
        for key, element in self._graph.elements.items():
            if type_of(element) in _PACKAGES:
                yield self._package(key, element, taken)
        for key, element in self._graph.elements.items():
            if type_of(element) == _FILE and key not in taken:
                yield from self._file(key, element)

    def _package(self, key: str, element: dict[str, Any], taken: set[str]) -> Claim:
        name = bomjson.text(element, "name")
        if not name:
            self.notes.add(f"element {key}", "it has no name")
        version = bomjson.text(element, "software_packageVersion")
        purl = self._purl(key, element, version)
        kind = _kind(element, purl)
        elements = [element]
        if kind in ("model", "data"):
            own = self._graph.related(key, *_CONTENT)
            taken.update(own)
            elements += [self._graph.elements[i] for i in own if i in self._graph.elements]
        files = [e for e in elements if type_of(e) == _FILE]
        return Claim(
            document=self._name,
            name=name or purl or key,
            component=kind,
            version=version,
            purl=purl,
            sha256=frozenset(d for e in (element, *files) for d in self._sha256(e)),
            paths=frozenset(p for e in files for p in _paths(e)),
            licence=self._licence(key),
            base_models=self._bases(key) if kind == "model" else (),
            ref=key,
            requires=self._graph.related(key, "dependsOn"),
        )

    def _purl(self, key: str, element: dict[str, Any], version: str) -> str:
        """Return the purl, which stands in a member of its own or among the identifiers."""
        identifiers = (
            bomjson.text(i, "identifier")
            for i in self._graph.values(element, "externalIdentifier")
            if bomjson.text(i, "externalIdentifierType").lower() == "packageurl"
        )
        said = [bomjson.text(element, "software_packageUrl"), *identifiers]
        first = next(filter(None, said), "")
        return fields.purl_of(first, version, self.notes, f"element {key}")

    def _sha256(self, element: dict[str, Any]) -> Iterable[str]:
        hashes = self._graph.values(element, "verifiedUsing")
        found = (
            bomjson.sha256(bomjson.text(h, "hashValue"))
            for h in hashes
            if bomjson.text(h, "algorithm") == "sha256"
        )
        return filter(None, found)

    def _licence(self, key: str) -> str:
        for relation in _LICENCES:
            said = (self._licence_text(i) for i in self._graph.related(key, relation))
            if found := fields.licence(said):
                return found
        return ""

    def _licence_text(self, key: str, depth: int = 0) -> str:
        element = self._graph.elements.get(key)
        word = _SETS.get(type_of(element or {}), "")
        if word and depth < _MAX_DEPTH:
            members = bomjson.strings((element or {}).get("expandedlicensing_member"))
            parts = [self._licence_text(member, depth + 1) for member in members[:_MAX_MEMBERS]]
            return f"({f' {word} '.join(parts)})" if all(parts) else ""
        said = bomjson.text(element or {}, "simplelicensing_licenseExpression")
        listed = next((key.removeprefix(p) for p in _LISTED if key.startswith(p)), "")
        name = bomjson.text(element or {}, "name")
        return "" if key.endswith(_NO_LICENCE) else said or listed or name

    def _bases(self, key: str) -> tuple[str, ...]:
        """Return the models that one descends from."""
        found = (self._graph.elements.get(i) for i in self._graph.related(key, "descendantOf"))
        bases = [element for element in found if element is not None]
        names = (
            fields.repository(bomjson.text(e, "software_packageUrl")) or bomjson.text(e, "name")
            for e in bases
        )
        return tuple(dict.fromkeys(filter(None, names)))

    def _file(self, key: str, element: dict[str, Any]) -> Iterator[Claim]:
        digests = frozenset(self._sha256(element))
        paths = frozenset(_paths(element))
        if digests or paths:
            name = bomjson.text(element, "name") or key
            kind = _kind(element, "")
            yield Claim(self._name, name, component=kind, sha256=digests, paths=paths, ref=key)

    def digests(self, root: dict[str, Any]) -> Iterable[str]:
        """Return the digests of an image that the document is about."""
        purl = bomjson.text(root, "software_packageUrl")
        if _kind(root, purl) != "image" and not purl.startswith("pkg:oci/"):
            return ()
        texts = [f"sha256:{d}" for d in self._sha256(root)]
        version = bomjson.text(root, "software_packageVersion")
        return fields.digests(*texts, purl, version, id_of(root))


def _kind(element: dict[str, Any], purl: str) -> Any:
    said = _PURPOSES.get(bomjson.text(element, "software_primaryPurpose"), "")
    return _PACKAGES.get(type_of(element)) or fields.kind_of(purl) or said


def _paths(file: dict[str, Any]) -> list[str]:
    name = bomjson.text(file, "name")
    return [name] if name.startswith("/") else []
