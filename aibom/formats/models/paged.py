"""A ByteSource that reads in pages, for formats whose structure lies between their weights."""

from aibom.formats.source import ByteSource

# Small, because a model keeps a few dozen bytes of structure before each tensor's weights, and
# what is read along with them counts against the source's budget.
PAGE = 1024

# 64 KiB in all. More than one, because a flatbuffer's table, vtable and vectors lie apart.
KEPT_PAGES = 64


class Paged:
    """Serves many small reads nearby from few reads of the source behind it."""

    def __init__(self, source: ByteSource) -> None:
        """Read from ``source``, whose budget and size hold here too."""
        self._source = source
        self._pages: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes at ``offset``; see ByteSource.read."""
        end = min(offset + length, self.size)
        if not 0 <= offset < end:
            return b""
        first = offset // PAGE
        last = (end - 1) // PAGE
        data = b"".join(self._page(number) for number in range(first, last + 1))
        return data[offset - first * PAGE : end - first * PAGE]

    def _page(self, number: int) -> bytes:
        page = self._pages.get(number)
        if page is None:
            page = self._source.read(number * PAGE, PAGE)
            if len(self._pages) >= KEPT_PAGES:
                del self._pages[next(iter(self._pages))]
            self._pages[number] = page
        return page
