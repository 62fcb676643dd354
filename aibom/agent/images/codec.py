"""What images promise as bytes on disk, and back."""

import json
import sys
from dataclasses import replace

import msgspec

from aibom.types.declared import Document
from aibom.types.imagefiles import Columns, ImageFiles

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Most bytes of an image's documents before they are compressed.
MAX_BYTES = 256 << 20
_LEVEL: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 1,
    zstd.CompressionParameter.checksum_flag: 1,
}
_MSGPACK, _JSON = b"m", b"j"
_Kept = list[tuple[Document, Columns]]


class DamagedError(Exception):
    """What is stored is not what this version of aibom stores, or too much of it."""


def packed(documents: tuple[Document, ...]) -> bytes:
    """Return documents as bytes. Raises DamagedError for what is too large to be read back."""
    kept = [(replace(d, files={}), ImageFiles(d.files.items()).columns) for d in documents]
    try:
        data = _MSGPACK + msgspec.msgpack.encode(kept)
    except UnicodeEncodeError:
        # paths that are no UTF-8 are held with surrogates, which only JSON can escape
        data = _JSON + json.dumps(msgspec.to_builtins(kept)).encode()
    if len(data) > MAX_BYTES:
        raise DamagedError(f"more than {MAX_BYTES >> 20} MiB")
    return zstd.compress(data, options=_LEVEL)


def unpacked(data: bytes) -> tuple[Document, ...]:
    """Return the documents that ``packed`` made ``data`` of. Raises DamagedError."""
    reader = zstd.ZstdDecompressor()
    try:
        plain = reader.decompress(data, MAX_BYTES + 1)
        if not reader.eof:
            raise DamagedError("cut off, or too large")
        kept = _decoded(plain)
        return tuple(replace(d, files=ImageFiles.of(columns)) for d, columns in kept)
    except (zstd.ZstdError, ValueError, RecursionError) as error:
        raise DamagedError(str(error)) from None


def _decoded(plain: bytes) -> _Kept:
    if plain[:1] == _MSGPACK:
        return msgspec.msgpack.decode(memoryview(plain)[1:], type=_Kept)
    if plain[:1] != _JSON:
        raise DamagedError("of another form")
    return msgspec.convert(json.loads(plain[1:]), type=_Kept)
