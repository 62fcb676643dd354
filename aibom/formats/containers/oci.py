"""OCI images as documents: descriptors, indexes and manifests (OCI image-spec 1.1).

Docker's schema 2 (distribution, docs/content/spec/manifest-v2-2.md) says the same in media types
of its own. What a document is, its content and its descriptor must both say: one that could be
taken for an index and for a manifest is refused (image-spec, "mediaType", and CVE-2021-41190).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aibom.formats.documents import jsondoc
from aibom.formats.jsontext import object_of, text_of
from aibom.formats.source import FormatError
from aibom.formats.text import printable

#: Most bytes of an index, a manifest or a configuration; registries refuse more than 4 MiB.
MAX_DOCUMENT = 4 << 20
#: Most descriptors in one index or manifest. Docker stops at 127 layers, models have more.
MAX_DESCRIPTORS = 10_000

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

INDEXES = frozenset({INDEX, DOCKER_LIST})
MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})
CONFIGS = frozenset({CONFIG, DOCKER_CONFIG})

#: Annotation of an entry of an index with its tag (image-spec, annotations.md).
REFERENCE_NAME = "org.opencontainers.image.ref.name"
#: The same as containerd and docker write it, with the whole name.
IMAGE_NAME = "io.containerd.image.name"
# what goes along with images in an index says this of its platform, as BuildKit's attestations do
_UNKNOWN = "unknown"
#: What BuildKit writes beside an image, an SBOM or provenance, names the image's manifest by this.
REFERENCE_DIGEST = "vnd.docker.reference.digest"
_REFERENCE_TYPE = "vnd.docker.reference.type"

# image-spec, descriptor.md, "Registered Algorithms"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
# image-spec, config.md: GOOS and GOARCH; descriptor.md for media types (RFC 6838)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?:;[^\r\n]{0,500})?", re.ASCII)


class Platform(NamedTuple):
    """What an image runs on, in Go's words (``linux``, ``arm64``, ``v8``); empty is not said."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """Return the platform as commands take it: ``linux/arm64/v8``."""
        return "/".join(part for part in self if part)

    @property
    def known(self) -> bool:
        """Whether it may be an image's; of what goes along with one it is ``unknown``."""
        return self.os != _UNKNOWN

    @property
    def said(self) -> bool:
        """Whether it is a platform; BuildKit says ``unknown/unknown`` of its attestations."""
        return self.os not in ("", _UNKNOWN)


NOWHERE = Platform()
"""A platform of which nothing is said."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a document says of a blob: its type, digest (``sha256:HEX``) and size in bytes.

    An empty digest is that of a document which was put together here and stands nowhere.
    """

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform = NOWHERE
    artifact_type: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image's or an artifact's manifest; ``artifact_type`` is the configuration's by default.

    ``subject`` is the manifest that this one is attached to (image-spec 1.1, manifest.md).
    """

    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    subject: Descriptor | None = None


def is_digest(text: str) -> bool:
    """Say whether ``text`` is a digest that can be checked."""
    return bool(_DIGEST.fullmatch(text))


def platform(text: str) -> Platform:
    """Return the platform in ``linux/arm64/v8``. Raises FormatError for anything else."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(re.fullmatch(r"[\w.-]{1,32}", p) for p in parts):
        raise FormatError(f"{printable(text, 100)} is no platform; linux/amd64 would be one")
    return Platform(*parts)


def parse_index(data: bytes, announced: str) -> tuple[Descriptor, ...]:
    """Return the entries of an index or of a manifest list. Raises FormatError."""
    document = _document(data, announced, INDEXES)
    if "layers" in document or "config" in document:
        raise FormatError("an index that could be a manifest as well")
    return _descriptors(document, "manifests")


def parse_manifest(data: bytes, announced: str) -> Manifest:
    """Return what a manifest says. Raises FormatError."""
    document = _document(data, announced, MANIFESTS)
    if "manifests" in document:
        raise FormatError("a manifest that could be an index as well")
    config = descriptor(document.get("config"), "config")
    return Manifest(
        config=config,
        layers=_descriptors(document, "layers"),
        artifact_type=text_of(document, "artifactType") or config.media_type,
        annotations=texts_of(document.get("annotations")),
        subject=descriptor(document["subject"], "subject") if "subject" in document else None,
    )


def media_type(data: bytes) -> str:
    """Return the media type of an index or manifest that is known by its digest alone.

    OCI's documents need not say it themselves. Raises FormatError for other content.
    """
    document = jsondoc.load(data)
    said = text_of(document, "mediaType")
    found = said or (INDEX if "manifests" in document else MANIFEST if "layers" in document else "")
    if found not in INDEXES | MANIFESTS:
        raise FormatError(f"{found or 'content of no media type'} is no image")
    return found


def descriptor(value: object, where: str) -> Descriptor:
    """Return the descriptor in ``value``, which stands at ``where``. Raises FormatError."""
    if not isinstance(value, dict):
        raise FormatError(f"{where} is no descriptor")
    digest, size, kind = value.get("digest"), value.get("size"), value.get("mediaType")
    if not isinstance(digest, str) or not is_digest(digest):
        raise FormatError(f"{where}: {printable(str(digest), 80)} is no digest")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 63:
        raise FormatError(f"{where}: {printable(str(size), 40)} is no size")
    if not isinstance(kind, str) or not _MEDIA_TYPE.fullmatch(kind):
        raise FormatError(f"{where}: {printable(str(kind), 80)} is no media type")
    return Descriptor(
        kind,
        digest,
        size,
        texts_of(value.get("annotations")),
        platform_of(object_of(value, "platform")),
        text_of(value, "artifactType"),
    )


def is_attestation(entry: Descriptor) -> bool:
    """Say whether an entry of an index is what BuildKit attaches to an image of that index."""
    return entry.annotations.get(_REFERENCE_TYPE) == "attestation-manifest"


def name_of(entry: Descriptor) -> str:
    """Return the name that an entry of a layout's index has, or an empty string."""
    said = entry.annotations
    return printable(said.get(IMAGE_NAME) or said.get(REFERENCE_NAME) or "", 300)


def _document(data: bytes, announced: str, allowed: frozenset[str]) -> dict[str, Any]:
    document = jsondoc.load(data)
    said = document.get("mediaType", announced)
    if said != announced or announced not in allowed:
        raise FormatError(f"media type {printable(str(said), 80)}, announced as {announced}")
    if document.get("schemaVersion") != 2:
        raise FormatError(f"schema version {printable(str(document.get('schemaVersion')), 20)}")
    return document


def _descriptors(document: dict[str, Any], key: str) -> tuple[Descriptor, ...]:
    entries = document.get(key)
    if not isinstance(entries, list):
        raise FormatError(f"{key} is no list")
    if len(entries) > MAX_DESCRIPTORS:
        raise FormatError(f"{len(entries)} {key}, more than {MAX_DESCRIPTORS}")
    return tuple(descriptor(entry, f"{key}[{i}]") for i, entry in enumerate(entries))


def platform_of(document: dict[str, Any]) -> Platform:
    """Return the platform that a document's own members say."""
    return Platform(*(text_of(document, key) for key in Platform._fields))


def texts_of(value: object) -> dict[str, str]:
    """Return the members of an object that are texts, such as annotations and labels."""
    entries = value.items() if isinstance(value, dict) else ()
    return {str(k): v for k, v in entries if isinstance(v, str)}
