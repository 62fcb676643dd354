"""Memory that nobody needs any more, for everybody else on the node."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give the kernel back what was freed: glibc's malloc keeps it (malloc_trim(3)).

    Another C library may have no such function, and then nothing happens.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
