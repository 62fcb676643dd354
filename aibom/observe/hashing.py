"""Digest of a whole file without disturbing the workload that uses it."""

import errno
import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import psutil

_CHUNK = 1 << 20
# include/uapi/linux/fs.h, RWF_DONTCACHE (Linux 6.14): pages that the read brought in are dropped
# after it, pages that were cached before stay
_RWF_DONTCACHE = 0x80
# what a kernel or file system says that cannot do a kind of read
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


def be_idle() -> None:
    """Give this process idle I/O priority, so that it reads only when nobody else does."""
    psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def sha256_of(descriptor: int) -> str:
    """Return the SHA-256 of an open regular file in hex, reading it from start to end.

    The page cache is neither filled nor emptied: uncached reads where kernel and file system
    have them, else direct I/O, else buffered reads. POSIX_FADV_DONTNEED is never used, as it
    would throw out the pages that the workload itself has cached. Raises OSError, also when the
    file changed while it was read.
    """
    before = os.fstat(descriptor)
    digest = hashlib.sha256()
    for chunk in _chunks(descriptor, before.st_size):
        digest.update(chunk)
    after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise OSError(errno.EAGAIN, "changed while it was read")
    return digest.hexdigest()


def _chunks(descriptor: int, size: int) -> Iterator[memoryview]:
    # page-aligned memory, as direct I/O wants it
    with (
        mmap.mmap(-1, _CHUNK) as buffer,
        memoryview(buffer) as view,
        _reader(descriptor, view) as read,
    ):
        offset = 0
        while offset < size and (count := read(offset)):
            with view[:count] as chunk:
                yield chunk
            offset += count


Way = Literal["uncached", "direct", "buffered"]


def way_of(descriptor: int) -> Way:
    """Return the gentlest way of reading that an open file's kernel and file system allow."""
    with mmap.mmap(-1, mmap.PAGESIZE) as buffer, memoryview(buffer) as view:
        if _works(lambda: os.preadv(descriptor, [view], 0, _RWF_DONTCACHE)):
            return "uncached"
        direct = _open_direct(descriptor)
        if direct is None:
            return "buffered"
        try:
            return "direct" if _works(lambda: os.preadv(direct, [view], 0)) else "buffered"
        finally:
            os.close(direct)


@contextmanager
def _reader(descriptor: int, view: memoryview) -> Iterator[Callable[[int], int]]:
    """Yield a function that fills ``view`` from an offset in the gentlest way there is."""
    way = way_of(descriptor)
    if way == "direct" and (direct := _open_direct(descriptor)) is not None:
        try:
            yield lambda offset: os.preadv(direct, [view], offset)
        finally:
            os.close(direct)
        return
    flags = _RWF_DONTCACHE if way == "uncached" else 0
    yield lambda offset: os.preadv(descriptor, [view], offset, flags)


def _open_direct(descriptor: int) -> int | None:
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise


def _works(read: Callable[[], int]) -> bool:
    try:
        read()
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True
