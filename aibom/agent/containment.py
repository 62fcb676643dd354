"""Parts that may fail without the others: counted, and said."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aibom.agent.log import Log


class Containment:
    """Counts what went wrong by the part of the agent in which it did."""

    def __init__(self, log: Log) -> None:
        """Say what went wrong in ``log``."""
        self._log = log
        self.failures: Counter[str] = Counter()

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Let a part fail alone."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - nobody is there to start the agent again
            self.fails(part, error)

    def fails(self, part: str, error: Exception) -> None:
        """Take note that a part failed."""
        self.failures[part] += 1
        self._log.error(f"{part} failed", error=f"{type(error).__name__}: {error}")
