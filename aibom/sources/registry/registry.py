"""An image in a registry, as a place of blobs."""

import hashlib
import io
from collections.abc import Mapping
from typing import BinaryIO

import requests

from aibom.formats.containers import oci
from aibom.formats.containers.oci import INDEXES, MANIFESTS, MAX_DOCUMENT, Descriptor, is_digest
from aibom.formats.containers.reference import TAG, Reference
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.sources.blobs import checked
from aibom.sources.errors import MissingError, SourceError
from aibom.sources.registry.body import stream
from aibom.sources.registry.client import Client
from aibom.sources.registry.sender import joined

#: Pages of an answer about referrers that are read.
MAX_PAGES = 20

_ACCEPT = ", ".join(sorted(INDEXES | MANIFESTS))
_KEPT = 32


class Registry:
    """The blobs of one repository."""

    def __init__(self, image: Reference, client: Client) -> None:
        """Ask ``client`` for what belongs to ``image``."""
        self._image, self._client = image, client
        # manifests are asked for by tag and then read by digest; the last few are kept
        self._manifests: dict[str, bytes] = {}

    def resolve(self, reference: str) -> Descriptor:
        """Return the index or manifest of a tag or digest; "" is the one that the image names.

        Raises MissingError where there is none, SourceError for other trouble.
        """
        wanted = reference or self._image.target
        if not TAG.fullmatch(wanted) and not is_digest(wanted):
            raise SourceError(f"{printable(wanted, 100)!r} is no tag or digest")
        try:
            response = self._client.get(f"manifests/{wanted}", _ACCEPT)
        except MissingError as error:
            raise MissingError(f"{error}: {self._image.repository} has no {wanted}") from None
        data = self._client.body(response, MAX_DOCUMENT)
        digest = _digest_of(data, wanted, response.headers)
        self._keep(digest, data)
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        return Descriptor(printable(media_type, 200), digest, len(data))

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a blob, checked to its end; see Blobs.open."""
        if descriptor.digest in self._manifests:
            data = self._manifests[descriptor.digest]
            return checked(io.BytesIO(data), descriptor)
        manifest = descriptor.media_type in INDEXES | MANIFESTS
        if manifest and descriptor.size > MAX_DOCUMENT:
            raise SourceError(f"{descriptor.digest}: a manifest of more than {MAX_DOCUMENT} bytes")
        kind = "manifests" if manifest else "blobs"
        accept = descriptor.media_type if manifest else "*/*"
        response = self._client.get(f"{kind}/{descriptor.digest}", accept)
        self._check_length(response, descriptor)
        return checked(stream(response, descriptor.size), descriptor)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """Return the manifests whose subject is the one of this digest.

        By the API of OCI distribution v1.1, and by its fallback tag where the registry has no
        such API. Raises SourceError.
        """
        try:
            return self._listed(f"referrers/{digest}")
        except MissingError:
            pass
        try:
            index = self.resolve(digest.replace(":", "-"))
        except MissingError:
            return ()
        return _manifests(self._manifests[index.digest], index.media_type)

    def _listed(self, path: str) -> tuple[Descriptor, ...]:
        found: list[Descriptor] = []
        for _ in range(MAX_PAGES):
            response = self._client.get(path, oci.INDEX)
            following = response.links.get("next", {}).get("url", "")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
            data = self._client.body(response, MAX_DOCUMENT)
            if media_type != oci.INDEX:
                # something answers every path with a page of its own
                raise MissingError("no referrers API")
            found += _manifests(data, media_type)
            if not following:
                return tuple(found)
            path = joined(response.url, following)
        raise SourceError(f"{self._image.registry}: lists referrers without an end")

    def _keep(self, digest: str, data: bytes) -> None:
        self._manifests[digest] = data
        while len(self._manifests) > _KEPT:
            del self._manifests[next(iter(self._manifests))]

    def _check_length(self, response: requests.Response, descriptor: Descriptor) -> None:
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length[:20]) != descriptor.size:
            response.close()
            raise SourceError(
                f"{self._image.registry}: {descriptor.digest} has {length[:20]} bytes there, "
                f"and should have {descriptor.size}"
            )


def _digest_of(data: bytes, wanted: str, headers: Mapping[str, str]) -> str:
    """Return a manifest's digest: the one that was asked for or promised, once it is found true."""
    promised = wanted if is_digest(wanted) else headers.get("Docker-Content-Digest", "")
    if not is_digest(promised):
        return f"sha256:{hashlib.sha256(data).hexdigest()}"
    algorithm = promised.partition(":")[0]
    digest = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    if digest != promised:
        raise SourceError(f"the manifest of {wanted} has another content than {promised}")
    return digest


def _manifests(data: bytes, media_type: str) -> tuple[Descriptor, ...]:
    try:
        return oci.parse_index(data, media_type)
    except FormatError as error:
        raise SourceError(f"the list of referrers: {error}") from None
