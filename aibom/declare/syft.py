"""Syft's own JSON to claims: artifacts with their places, and files with their digests.

Source: anchore/syft, schema/json (16.0 and earlier ones back to 1.0; what they share is read).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from aibom.declare import fields
from aibom.declare.notes import Notes
from aibom.formats.documents import bomjson
from aibom.formats.source import FormatError
from aibom.types.declared import Claim, Document


def is_syft(document: dict[str, Any]) -> bool:
    """Say whether a document is Syft's."""
    schema = bomjson.text(bomjson.member(document, "schema"), "url")
    return "artifacts" in document and "anchore/syft" in schema


def read(document: dict[str, Any], name: str) -> Document:
    """Return what a document of Syft claims; ``name`` is how the user named its file.

    Raises FormatError saying what is wrong with it.
    """
    for key in ("artifacts", "files", "artifactRelationships"):
        if not isinstance(document.get(key), list | None):
            raise FormatError(f"{key} is not a list")
    version = bomjson.text(bomjson.member(document, "schema"), "version")
    notes = Notes()
    requires = _requires(document)
    artifacts = document.get("artifacts") or []
    found = [_artifact(a, i, name, requires, notes) for i, a in enumerate(artifacts, 1)]
    files = bomjson.objects(document.get("files"))
    source = bomjson.member(document, "source")
    return Document(
        name=name,
        kind="sbom",
        form=f"Syft JSON {version}".rstrip(),
        claims=(
            *(claim for claim in found if claim is not None),
            *(claim for f in files for claim in _file(f, name)),
        ),
        subject=_subject(source),
        digests=_digests(source),
        notes=notes.said,
    )


def _requires(document: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for relation in bomjson.objects(document.get("artifactRelationships")):
        # the parent is a dependency of the child
        if bomjson.text(relation, "type") == "dependency-of":
            found[bomjson.text(relation, "child")].append(bomjson.text(relation, "parent"))
    return found


def _artifact(
    artifact: Any, number: int, document: str, requires: dict[str, list[str]], notes: Notes
) -> Claim | None:
    place = f"artifact {number}"
    if not isinstance(artifact, dict):
        notes.add(place, "it is not an object")
        return None
    ref, name = bomjson.text(artifact, "id"), bomjson.text(artifact, "name")
    if not name:
        notes.add(place, "it has no name")
    version = bomjson.text(artifact, "version")
    purl = fields.purl_of(bomjson.text(artifact, "purl"), version, notes, place)
    locations = bomjson.objects(artifact.get("locations"))
    return Claim(
        document=document,
        name=name or purl or ref or place,
        component=fields.kind_of(purl),
        version=version,
        purl=purl,
        paths=frozenset(_paths(locations)),
        layers=frozenset(filter(None, (bomjson.text(p, "layerID") for p in locations))),
        licence=fields.licence(_licences(artifact.get("licenses"))),
        ref=ref,
        requires=tuple(dict.fromkeys(requires.get(ref, ()))),
    )


def _paths(locations: Iterable[dict[str, Any]]) -> list[str]:
    found = (bomjson.text(place, "path") for place in locations)
    return [path for path in found if path.startswith("/")]


def _licences(said: object) -> list[str]:
    """Return the licences of an artifact; they were mere texts before schema 7."""
    entries = bomjson.objects(said)
    found = [bomjson.text(e, "spdxExpression") or bomjson.text(e, "value") for e in entries]
    return [*found, *bomjson.strings(said)]


def _file(file: dict[str, Any], document: str) -> list[Claim]:
    """Return the claim of a file whose SHA-256 was made."""
    digests = {
        bomjson.sha256(bomjson.text(d, "value"))
        for d in bomjson.objects(file.get("digests"))
        if bomjson.text(d, "algorithm") == "sha256"
    } - {""}
    place = bomjson.member(file, "location")
    paths = _paths([place])
    if not digests or not paths:
        return []
    layer = bomjson.text(place, "layerID")
    claim = Claim(
        document=document,
        name=paths[0],
        sha256=frozenset(digests),
        paths=frozenset(paths),
        layers=frozenset({layer} - {""}),
        ref=bomjson.text(file, "id"),
    )
    return [claim]


def _about(source: dict[str, Any]) -> dict[str, Any]:
    # ``target`` before schema 7
    return bomjson.member(source, "metadata") or bomjson.member(source, "target")


def _subject(source: dict[str, Any]) -> str:
    name = bomjson.text(source, "name") or bomjson.text(_about(source), "userInput")
    version = bomjson.text(source, "version")
    return f"{name}@{version}" if version else name or bomjson.text(source, "target")


def _digests(source: dict[str, Any]) -> frozenset[str]:
    about = _about(source)
    if bomjson.text(source, "type") != "image":
        return frozenset()
    texts = [bomjson.text(about, "imageID"), bomjson.text(about, "manifestDigest")]
    return fields.digests(*texts, *bomjson.strings(about.get("repoDigests")))
