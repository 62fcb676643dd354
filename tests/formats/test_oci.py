"""OCI's documents: strict, and unambiguous; which image of an index is meant."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.containers import choice, dockersave, imageconfig, oci
from aibom.formats.containers.oci import Descriptor, Platform
from aibom.formats.source import FormatError

DIGEST = "sha256:" + "a" * 64
BLOB: dict[str, Any] = {"mediaType": "a/b", "digest": DIGEST, "size": 1}
MANIFEST: dict[str, Any] = {"schemaVersion": 2, "config": BLOB, "layers": [BLOB]}
INDEX: dict[str, Any] = {"schemaVersion": 2, "manifests": [BLOB]}


def manifest(**changes: Any) -> oci.Manifest:
    return oci.parse_manifest(json.dumps(MANIFEST | changes).encode(), oci.MANIFEST)


def index(**changes: Any) -> tuple[Descriptor, ...]:
    return oci.parse_index(json.dumps(INDEX | changes).encode(), oci.INDEX)


def test_a_manifest() -> None:
    found = manifest(annotations={"a": "b", "c": 1}, artifactType="x/y")
    assert found.config == found.layers[0] == Descriptor("a/b", DIGEST, 1)
    assert (found.artifact_type, found.annotations) == ("x/y", {"a": "b"})
    assert manifest().artifact_type == "a/b"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schemaVersion": 1}, "schema version 1"),
        ({"mediaType": oci.INDEX}, "announced as"),
        ({"mediaType": None}, "announced as"),
        ({"manifests": []}, "index as well"),
        ({"config": None}, "config is no descriptor"),
        ({"layers": {}}, "layers is no list"),
        ({"layers": [BLOB] * 10_001}, "more than 10000"),
        ({"layers": [BLOB | {"size": -1}]}, r"layers\[0\]: -1 is no size"),
        ({"layers": [BLOB | {"size": True}]}, "no size"),
        ({"layers": [BLOB | {"size": 1 << 64}]}, "no size"),
        ({"layers": [BLOB | {"digest": "md5:00"}]}, "md5:00 is no digest"),
        ({"layers": [BLOB | {"digest": "sha256:../../etc/passwd"}]}, "no digest"),
        ({"layers": [BLOB | {"digest": DIGEST.upper()}]}, "no digest"),
        ({"layers": [BLOB | {"mediaType": "x"}]}, "no media type"),
    ],
)
def test_a_manifest_that_is_none(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        manifest(**changes)


@pytest.mark.parametrize("key", ["layers", "config"])
def test_an_index_that_could_be_a_manifest(key: str) -> None:
    with pytest.raises(FormatError, match="manifest as well"):
        index(**{key: []})


def test_a_configuration_tells_no_secrets() -> None:
    said = {
        "os": "linux",
        "architecture": "arm64",
        "variant": "v8",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Labels": {"a": "b"}, "Env": ["TOKEN=secret"]},
        "rootfs": {"diff_ids": [DIGEST]},
        "history": [{"created_by": "RUN curl -H 'Authorization: secret'"}],
    }
    found = imageconfig.parse(json.dumps(said).encode())
    assert found.platform == Platform("linux", "arm64", "v8")
    assert found.diff_ids == (DIGEST,)
    assert "secret" not in repr(found)


@pytest.mark.parametrize("ids", [["x"], [1], {"a": 1}, "x"])
def test_diff_ids_that_are_none(ids: object) -> None:
    with pytest.raises(FormatError, match="diff_ids"):
        imageconfig.parse(json.dumps({"rootfs": {"diff_ids": ids}}).encode())


def entry(
    digest: str, platform: str = "", media_type: str = oci.MANIFEST, **said: str
) -> Descriptor:
    parts = Platform(*platform.split("/")) if platform else Platform()
    return Descriptor(media_type, digest, 1, said, parts)


AMD, ARM6, ARM7 = (
    entry("amd", "linux/amd64"),
    entry("6", "linux/arm/v6"),
    entry("7", "linux/arm/v7"),
)
ATTESTATION = Descriptor(
    oci.MANIFEST,
    "att",
    1,
    {"vnd.docker.reference.type": "attestation-manifest"},
    Platform("unknown", "unknown"),
)


@pytest.mark.parametrize(
    ("entries", "wanted", "expected"),
    [
        ([AMD], "linux/amd64", "amd"),
        ([AMD, ATTESTATION], "linux/amd64", "amd"),
        ([AMD, ARM6, ARM7], "linux/arm/v7", "7"),
        ([entry("any")], "linux/amd64", "any"),
        ([entry("any"), ARM6], "linux/amd64", "any"),
        ([AMD, AMD], "linux/amd64", "amd"),
        ([entry("model", "unknown/unknown"), AMD], "linux/amd64", "amd"),
        ([entry("model", "unknown/unknown")], "linux/amd64", "model"),
        ([entry("8", "linux/arm64/v8")], "linux/arm64", "8"),
        ([entry("sbom", media_type="a/b"), AMD], "linux/amd64", "amd"),
    ],
)
def test_the_image_for_a_platform(entries: list[Descriptor], wanted: str, expected: str) -> None:
    assert choice.choose(entries, oci.platform(wanted)).digest == expected


@pytest.mark.parametrize(
    ("entries", "wanted", "message"),
    [
        ([AMD], "linux/arm64", "no image for linux/arm64; it has linux/amd64"),
        ([], "linux/arm64", "none at all"),
        ([ATTESTATION], "linux/arm64", "none at all"),
        ([ARM6, ARM7], "linux/arm", "several images"),
        ([entry("1"), entry("2")], "linux/arm64", "several images for linux/arm64: 1, 2"),
    ],
)
def test_no_image_or_several(entries: list[Descriptor], wanted: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        choice.choose(entries, oci.platform(wanted))


def test_the_only_image_whatever_it_is_for() -> None:
    assert choice.choose([ARM6, ATTESTATION], oci.platform("linux/amd64"), only=True) is ARM6


@pytest.mark.parametrize("text", ["linux", "", "linux/amd64/v1/x", "linux/\x1b", "a/"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(FormatError, match="no platform"):
        oci.platform(text)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (MANIFEST, oci.MANIFEST),
        (INDEX, oci.INDEX),
        ({"mediaType": oci.DOCKER_LIST}, oci.DOCKER_LIST),
    ],
)
def test_a_document_tells_its_media_type(document: dict[str, Any], expected: str) -> None:
    assert oci.media_type(json.dumps(document).encode()) == expected


@pytest.mark.parametrize("document", [{}, {"mediaType": "a/b"}])
def test_a_document_of_no_image(document: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="no image"):
        oci.media_type(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"[]", b"{}", b"[{}]", b'[{"Config": "c"}]', b"\xff", b"[1]"])
def test_no_manifest_of_docker_save(data: bytes) -> None:
    with pytest.raises(FormatError):
        dockersave.parse(data)


WHOLE = [json.dumps(x).encode() for x in (MANIFEST, INDEX, {"rootfs": {"diff_ids": [DIGEST]}})]


@given(st.sampled_from(WHOLE), st.data())
def test_damage_raises_nothing_else(whole: bytes, data: st.DataObject) -> None:
    broken = bytearray(whole)
    broken[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    for read in (
        lambda b: oci.parse_manifest(b, oci.MANIFEST),
        lambda b: oci.parse_index(b, oci.INDEX),
        imageconfig.parse,
        oci.media_type,
        dockersave.parse,
    ):
        with contextlib.suppress(FormatError):
            read(bytes(broken))
