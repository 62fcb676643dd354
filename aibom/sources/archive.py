"""Images in one tar file: an OCI image layout, or what ``docker save`` writes.

The archive is not unpacked. A compressed one is read anew from its beginning for every blob that
lies before the last one that was read.
"""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, cast

from aibom.formats.containers import dockersave, oci, tar
from aibom.formats.containers.oci import Descriptor
from aibom.formats.source import FormatError
from aibom.sources import blobs, layers
from aibom.sources.errors import MissingError, SourceError
from aibom.sources.files import open_file
from aibom.sources.layout import Index

#: Most members of an archive; an image has one for each layer and a few more.
MAX_MEMBERS = 100_000
_MAX_LINKS = 5
_CHUNK = 1 << 18


class Archive:
    """The members of a tar file, by name. Links among them are followed, and no others."""

    def __init__(self, path: str) -> None:
        """List the members of the tar at ``path``, compressed or not. Raises SourceError."""
        self._path = path
        self._file = self._open()
        self._members: dict[str, tar.Entry] = {}
        try:
            for entry, _ in tar.entries(self._file):
                name = os.path.normpath("/" + entry.path).lstrip("/")
                if entry.kind == "folder" or not name:
                    continue
                if name in self._members or len(self._members) == MAX_MEMBERS:
                    raise SourceError(f"two members {name}, or more than {MAX_MEMBERS:,}")
                self._members[name] = entry
        except FormatError as error:
            raise SourceError(str(error)) from None

    def __contains__(self, name: str) -> bool:
        """Say whether there is a file or a link of a name."""
        return name in self._members

    def size(self, name: str) -> int:
        """Return the size of a member in bytes."""
        return self._member(name).size

    def open(self, name: str) -> BinaryIO:
        """Return a stream of a member. Raises SourceError when there is none."""
        member = self._member(name)
        region = _Region(self._file, member.offset, member.size)
        return cast("BinaryIO", io.BufferedReader(region, _CHUNK))

    def read(self, name: str) -> bytes:
        """Return the content of a member that is an index, a manifest or the like."""
        if self.size(name) > oci.MAX_DOCUMENT:
            raise SourceError(f"{name}: larger than {oci.MAX_DOCUMENT >> 20} MiB")
        with self.open(name) as stream:
            return stream.read()

    def _member(self, name: str) -> tar.Entry:
        for _ in range(_MAX_LINKS):
            member = self._members.get(os.path.normpath("/" + name).lstrip("/"))
            if member is None:
                raise MissingError(f"no {name} in the archive")
            if member.kind == "file" and member.whole:
                return member
            # a hard link's target is a member's name, a symbolic one's is relative to the link
            base = os.path.dirname(name) if member.kind == "symlink" else ""
            name = os.path.join("/", base, member.target)
        raise SourceError(f"{name} is no file in the archive")

    def _open(self) -> BinaryIO:
        with open_file(self._path) as file:
            size = os.fstat(file.fileno()).st_size
            plain = not layers.is_compressed(file)
        if plain:
            return open_file(self._path)
        limit = max(layers.FREE_IMAGE, layers.MAX_RATIO * size)
        again = _Again(lambda: layers.Unpacked(open_file(self._path), self._path, limit))
        return cast("BinaryIO", io.BufferedReader(again, _CHUNK))


class _Again(io.RawIOBase):
    """A stream that begins anew when it is to go back."""

    def __init__(self, begin: Callable[[], layers.Unpacked]) -> None:
        super().__init__()
        self._begin = begin
        self._stream = begin()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._stream.readinto(buffer)

    def tell(self) -> int:
        return self._stream.count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        target = offset + (self._stream.count if whence == os.SEEK_CUR else 0)
        if target < self._stream.count:
            self._stream = self._begin()
        while self._stream.count < target and self._stream.read(
            min(_CHUNK, target - self._stream.count)
        ):
            continue
        return self._stream.count


class _Region(io.RawIOBase):
    """A part of a file as a stream."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        super().__init__()
        self._file, self._at, self._end = file, offset, offset + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._end:
            return 0
        if self._file.tell() != self._at:
            self._file.seek(self._at)
        data = self._file.read(min(len(buffer), self._end - self._at))
        self._at += len(data)
        buffer[: len(data)] = data
        return len(data)


class LayoutArchive:
    """An OCI image layout in a tar file."""

    def __init__(self, archive: Archive) -> None:
        """Read the index in ``archive``. Raises SourceError."""
        self._archive = archive
        self._index = Index(archive.read("index.json"))

    def resolve(self, reference: str) -> Descriptor:
        """Return what ``reference`` names in the index; see Blobs.resolve."""
        return self._index.resolve(reference)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a blob; see Blobs.open."""
        inner = self._index.open(descriptor)
        if inner:
            return inner
        name = f"blobs/{descriptor.digest.replace(':', '/')}"
        return blobs.checked(self._archive.open(name), descriptor)


class DockerSave:
    """What ``docker save`` writes: a manifest.json that names members, not digests.

    Layers are known by the digests of their uncompressed content, which the configuration has.
    """

    def __init__(self, archive: Archive) -> None:
        """Read manifest.json in ``archive``. Raises SourceError."""
        self._archive = archive
        try:
            self._images = dockersave.parse(archive.read("manifest.json"))
        except FormatError as error:
            raise SourceError(f"manifest.json: {error}") from None
        self._manifest = b""
        self._names: dict[str, str] = {}

    def resolve(self, reference: str) -> Descriptor:
        """Return a manifest put together for the image of a tag; see Blobs.resolve."""
        images = [i for i in self._images if not reference or reference in i.tags]
        if len(images) != 1:
            known = ", ".join(sorted(i.tags[0] if i.tags else i.config for i in self._images)[:10])
            raise MissingError(f"{'several images' if images else 'no such image'}; it has {known}")
        (image,) = images
        try:
            made = dockersave.manifest(
                image, self._archive.read(image.config), list(map(self._archive.size, image.layers))
            )
        except FormatError as error:
            raise SourceError(f"{image.config}: {error}") from None
        self._manifest, self._names = made.manifest, made.names
        said = {oci.IMAGE_NAME: reference or next(iter(image.tags), "")}
        return Descriptor(oci.DOCKER_MANIFEST, "", len(made.manifest), said)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a member; of a compressed layer the digest is not known."""
        if not descriptor.digest:
            return io.BytesIO(self._manifest)
        stream = self._archive.open(self._names[descriptor.digest])
        return stream if layers.is_compressed(stream) else blobs.checked(stream, descriptor)
