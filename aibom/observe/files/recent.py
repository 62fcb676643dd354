"""Memory with an end: what was asked for lately is kept, the rest goes."""

import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

#: Seconds after which what nobody asked for may be forgotten.
UNUSED_SECONDS = 120.0
#: For what costs more to find out again, and what others speak of only later.
UNUSED_FOR_LONG = 3600.0
NEVER = math.inf


class Recent(Generic[K, V]):
    """A dictionary that forgets what was not asked for lately, and has ``size`` entries at most.

    It has two generations: what is put or asked for is of the young one, and when that has half of
    the entries, or is ``seconds`` old as something is put, it becomes the old one, and what is in
    that is forgotten. So an entry lasts for ``seconds`` after it was used, and twice that at most.
    """

    def __init__(
        self,
        size: int,
        seconds: float = UNUSED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep at most ``size`` entries, which is two or more."""
        self._half = size // 2
        self._seconds = seconds
        self._clock = clock
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._turn_at = clock() + seconds

    def get(self, key: K) -> V | None:
        """Return what is known of ``key``, or None."""
        value = self._young.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self.put(key, value)
        return value

    def keep(self, wanted: Callable[[K], bool]) -> None:
        """Forget all entries but those whose key is ``wanted``."""
        # another thread's question may move an entry meanwhile
        self._young = {key: value for key, value in list(self._young.items()) if wanted(key)}
        self._old = {key: value for key, value in list(self._old.items()) if wanted(key)}

    def put(self, key: K, value: V) -> V:
        """Remember ``value`` and return it."""
        if len(self._young) >= self._half or self._clock() >= self._turn_at:
            self._old, self._young = self._young, {}
            self._turn_at = self._clock() + self._seconds
        self._young[key] = value
        return value
