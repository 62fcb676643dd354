"""A part of a file as a ByteSource of its own."""

from aibom.formats.source import ByteSource


class Window:
    """Serves the bytes of ``source`` from ``offset`` on, ``size`` of them, as if they were all."""

    def __init__(self, source: ByteSource, offset: int, size: int) -> None:
        """Read from ``source``, whose budget holds here too; the part may reach beyond its end."""
        self._source = source
        self._offset = offset
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset`` of the part; see ByteSource.read."""
        length = min(length, self.size - offset)
        return self._source.read(self._offset + offset, length) if offset >= 0 < length else b""
