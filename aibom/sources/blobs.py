"""Where an image's blobs come from: a layout, an archive, a content store, a registry."""

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from aibom.formats.containers.oci import Descriptor
from aibom.sources.errors import SourceError


class Blobs(Protocol):
    """A place that keeps blobs under their digests."""

    def resolve(self, reference: str) -> Descriptor:
        """Return the root that ``reference`` names: an index or a manifest.

        An empty reference is the only image, or the default one. Raises SourceError.
        """
        ...

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of the blob; whoever opens it closes it.

        Its size is bounded by the descriptor's, and its digest is checked when its end is read:
        reading raises SourceError on a mismatch, a truncation or a surplus. Raises SourceError
        where there is no such blob.
        """
        ...


def read(blobs: Blobs, descriptor: Descriptor, limit: int) -> bytes:
    """Return a whole blob of at most ``limit`` bytes, its digest checked. Raises SourceError."""
    if descriptor.size > limit:
        raise SourceError(f"{descriptor.digest}: {descriptor.size} bytes, more than {limit}")
    with blobs.open(descriptor) as stream:
        return stream.read()


class Paced:
    """Blobs that are read no faster than somebody lets them be; see Blobs."""

    def __init__(self, blobs: Blobs, pace: Callable[[int], None]) -> None:
        """Call ``pace`` with the bytes of each read; what it raises ends the reading."""
        self._blobs, self._pace = blobs, pace

    def resolve(self, reference: str) -> Descriptor:
        """Return the root that ``reference`` names."""
        return self._blobs.resolve(reference)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of the blob."""
        raw = _PacedStream(self._blobs.open(descriptor), self._pace)
        return cast("BinaryIO", io.BufferedReader(raw, 1 << 18))


class _PacedStream(io.RawIOBase):
    def __init__(self, stream: BinaryIO, pace: Callable[[int], None]) -> None:
        super().__init__()
        self._stream, self._pace = stream, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._pace(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def checked(stream: BinaryIO, descriptor: Descriptor) -> BinaryIO:
    """Return ``stream``, which it owns, with size and digest checked as Blobs.open promises."""
    return cast("BinaryIO", io.BufferedReader(_Checked(stream, descriptor), 1 << 18))


class _Checked(io.RawIOBase):
    def __init__(self, stream: BinaryIO, descriptor: Descriptor) -> None:
        super().__init__()
        self._stream, self._descriptor = stream, descriptor
        self._left = descriptor.size
        algorithm, _, self._wanted = descriptor.digest.partition(":")
        # "" is what was put together here, and has no digest to be held against
        self._hash = hashlib.new(algorithm) if algorithm else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        # one byte more than is left shows a surplus
        data = self._stream.read(min(len(buffer), self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise SourceError(f"{self._name}: longer than the {self._descriptor.size} bytes said")
        if self._hash:
            self._hash.update(data)
        if not data:
            self._at_end()
        buffer[: len(data)] = data
        return len(data)

    def _at_end(self) -> None:
        if self._left:
            size = self._descriptor.size
            raise SourceError(f"{self._name}: ends after {size - self._left} of {size} bytes")
        if self._hash and self._hash.hexdigest() != self._wanted:
            found = f"{self._hash.name}:{self._hash.hexdigest()}"
            raise SourceError(f"{self._name}: the content has another digest, {found}")

    @property
    def _name(self) -> str:
        return self._descriptor.digest or self._descriptor.media_type

    def close(self) -> None:
        self._stream.close()
        super().close()
