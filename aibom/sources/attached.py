"""SBOMs attached to an image: by OCI referrers, by tags, and by BuildKit in the image's index.

OCI distribution v1.1, "Listing Referrers"; sigstore/cosign, specs/SBOM_SPEC.md and
specs/ATTESTATION_SPEC.md; moby/buildkit, docs/attestations/attestation-storage.md.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from aibom.formats.containers import oci
from aibom.formats.containers.oci import Descriptor, Manifest
from aibom.formats.documents import attestation, jsondoc
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.sources.blobs import Blobs, read
from aibom.sources.errors import MissingError
from aibom.sources.lineage import Lineage, manifest

#: Largest document that is read, in bytes, and how many manifests are looked into.
MAX_DOCUMENT, MAX_MANIFESTS = 256 << 20, 100

# what cosign, syft, trivy and ORAS call SBOMs, up to a suffix or a parameter
_SBOMS = ("application/vnd.cyclonedx", "application/spdx", "text/spdx", "application/vnd.syft")
_ATTESTATIONS = (
    "application/vnd.in-toto",
    "application/vnd.dsse.envelope",
    "application/vnd.dev.sigstore.bundle",
)
# BuildKit's annotation of a layer, and cosign's: the type of the predicate
_PREDICATES = ("in-toto.io/predicate-type", "predicateType")
_EMPTY = "application/vnd.oci.empty.v1+json"
# a content store has what was pulled, and BuildKit's manifests are not
_ABSENT = "it is listed, and not there"
_COSIGN_TAGS = (".sbom", ".att")


@runtime_checkable
class Referring(Protocol):
    """Blobs of a place that also knows which manifests are attached to another one."""

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """Return the manifests whose subject is the one of this digest. Raises SourceError."""
        ...


class Attached(NamedTuple):
    """A document attached to an image, by the digest of what it is kept in.

    ``note`` says why there is no ``data``, where it could not be used.
    """

    name: str
    data: bytes
    note: str = ""


def attached(blobs: Blobs, image: Lineage) -> Iterator[Attached]:
    """Yield the documents that are attached to an image, each once.

    Only those that name this image: an attestation's subject, or a manifest's, must be the image's
    manifest or one of the indexes that led to it, else there is a note in its place. Signatures
    are not checked. Raises SourceError when blobs cannot be had, or are not what they should be.
    """
    seen: set[str] = set()
    for number, descriptor in enumerate(_manifests(blobs, image)):
        if number == MAX_MANIFESTS:
            note = f"it is one of more than {MAX_MANIFESTS}: the rest is unread"
            yield Attached(descriptor.digest, b"", note)
            return
        try:
            found = manifest(blobs, descriptor)
        except MissingError:
            yield Attached(descriptor.digest, b"", _ABSENT)
            continue
        if found.subject is not None and found.subject.digest not in image.digests:
            note = f"it is about {found.subject.digest}, and not about this image"
            yield Attached(descriptor.digest, b"", note)
            continue
        for layer in _documents(found):
            if layer.digest not in seen:
                seen.add(layer.digest)
                yield from _read(blobs, layer, image)


def _manifests(blobs: Blobs, image: Lineage) -> Iterator[Descriptor]:
    """Yield the manifests that may be attached to an image, each once."""
    seen = set(image.digests)
    for descriptor in _candidates(blobs, image):
        if descriptor.digest not in seen and descriptor.media_type in oci.MANIFESTS:
            seen.add(descriptor.digest)
            yield descriptor


def _candidates(blobs: Blobs, image: Lineage) -> Iterator[Descriptor]:
    for entry in image.entries:
        of_image = entry.annotations.get(oci.REFERENCE_DIGEST) in image.digests
        # a layout's index lists what refers to the image as well
        refers = entry.artifact_type.startswith((*_SBOMS, *_ATTESTATIONS))
        if refers or (of_image and oci.is_attestation(entry)):
            yield entry
    for digest in image.digests:
        if isinstance(blobs, Referring):
            yield from blobs.referrers(digest)
        for suffix in _COSIGN_TAGS:
            try:
                yield blobs.resolve(digest.replace(":", "-") + suffix)
            except MissingError:
                continue


def _documents(found: Manifest) -> list[Descriptor]:
    """Return the layers of a manifest that may be SBOMs."""
    layers = [layer for layer in found.layers if layer.media_type != _EMPTY]
    if found.artifact_type.startswith(_SBOMS):
        return layers  # whatever the tool that attached it called the layer
    return [
        layer
        for layer in layers
        if layer.media_type.startswith(_SBOMS)
        or (layer.media_type.startswith(_ATTESTATIONS) and _may_be_sbom(layer))
    ]


def _may_be_sbom(layer: Descriptor) -> bool:
    said = [layer.annotations[name] for name in _PREDICATES if name in layer.annotations]
    return not said or any(map(attestation.may_be_sbom, said))


def _read(blobs: Blobs, layer: Descriptor, image: Lineage) -> Iterator[Attached]:
    if layer.size > MAX_DOCUMENT:
        yield Attached(layer.digest, b"", f"larger than {MAX_DOCUMENT >> 20} MiB: unread")
        return
    try:
        data = read(blobs, layer, MAX_DOCUMENT)
    except MissingError:
        yield Attached(layer.digest, b"", _ABSENT)
        return
    if not layer.media_type.startswith(_ATTESTATIONS):
        yield Attached(layer.digest, data)
        return
    try:
        found = attestation.read(jsondoc.load(data))
    except FormatError as error:
        yield Attached(layer.digest, b"", str(error))
        return
    if not found.document:
        return  # provenance, a scan's result: no SBOM
    if found.subjects.isdisjoint(image.digests):
        about = printable(", ".join(sorted(found.subjects)), 200) or "nothing"
        yield Attached(layer.digest, b"", f"it is about {about}, and not about this image")
        return
    yield Attached(layer.digest, found.document)
