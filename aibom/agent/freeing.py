"""Memory that nobody needs any more, for everybody else on the node.

All of it is asked of glibc's malloc. Another C library may not understand: nothing happens then.
"""

import ctypes
from contextlib import suppress

# malloc.h of glibc: parameters of mallopt(3)
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
#: Bytes from which a block is mapped by itself, and unmapped when it is freed. Left alone, malloc
#: raises that to the size of the largest one it ever freed, and a BOM may have megabytes.
_MAPPED = 128 * 1024


def be_sparing() -> None:
    """Let malloc keep little of what is freed; before any thread is started."""
    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)
        # one heap for all threads: only one of them runs Python at a time
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give the kernel back what was freed and is kept all the same (malloc_trim(3))."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
