"""Bounded random access to bytes that somebody else controls."""

from typing import Protocol


class FormatError(ValueError):
    """The bytes claim to be of a format and are not: truncated, lying or beyond our caps.

    The message is one short phrase for people, without a path ("tensor count 2^63 exceeds the
    file"); the caller knows the path.
    """


class ByteSource(Protocol):
    """A file's content, read by offset and under a budget.

    ``size`` is the length of the content in bytes.
    """

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset``; fewer at the end of the content.

        Raises FormatError when the source's budget of bytes to read is used up.
        """
        ...


class MemorySource:
    """A ByteSource over bytes in memory, with the same budget rule as one over a file."""

    def __init__(self, data: bytes, budget: int = 64 << 20) -> None:
        """Serve ``data``; refuse to hand out more than ``budget`` bytes in all."""
        self._data = data
        self._left = budget

    @property
    def size(self) -> int:
        """Length of the data in bytes."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset``; see ByteSource.read."""
        chunk = self._data[max(offset, 0) : max(offset, 0) + max(length, 0)]
        self._left -= len(chunk)
        if self._left < 0:
            raise FormatError("read budget used up")
        return chunk


def exactly(source: ByteSource, offset: int, length: int, what: str) -> bytes:
    """Read exactly ``length`` bytes, or raise FormatError that names ``what`` is cut off."""
    data = source.read(offset, length)
    if len(data) != length:
        raise FormatError(f"truncated in {what}")
    return data
