"""Signals that ask the rig to end: they become an exception, and never cut a clean-up short."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def ending_as_interrupt() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise KeyboardInterrupt as SIGINT does."""
    with _handlers(_interrupt):
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """Within the block SIGINT, SIGTERM and SIGHUP wait; the first that came is raised at its end.

    In a thread other than the main one this does nothing: Python delivers no signals there.
    """
    came: list[int] = []
    with _handlers(lambda number, _frame: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def _handlers(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _ENDING}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
