"""Small images, SBOMs and attestations, and blobs in memory, for tests of where images are."""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any, BinaryIO

from aibom.formats.containers import oci
from aibom.formats.containers.oci import Descriptor
from aibom.sources.blobs import checked
from aibom.sources.errors import MissingError

Json = dict[str, Any]
DSSE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
OTHER = "sha256:" + "f" * 64


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def bom(*names: str) -> Json:
    components = [
        {"type": "library", "name": name, "version": "1", "purl": f"pkg:pypi/{name}@1"}
        for name in names
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}


def dump(document: object) -> bytes:
    return json.dumps(document).encode()


def statement(predicate: object, about: str, kind: str = CYCLONEDX) -> Json:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "image", "digest": {"sha256": about.removeprefix("sha256:")}}],
        "predicateType": kind,
        "predicate": predicate,
    }


def envelope(content: Json) -> Json:
    payload = base64.b64encode(dump(content)).decode()
    return {"payloadType": IN_TOTO, "payload": payload, "signatures": [{"sig": "AA=="}]}


def entry(media_type: str, data: bytes, **more: Any) -> Json:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)} | more


class Store:
    """Blobs in memory: what was put in, by digest, and names for some of it."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.attached: dict[str, list[Json]] = {}

    def put(self, data: bytes, media_type: str = "application/octet-stream") -> Json:
        described = entry(media_type, data)
        self.blobs[described["digest"]] = data
        self.types[described["digest"]] = media_type
        return described

    def manifest(
        self,
        layers: Sequence[Json],
        name: str = "",
        config: str = oci.CONFIG,
        **more: Any,
    ) -> Json:
        content = {
            "schemaVersion": 2,
            "mediaType": oci.MANIFEST,
            "config": self.put(b"{}", config),
            "layers": list(layers),
        }
        described = self.put(dump(content | more), oci.MANIFEST)
        if "subject" in more:
            listed = described | {"artifactType": more.get("artifactType", config)}
            self.attached.setdefault(more["subject"]["digest"], []).append(listed)
        if name:
            self.names[name] = described["digest"]
        return described

    def index(self, entries: Sequence[Json], name: str = "") -> Json:
        content = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": list(entries)}
        described = self.put(dump(content), oci.INDEX)
        if name:
            self.names[name] = described["digest"]
        return described

    # what aibom.sources.blobs.Blobs asks for

    def resolve(self, reference: str) -> Descriptor:
        digest = self.names.get(reference or "latest", reference)
        if digest not in self.blobs:
            raise MissingError(f"no {reference}")
        return Descriptor(self.types[digest], digest, len(self.blobs[digest]))

    def open(self, descriptor: Descriptor) -> BinaryIO:
        return checked(io.BytesIO(self.blobs[descriptor.digest]), descriptor)


class Referrers(Store):
    """The same, of a place that knows referrers."""

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        return tuple(oci.descriptor(e, "entry") for e in self.attached.get(digest, []))
