"""A layer's blob to its files: decompressed, measured, digested, read once and kept nowhere."""

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, cast

from aibom.formats.containers import tar
from aibom.formats.source import FormatError
from aibom.sources.errors import SourceError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# what layers are packed with is told by their first bytes, as containerd does (RFC 1952, RFC 8878)
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after one of 16 bytes
_CHUNK = 1 << 18
#: Most bytes that one byte of a compressed layer may become. Layers of programs, texts and weights
#: become 2 to 10 times as large; gzip could do a thousand times, zstd more.
MAX_RATIO = 100
#: Bytes that a layer may become whatever its size, and those that all layers may become.
FREE_LAYER = 2 << 30
FREE_IMAGE = 8 << 30


class Budget:
    """How many bytes the layers of one image may still become."""

    def __init__(self, packed: int) -> None:
        """Allow for layers of ``packed`` bytes in all."""
        self._left = max(FREE_IMAGE, MAX_RATIO * packed)

    def of_layer(self, packed: int) -> int:
        """Return the most bytes that a layer of ``packed`` bytes may become."""
        return min(self._left, max(FREE_LAYER, MAX_RATIO * packed))

    def spend(self, count: int) -> None:
        """Take ``count`` bytes away."""
        self._left -= count


class Unpacked(io.RawIOBase):
    """The uncompressed bytes of a layer, counted and digested as they are read."""

    def __init__(self, stream: BinaryIO, name: str, limit: int) -> None:
        """Read ``stream``, called ``name`` in errors, until it has become ``limit`` bytes."""
        super().__init__()
        self._inner = _decompressor(stream)
        self._name, self._limit = name, limit
        self._hash = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        """Return True: that is what it is for."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer``. Raises SourceError for damaged or overlong content."""
        try:
            data = self._inner.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError, ValueError) as error:
            raise SourceError(f"{self._name}: damaged compression ({error})") from None
        self.count += len(data)
        if self.count > self._limit:
            raise SourceError(
                f"{self._name}: becomes more than {self._limit} bytes when it is unpacked"
            )
        self._hash.update(data)
        buffer[: len(data)] = data
        return len(data)

    @property
    def diff_id(self) -> str:
        """The digest of what was read so far; at the end that of the uncompressed layer."""
        return f"sha256:{self._hash.hexdigest()}"


def is_compressed(stream: BinaryIO) -> bool:
    """Say whether a buffered stream, which stays where it is, begins as compressed content does."""
    return _packing(stream) != ""


def _packing(stream: BinaryIO) -> str:
    head = stream.peek(4)[:4] if isinstance(stream, io.BufferedReader) else b""
    if head.startswith(_GZIP):
        return "gzip"
    if head == _ZSTD or (head[1:] == _ZSTD_SKIPPABLE and head[0] >> 4 == 5):
        return "zstd"
    return ""


def _decompressor(stream: BinaryIO) -> BinaryIO:
    buffered = stream if isinstance(stream, io.BufferedReader) else _buffered(stream)
    packing = _packing(buffered)
    if packing == "gzip":
        return cast("BinaryIO", gzip.GzipFile(fileobj=buffered, mode="rb"))
    if packing == "zstd":
        return cast("BinaryIO", zstd.ZstdFile(buffered, "rb"))
    return buffered


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", stream), _CHUNK)


@contextmanager
def unpacked(stream: BinaryIO, name: str, size: int, budget: Budget) -> Iterator[Unpacked]:
    """Give the uncompressed bytes of a layer of ``size`` bytes, and charge ``budget`` for them."""
    layer = Unpacked(stream, name, budget.of_layer(size))
    try:
        yield layer
    finally:
        budget.spend(layer.count)


def entries(layer: Unpacked, name: str) -> Iterator[tuple[tar.Entry, tar.Content]]:
    """Yield the entries of a layer that is a tar, and read it to its end. Raises SourceError."""
    stream = io.BufferedReader(layer, _CHUNK)
    try:
        yield from tar.entries(cast("BinaryIO", stream))
    except FormatError as error:
        raise SourceError(f"{name}: {error}") from None
    # what follows the end mark belongs to the digest
    while stream.read(_CHUNK):
        continue


class Digested(NamedTuple):
    """The content of an entry: its SHA-256 in hex, its beginning, and all of it if it is kept."""

    sha256: str
    head: bytes
    content: bytes | None


def digested(content: tar.Content, head: int, keep: bool) -> Digested:
    """Read an entry's content to its end; ``head`` is how many bytes of its beginning count."""
    found = hashlib.sha256()
    first, kept = b"", []
    for chunk in content.chunks():
        found.update(chunk)
        first = first or chunk[:head]
        if keep:
            kept.append(chunk)
    return Digested(found.hexdigest(), first, b"".join(kept) if keep else None)
