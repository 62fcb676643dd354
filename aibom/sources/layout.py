"""Folders of blobs: an OCI image layout (image-spec, image-layout.md), containerd's content."""

import io
import os
from typing import BinaryIO

from aibom.formats.containers import oci
from aibom.formats.containers.oci import Descriptor
from aibom.formats.source import FormatError
from aibom.sources import blobs
from aibom.sources.errors import MissingError, SourceError
from aibom.sources.files import open_file, whole_file


class BlobFolder:
    """Blobs as files ``ALGORITHM/HEX`` below a folder."""

    def __init__(self, folder: str) -> None:
        """Serve the blobs below ``folder``."""
        self._folder = folder

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a blob; see Blobs.open."""
        file = open_file(self.path(descriptor.digest))
        return blobs.checked(file, descriptor)

    def path(self, digest: str) -> str:
        """Return where the blob of a digest lies. Raises SourceError for what is no digest."""
        if not oci.is_digest(digest):
            raise SourceError(f"{digest}: no digest")
        return os.path.join(self._folder, *digest.split(":"))


class Layout(BlobFolder):
    """An OCI image layout in a folder."""

    def __init__(self, folder: str) -> None:
        """Read the index of the layout in ``folder``. Raises SourceError."""
        super().__init__(os.path.join(folder, "blobs"))
        self._index = Index(whole_file(os.path.join(folder, "index.json"), oci.MAX_DOCUMENT))

    def resolve(self, reference: str) -> Descriptor:
        """Return what ``reference`` names in the index; see Blobs.resolve."""
        return self._index.resolve(reference)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a blob, or of the index itself; see Blobs.open."""
        return self._index.open(descriptor) or super().open(descriptor)


class Index:
    """The index.json of a layout, which has no digest that anything refers to."""

    def __init__(self, data: bytes) -> None:
        """Read the index in ``data``. Raises SourceError."""
        self._data = data
        try:
            self._entries = oci.parse_index(data, oci.INDEX)
        except FormatError as error:
            raise SourceError(f"index.json: {error}") from None

    def resolve(self, reference: str) -> Descriptor:
        """Return the entry of this name, tag or digest; without a name the only one, or all."""
        entries = [e for e in self._entries if not oci.is_attestation(e)]
        if reference:
            entries = [e for e in entries if reference in _names(e)]
            if not entries:
                known = sorted({oci.name_of(e) or e.digest for e in self._entries})
                raise MissingError(f"no image {reference}; there is {', '.join(known[:10])}")
        if len({e.digest for e in entries}) == 1:
            return entries[0]
        return Descriptor(oci.INDEX, "", len(self._data))

    def open(self, descriptor: Descriptor) -> BinaryIO | None:
        """Return a stream of the index where it is what ``descriptor`` means."""
        return None if descriptor.digest else io.BytesIO(self._data)


def _names(entry: Descriptor) -> set[str]:
    name = oci.name_of(entry)
    tag = entry.annotations.get(oci.REFERENCE_NAME, "")
    return {name, tag, entry.digest} - {""}
