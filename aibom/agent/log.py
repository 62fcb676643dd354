"""What an agent tells of itself: one line each, on stderr, that nobody can forge or flood."""

import sys
import time
from collections.abc import Callable
from threading import RLock
from typing import Literal, TextIO, TypeVar

from aibom.agent.config.settings import Logging
from aibom.agent.logline import Field, line_of
from aibom.agent.streams import write_line

Level = Literal["debug", "info", "warning", "error"]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_RANKS = {"debug": 0, "info": 1, "warning": 2, "error": 3}

#: How often one message is told within a minute.
MOST = 10
_WINDOW = 60.0
# messages and keys that are remembered at most
_REMEMBERED = 500


class _Window:
    """How often a message was told since a moment, and how often it was kept back."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.told = 0
        self.kept_back = 0


class Log:
    """Writes lines for people or for programs. Nothing that happens to a line is raised.

    May be used by several threads at once. Messages are texts of the program's own; what comes
    from elsewhere belongs into fields.
    """

    def __init__(
        self,
        settings: Logging,
        stream: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to ``stream``; None is the process's stderr, whatever that is at the time."""
        self._settings, self._stream = settings, stream
        self._clock, self._monotonic = clock, monotonic
        # a signal handler may log while its own thread does
        self._lock = RLock()
        self._windows: dict[tuple[Level, str], _Window] = {}
        self._standing: dict[str, str] = {}
        self.lost = 0
        """Lines that could not be written."""

    def reload(self, settings: Logging) -> None:
        """Go on with other settings."""
        with self._lock:
            self._settings = settings

    def debug(self, message: str, /, **fields: Field) -> None:
        """Tell what only a developer wants to know."""
        self._tell("debug", message, fields)

    def info(self, message: str, /, **fields: Field) -> None:
        """Tell what happened as it should."""
        self._tell("info", message, fields)

    def warning(self, message: str, /, **fields: Field) -> None:
        """Tell what an administrator should look at some day."""
        self._tell("warning", message, fields)

    def error(self, message: str, /, **fields: Field) -> None:
        """Tell what does not work."""
        self._tell("error", message, fields)

    def once(self, key: str, message: str, /, *, as_: Level = "warning", **fields: Field) -> None:
        """Tell something that lasts, such as a full disk: once, until ``clear`` with its key."""
        with self._lock:
            if key not in self._standing:
                _remember(self._standing, key, message)
                self._tell(as_, message, fields)

    def clear(self, key: str, /, **fields: Field) -> None:
        """Tell that something is over, if it was told of by ``once``."""
        with self._lock:
            message = self._standing.pop(key, None)
            if message is not None:
                self._tell("info", f"over: {message}", fields)

    def close(self) -> None:
        """Tell how often messages were kept back that nobody was told of yet."""
        with self._lock:
            self._end_windows(float("inf"))

    def _tell(self, level: Level, message: str, fields: dict[str, Field]) -> None:
        with self._lock:
            if _RANKS[level] < _RANKS[self._settings.level]:
                return
            now = self._monotonic()
            self._end_windows(now)
            window = self._windows.get((level, message))
            if window is None:
                window = _remember(self._windows, (level, message), _Window(now))
            if window.told >= MOST:
                window.kept_back += 1
                return
            window.told += 1
            self._write(level, message, fields)

    def _end_windows(self, now: float) -> None:
        """Forget messages whose minute is over, and say how often they were kept back."""
        over = [key for key, window in self._windows.items() if now - window.since >= _WINDOW]
        for level, message in over:
            window = self._windows.pop((level, message))
            if window.kept_back:
                self._write(level, message, {"kept_back": window.kept_back})

    def _write(self, level: Level, message: str, fields: dict[str, Field]) -> None:
        stream = self._stream or sys.stderr
        if self.lost:
            fields = fields | {"lines_lost": self.lost}
        line = line_of(self._settings.format, self._clock(), level, message, fields)
        self.lost = 0 if write_line(stream, line) else self.lost + 1


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Put a value into a dictionary of bounded size, whose oldest entry goes."""
    if len(known) >= _REMEMBERED:
        del known[next(iter(known))]
    known[key] = value
    return value
