"""A CycloneDX document to claims: an SBOM, an earlier BOM of aibom, or one of k8s-aibom."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from aibom.declare import bomfields, bomservices, fields
from aibom.declare.notes import Notes
from aibom.formats.documents import bomjson
from aibom.types.declared import Claim, Document, DocumentKind

# where syft and trivy say in which file of the image they found a component
_PATH_PROPERTY = re.compile(r"^(?:syft:location:\d+:path|aquasecurity:trivy:FilePath)$")
# what trivy calls an image's configuration and its manifest
_LAYER_PROPERTY = re.compile(r"^(?:syft:location:\d+:layerID|aquasecurity:trivy:LayerDiffID)$")
_IMAGE_PROPERTIES = ("aquasecurity:trivy:ImageID", "aquasecurity:trivy:RepoDigest")
# of k8s-aibom, before and since its 1.7: the revision that a workload asks for, what was left out
_REVISIONS = frozenset({"model.revision", "k8s-aibom:model:revision"})
_CUT = frozenset({"aibom.truncation.applied", "k8s-aibom:truncation:applied"})
_NOT_LISTED = frozenset({"container", "operating-system"})


def read(document: dict[str, Any], name: str, form: str = "JSON") -> Document:
    """Return what a CycloneDX document claims; ``name`` is how the user named its file.

    ``form`` is what it is written in. Raises FormatError saying what is wrong with it.
    """
    version = bomjson.checked(document)
    notes = Notes()
    subject = _subject(document)
    reading = _Reading(name, bomfields.requires(document), notes)
    found = [*reading.of_subject(subject), *reading.of_components(document)]
    _note_twins(found, notes)
    for key, value in bomjson.properties(bomjson.member(document, "metadata")):
        if key in _CUT:
            notes.add("the document", f"its writer left components out ({value})")
    return Document(
        name=name,
        kind=_kind(document),
        form=f"CycloneDX {version} {form}",
        claims=(*found, *bomservices.claims(document, name)),
        subject=_label(subject),
        digests=_digests(subject),
        notes=notes.said,
    )


def _kind(document: dict[str, Any]) -> DocumentKind:
    if bomjson.is_observed(document):
        return "observed"
    # what it lists is what manifests name, not what is there
    return "manifest" if bomjson.written_by(document, "k8s-aibom") else "sbom"


def _subject(document: dict[str, Any]) -> dict[str, Any]:
    return bomjson.member(bomjson.member(document, "metadata"), "component")


def _label(component: dict[str, Any]) -> str:
    parts = [bomjson.text(component, name) for name in ("group", "name")]
    version = bomjson.text(component, "version")
    return "/".join(filter(None, parts)) + (f"@{version}" if version else "")


def _digests(component: dict[str, Any]) -> frozenset[str]:
    said = dict(bomjson.properties(component))
    texts = [bomjson.text(component, name) for name in ("version", "purl", "bom-ref")]
    own = bomjson.sha256_of(component) if component.get("type") == "container" else ""
    texts += [f"sha256:{own}", *(said.get(name, "") for name in _IMAGE_PROPERTIES)]
    return fields.digests(*texts)


def _note_twins(claims: list[Claim], notes: Notes) -> None:
    seen: set[str] = set()
    for claim in claims:
        if claim.ref and claim.ref in seen:
            notes.add(f"bom-ref {claim.ref[:100]}", "several components have it")
        seen.add(claim.ref)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Components of one document to claims."""

    name: str
    requires: dict[str, tuple[str, ...]]
    notes: Notes

    def of_subject(self, subject: dict[str, Any]) -> Iterator[Claim]:
        """Yield what is said of the thing that the document is about, and of what is in it."""
        for part in bomjson.parts({"components": [subject]} if subject else {}):
            found = self._part(part, f"component {part.number} of the metadata")
            # an image, and a workload without purl and hash, are what it is about and no more
            known = found is not None and (found.purl or found.sha256 or found.component)
            listed = bomjson.text(subject, "type") not in _NOT_LISTED or part.parent is not None
            if found is not None and known and listed:
                yield found

    def of_components(self, document: dict[str, Any]) -> list[Claim]:
        """Return what is said of all components; the files of a model are part of its claim."""
        found: list[Claim] = []
        content: dict[int, list[dict[str, Any]]] = defaultdict(list)
        models: dict[int, int] = {}
        for part in bomjson.parts(document):
            if isinstance(part.value, dict) and bomfields.is_content(part.value, part.parent):
                content[id(part.parent)].append(part.value)
                continue
            claim = self._part(part, f"component {part.number}")
            if claim is not None:
                models[id(part.value)] = len(found)
                found.append(claim)
        for key, files in content.items():
            if key in models:
                found[models[key]] = _with_files(found[models[key]], files)
        return found

    def _part(self, part: bomjson.Part, place: str) -> Claim | None:
        if not isinstance(part.value, dict):
            self.notes.add(place, "it is not an object")
            return None
        return self._claim(part.value, place)

    def _claim(self, component: dict[str, Any], place: str) -> Claim:
        ref = bomjson.text(component, "bom-ref")
        name = bomjson.text(component, "name")
        if not name:
            self.notes.add(place, "it has no name")
        said = bomjson.properties(component)
        revision = next((value for key, value in said if key in _REVISIONS), "")
        version = bomjson.text(component, "version") or revision
        digest = bomjson.sha256_of(component)
        if not digest and bomjson.names_sha256(component):
            self.notes.add(place, "its SHA-256 is none, and is not compared")
        return Claim(
            document=self.name,
            name=name or bomjson.text(component, "purl") or ref or place,
            component=bomfields.kind(component),
            version=version,
            purl=fields.purl_of(bomjson.text(component, "purl"), version, self.notes, place),
            sha256=frozenset({digest} if digest else ()),
            paths=frozenset(_paths(component)),
            layers=frozenset(value for key, value in said if _LAYER_PROPERTY.match(key)),
            licence=bomfields.licence(component),
            base_models=bomfields.base_models(component),
            ref=ref,
            requires=self.requires.get(ref, ()) if ref else (),
        )


def _with_files(claim: Claim, files: list[dict[str, Any]]) -> Claim:
    """Return the claim of a model with its files; what only lies beside them is left out."""
    own = [f for f in files if not bomfields.is_companion(f)]
    sha256 = {bomjson.sha256_of(f) for f in own} - {""}
    paths = {path for f in own for path in _paths(f)}
    return replace(claim, sha256=claim.sha256 | sha256, paths=claim.paths | paths)


def _paths(component: dict[str, Any]) -> list[str]:
    found = [bomjson.text(o, "location") for o in bomjson.occurrences(component)]
    # trivy leaves the first slash away
    said = bomjson.properties(component)
    found += ["/" + v.lstrip("/") for k, v in said if _PATH_PROPERTY.match(k)]
    if component.get("type") == "file":
        found.append(bomjson.text(component, "name"))
    return [path for path in found if path.startswith("/")]
