"""Reading a file whose length nobody vouches for: the kernel's have none, others may grow."""

from typing import BinaryIO

_CHUNK = 1 << 16


def at_most(file: BinaryIO, limit: int) -> bytes:
    """Return what is left of a file, ``limit`` bytes at most. Raises OSError.

    One large read would make room for ``limit`` bytes each time.
    """
    chunks = []
    while limit > 0 and (chunk := file.read(min(limit, _CHUNK))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)
