"""The start of a compressed file's content, bounded in what it reads and what it makes."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aibom.formats.models import lz4_frame
from aibom.formats.source import ByteSource

_INPUT_CAP = 4 << 20
_CHUNK = 64 << 10
_LZMA_MEMORY = 128 << 20  # xz -9 needs 65 MiB


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# Magic bytes, and what reads what follows them. The names are joblib's (joblib/compressor.py);
# zlib's two bytes are RFC 1950's with the four usual levels.
_METHODS: tuple[tuple[str, tuple[bytes, ...], Callable[[], _Decompressor]], ...] = (
    ("zlib", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), zlib.decompressobj),
    ("gzip", (b"\x1f\x8b\x08",), lambda: zlib.decompressobj(16 + zlib.MAX_WBITS)),  # RFC 1952
    ("bz2", (b"BZh",), bz2.BZ2Decompressor),
    ("xz", (b"\xfd7zXZ\x00",), lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
    ("lzma", (b"\x5d\x00\x00",), lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The first bytes of the content, how they were compressed, and whether they are all."""

    method: str
    data: bytes
    complete: bool


def method_of(head: bytes) -> str | None:
    """Return the name of the compression that a file starting with ``head`` may have, or None."""
    if head.startswith(lz4_frame.MAGIC):
        return "lz4"
    return next((name for name, magics, _ in _METHODS if head.startswith(magics)), None)


def unpack(source: ByteSource, cap: int) -> Unpacked | None:
    """Return the first ``cap`` bytes, at most, of a compressed file's content.

    None when its compression is not known. A broken stream gives what stands before the break.
    """
    head = source.read(0, 8)
    if head.startswith(lz4_frame.MAGIC):
        return Unpacked("lz4", *lz4_frame.unpack(source, cap))
    for name, magics, decompressor in _METHODS:
        if head.startswith(magics):
            return Unpacked(name, *_decompress(source, decompressor(), cap))
    return None


def _decompress(source: ByteSource, decompressor: _Decompressor, cap: int) -> tuple[bytes, bool]:
    out = bytearray()
    position = 0
    try:
        while not decompressor.eof and len(out) < cap and position < _INPUT_CAP:
            chunk = source.read(position, _CHUNK)
            if not chunk:
                break
            position += len(chunk)
            out += decompressor.decompress(chunk, cap - len(out))
    except (zlib.error, lzma.LZMAError, OSError):  # OSError is bz2's
        return bytes(out), False
    return bytes(out), decompressor.eof
