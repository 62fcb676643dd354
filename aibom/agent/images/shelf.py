"""What images promise, in memory: what was used last, up to a size."""

from collections.abc import Callable
from typing import Generic, TypeVar

#: How large all that is on one shelf may be (see ``Document.size``): some 25 MB.
MAX_SIZE = 80_000

_K = TypeVar("_K")
_V = TypeVar("_V")


class Shelf(Generic[_K, _V]):
    """Values with a size; those that were not used for longest make room, the newest stays."""

    def __init__(self, size: Callable[[_V], int], limit: int = MAX_SIZE) -> None:
        """Keep values whose sizes are ``limit`` in all."""
        self._size = size
        self.limit = limit
        self._kept: dict[_K, tuple[_V, int]] = {}

    def get(self, key: _K) -> _V | None:
        """Return a value, None where it is not at hand."""
        found = self._kept.pop(key, None)
        if found is None:
            return None
        self._kept[key] = found  # what was used last comes last
        return found[0]

    def put(self, key: _K, value: _V) -> _V:
        """Keep a value, and return it."""
        self._kept.pop(key, None)
        size = self._size(value)
        while self._kept and size + sum(kept for _, kept in self._kept.values()) > self.limit:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (value, size)
        return value
