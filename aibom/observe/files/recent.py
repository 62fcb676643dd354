"""Memory with an end: what was learnt last is kept, what was learnt first goes."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary of at most ``size`` entries; the oldest one makes room for a new one."""

    def __init__(self, size: int) -> None:
        """Keep at most ``size`` entries."""
        self._size = size
        self._entries: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what is known of ``key``, or None."""
        return self._entries.get(key)

    def keep(self, wanted: Callable[[K], bool]) -> None:
        """Forget all entries but those whose key is ``wanted``."""
        self._entries = {key: value for key, value in self._entries.items() if wanted(key)}

    def put(self, key: K, value: V) -> V:
        """Remember ``value`` and return it."""
        if key not in self._entries and len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value
        return value
