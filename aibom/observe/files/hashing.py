"""Digest of a whole file without disturbing the workload that uses it."""

import ctypes
import errno
import hashlib
import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

import psutil

_CHUNK = 1 << 20
#: Chunks between two looks at whether the file is still what it was.
_CHECKED = 64
#: The least of the priorities that are no scheduling class of their own (setpriority(2)).
_NICEST = 19
_MAP_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
# include/uapi/linux/fs.h, RWF_DONTCACHE (Linux 6.14): pages that the read brought in are dropped
# after it, pages that were cached before stay
_RWF_DONTCACHE = 0x80
# what a kernel or file system says that cannot do a kind of read
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


#: Called with the bytes of each chunk once it is hashed; whatever it raises ends the hashing.
Pace = Callable[[int], None]


class ChangedError(OSError):
    """A file was written to while it was hashed."""

    def __init__(self) -> None:
        """Say it in the words that people read."""
        super().__init__(errno.EAGAIN, "changed while it was read")


def be_idle() -> None:
    """Give the calling thread idle I/O priority, so that it reads only when nobody else does.

    Both this and ``stand_back`` are of single threads (ioprio_set(2), setpriority(2)): what the
    main thread sets a thread that was started before does not get.
    """
    psutil.Process(threading.get_native_id()).ionice(psutil.IOPRIO_CLASS_IDLE)


def stand_back() -> None:
    """Give the calling thread idle I/O priority and the least share of the processors.

    It is not SCHED_IDLE: on a node without an idle processor that would let the thread keep
    Python's lock from the others for as long as it is not let run.
    """
    with suppress(OSError, psutil.Error):  # where the process table is not that of this thread
        be_idle()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)


def sha256_of(descriptor: int, pace: Pace | None = None) -> str:
    """Return the SHA-256 of an open regular file in hex, reading it from start to end.

    The page cache is neither filled nor emptied: uncached reads where kernel and file system
    have them, else direct I/O for what is not cached anyway, else buffered reads.
    POSIX_FADV_DONTNEED is never used, as it would throw out the pages that the workload itself
    has cached. Raises OSError, ChangedError when the file changed while it was read.
    """
    return _digest_of(descriptor, hashlib.sha256(), pace)


def git_sha1_of(descriptor: int) -> str:
    """Return the name that git gives the content of an open regular file, in hex.

    It is the SHA-1 of ``blob SIZE``, a NUL and the content (git's hash-object); read as
    ``sha256_of`` does.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % os.fstat(descriptor).st_size)
    return _digest_of(descriptor, digest)


def _digest_of(descriptor: int, digest: "hashlib._Hash", pace: Pace | None = None) -> str:
    before = _content_of(descriptor)
    for number, chunk in enumerate(_chunks(descriptor, before[0]), 1):
        digest.update(chunk)
        if pace is not None:
            pace(len(chunk))
        if number % _CHECKED == 0 and _content_of(descriptor) != before:
            raise ChangedError
    if _content_of(descriptor) != before:
        raise ChangedError
    return digest.hexdigest()


def _content_of(descriptor: int) -> tuple[int, int, int]:
    """Return what a file's content is known by: size, and the times of the last changes."""
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


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

        def read(offset: int) -> int:
            # what the workload has in the cache need not be fetched from the disk again
            cached = _resident(descriptor, offset)
            return os.preadv(descriptor if cached else direct, [view], offset)

        try:
            yield read
        finally:
            os.close(direct)
        return
    flags = _RWF_DONTCACHE if way == "uncached" else 0
    yield lambda offset: os.preadv(descriptor, [view], offset, flags)


def _resident(descriptor: int, offset: int) -> bool:
    """Say whether the chunk at ``offset`` is wholly in the page cache; a wrong no costs a read.

    mincore(2) looks at the mapping of the layer's own file, where cachestat(2) would look at the
    overlay's, which holds nothing. No page is touched, so a truncated file does no harm.
    """
    length = min(_CHUNK, os.fstat(descriptor).st_size - offset)
    if length <= 0:
        return False
    address = _libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, offset)
    if address in (None, _MAP_FAILED):
        return False
    pages = -(-length // mmap.PAGESIZE)
    present = (ctypes.c_ubyte * pages)()
    try:
        return _libc.mincore(address, length, present) == 0 and all(p & 1 for p in present)
    finally:
        _libc.munmap(address, length)


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
