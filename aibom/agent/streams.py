"""A stream of lines that may be closed, full, or read by nobody."""

import os
import select
from typing import TextIO


def write_line(stream: TextIO | None, line: str) -> bool:
    """Write a line and say whether that went well. Never raises, and never waits for a reader.

    A pipe that says it can be written takes PIPE_BUF bytes at once (pipe(7)), which no line
    exceeds. Nothing is buffered, so that what failed does not come later.
    """
    if stream is None:
        return False
    data = line.encode(errors="backslashreplace")
    try:
        descriptor = _descriptor(stream)
        if descriptor is not None:
            return _is_ready(descriptor) and os.write(descriptor, data) == len(data)
        stream.write(line)
        stream.flush()
    except (OSError, ValueError):  # full, broken; closed, or of an encoding that lacks it
        return False
    return True


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):  # in memory, which io says in several ways
        return None


def _is_ready(descriptor: int) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in waiting.poll(0))
