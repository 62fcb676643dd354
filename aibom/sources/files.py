"""Regular files of this machine, opened so that nothing else can hold us."""

import os
import stat
from typing import BinaryIO

from aibom.sources.errors import MissingError, SourceError


def open_file(path: str) -> BinaryIO:
    """Return a regular file, opened for reading. Raises MissingError, else SourceError."""
    try:
        # O_NONBLOCK: a FIFO without a writer must not hold us
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MissingError(f"{path}: {error.strerror}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise SourceError(f"{path}: {reason}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SourceError(f"{path}: not a regular file")
    return os.fdopen(descriptor, "rb", buffering=1 << 18)


def whole_file(path: str, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes. Raises SourceError."""
    with open_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise SourceError(f"{path}: larger than {limit >> 20} MiB, the most that is read")
    return data
