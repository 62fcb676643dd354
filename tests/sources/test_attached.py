"""What is attached to an image, in each of the ways that tools have, wherever the blobs are."""

import pytest

from aibom.formats.containers.oci import Platform
from aibom.sources import attached as module
from aibom.sources.attached import Attached, attached
from aibom.sources.errors import SourceError
from aibom.sources.lineage import trace
from tests.sources.images import (
    CYCLONEDX,
    DSSE,
    IN_TOTO,
    OTHER,
    Json,
    Referrers,
    Store,
    bom,
    dump,
    envelope,
    statement,
)

BOM = dump(bom("numpy"))
BOM_TYPE = "application/vnd.cyclonedx+json"
PROVENANCE = "https://slsa.dev/provenance/v1"


def found(store: Store, architecture: str = "amd64") -> list[Attached]:
    image = trace(store, store.resolve(""), Platform("linux", architecture))
    return list(attached(store, image))


def attestation_of(store: Store, digest: str, content: Json, kind: str = CYCLONEDX) -> Json:
    layer = store.put(dump(content), IN_TOTO)
    layer["annotations"] = {"in-toto.io/predicate-type": kind}
    return store.manifest([layer], annotations={"of": digest}) | {
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": digest,
        },
    }


def test_buildkit_attests_each_platform_in_the_index() -> None:
    store = Store()
    entries = []
    for architecture in ("amd64", "arm64"):
        own = store.manifest([], annotations={"for": architecture})
        attested = statement(bom(architecture), own["digest"])
        entries += [
            own | {"platform": {"os": "linux", "architecture": architecture}},
            attestation_of(store, own["digest"], attested),
        ]
    store.index(entries, "latest")
    for architecture in ("amd64", "arm64"):
        (one,) = found(store, architecture)
        assert (one.data, one.note) == (dump(bom(architecture)), "")


def test_provenance_is_not_even_read() -> None:
    store = Store()
    own = store.manifest([])
    provenance = attestation_of(store, own["digest"], {}, PROVENANCE)
    store.index([own, provenance], "latest")
    store.blobs = {
        digest: data for digest, data in store.blobs.items() if store.types[digest] != IN_TOTO
    }
    assert found(store) == []


@pytest.mark.parametrize("suffix", [".sbom", ".att"])
def test_cosign_has_tags(suffix: str) -> None:
    store = Store()
    own = store.manifest([], "latest")
    signed = dump(envelope(statement(bom("numpy"), own["digest"])))
    layer = store.put(BOM, BOM_TYPE) if suffix == ".sbom" else store.put(signed, DSSE)
    store.manifest([layer], own["digest"].replace(":", "-") + suffix)
    assert found(store) == [Attached(layer["digest"], BOM)]


@pytest.mark.parametrize(
    ("artifact_type", "layer_type"),
    [
        (BOM_TYPE, BOM_TYPE),
        (BOM_TYPE, "application/vnd.oci.image.layer.v1.tar"),
        ("application/octet-stream", "text/spdx+json"),
        ("application/vnd.example", "application/vnd.syft+json"),
    ],
)
def test_referrers(artifact_type: str, layer_type: str) -> None:
    store = Referrers()
    own = store.manifest([], "latest")
    layer = store.put(BOM, layer_type)
    store.manifest([layer], artifactType=artifact_type, subject=own)
    signature = store.put(b"signature", "application/vnd.dev.cosign.simplesigning.v1+json")
    store.manifest([signature], artifactType="application/x", subject=own)
    assert found(store) == [Attached(layer["digest"], BOM)]


def test_referrers_of_the_index_count_for_each_of_its_images() -> None:
    store = Referrers()
    own = store.manifest([])
    root = store.index([own], "latest")
    layer = store.put(BOM, BOM_TYPE)
    store.manifest([layer], artifactType=BOM_TYPE, subject=root)
    assert found(store) == [Attached(layer["digest"], BOM)]


def test_a_layout_lists_what_refers_beside_the_image() -> None:
    store = Store()
    own = store.manifest([])
    layer = store.put(BOM, BOM_TYPE)
    one = store.manifest([layer], artifactType=BOM_TYPE, subject=own)
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    store.index([own | platform, one | {"artifactType": BOM_TYPE}], "latest")
    assert found(store) == [Attached(layer["digest"], BOM)]


def test_the_same_by_two_ways_is_told_once() -> None:
    store = Referrers()
    own = store.manifest([], "latest")
    layer = store.put(BOM, BOM_TYPE)
    store.manifest([layer], artifactType=BOM_TYPE, subject=own)
    store.manifest([layer], own["digest"].replace(":", "-") + ".sbom")
    assert found(store) == [Attached(layer["digest"], BOM)]


def test_what_is_about_something_else_is_a_note() -> None:
    store = Referrers()
    own = store.manifest([], "latest")
    lying = store.put(dump(envelope(statement(bom("numpy"), OTHER))), DSSE)
    broken = store.put(b"{", DSSE)
    store.manifest([lying, broken], own["digest"].replace(":", "-") + ".att")
    other = {"mediaType": own["mediaType"], "digest": OTHER, "size": 1}
    moved = store.manifest([store.put(BOM, BOM_TYPE)], artifactType=BOM_TYPE, subject=other)
    store.attached = {own["digest"]: [moved]}
    assert [(one.name, one.data, one.note.partition(" at line")[0]) for one in found(store)] == [
        (moved["digest"], b"", f"it is about {OTHER}, and not about this image"),
        (lying["digest"], b"", f"it is about {OTHER}, and not about this image"),
        (
            broken["digest"],
            b"",
            "not JSON: Expecting property name enclosed in double quotes",
        ),
    ]


def test_there_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MANIFESTS", 3)
    store = Referrers()
    own = store.manifest([], "latest")
    for number in range(9):
        store.manifest([], annotations={"n": str(number)}, subject=own)
    (one,) = found(store)
    assert "more than 3" in one.note


def test_a_large_one_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DOCUMENT", len(BOM) - 1)
    store = Referrers()
    own = store.manifest([], "latest")
    layer = store.put(BOM, BOM_TYPE)
    store.manifest([layer], artifactType=BOM_TYPE, subject=own)
    assert [one.data for one in found(store)] == [b""]


def test_another_content_is_trouble() -> None:
    store = Referrers()
    own = store.manifest([], "latest")
    layer = store.put(BOM, BOM_TYPE)
    store.manifest([layer], artifactType=BOM_TYPE, subject=own)
    store.blobs[layer["digest"]] = BOM[::-1]
    with pytest.raises(SourceError, match="another digest"):
        found(store)
