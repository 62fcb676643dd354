"""Another process's memory, read without stopping it: process_vm_readv(2), else /proc/PID/mem."""

import ctypes
import errno
import os
import struct
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from aibom.formats.cpython.memory import Span
from aibom.observe.host.reading import at_most

# UIO_MAXIOV of include/uapi/linux/uio.h
_MAX_VECTORS = 1024
# how the kernel names huge pages and shared memory that have no file of anybody's
_NAMELESS = (b"/anon_hugepage (deleted)", b"/dev/zero (deleted)")
#: Times that one ProcessMemory looks for new mappings because an address lies in none it knows.
_MAX_REFRESHES = 4

#: Most bytes of /proc/PID/maps that are read.
_MAX_MAPS = 32 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_libc.process_vm_readv.restype = ctypes.c_ssize_t
_libc.process_vm_readv.argtypes = [
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_ulong,
]


class Image(NamedTuple):
    """A mapped file as /proc/PID/maps identifies it; ``device`` is ``major:minor`` in decimal."""

    device: str
    inode: int


class ProcessMemory:
    """The memory of one process; implements the protocol aibom.formats.cpython.memory.Memory."""

    def __init__(self, procfs: str, pid: int) -> None:
        """Read the memory of process ``pid`` of ``procfs``."""
        self._pid = pid
        self._folder = f"{procfs}/{pid}"
        self._descriptor = -1
        self._images: frozenset[Image] | None = None
        self._bounds: list[int] = []
        self._refreshes_left = _MAX_REFRESHES
        # the call takes process ids of our own namespace, and another procfs has other ids
        self._by_call = _is_our_namespace(procfs)

    def close(self) -> None:
        """Let go of what was opened."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def restrict(self, images: frozenset[Image]) -> None:
        """Read from now on only memory without a file, and what is mapped of ``images``.

        No Python object lies elsewhere. Touching a page of a file on a network or user-space
        file system may take as long as its server pleases.
        """
        if images != self._images:
            self._images = images
            self._refresh(images)

    def _refresh(self, images: frozenset[Image]) -> None:
        with open(f"{self._folder}/maps", "rb") as file:
            self._bounds = _bounds(at_most(file, _MAX_MAPS), images)

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes, or b"" when they cannot all be read. Raises OSError."""
        return self.read_many((Span(address, size),))[0]

    def read_many(self, spans: Sequence[Span]) -> list[bytes]:
        """Return the bytes of each span, b"" for one that cannot be read in full."""
        if self._images is not None:
            spans = self._refuse_files(spans, self._images)
        found: list[bytes] = []
        while len(found) < len(spans):
            found += self._some(spans[len(found) : len(found) + _MAX_VECTORS])
        return found

    def _refuse_files(self, spans: Sequence[Span], images: frozenset[Image]) -> Sequence[Span]:
        outside = [at for at, span in enumerate(spans) if not _holds(self._bounds, span)]
        if outside and self._refreshes_left:
            self._refreshes_left -= 1
            self._refresh(images)
            outside = [at for at in outside if not _holds(self._bounds, spans[at])]
        if outside:
            spans = list(spans)
            for at in outside:
                # nothing is mapped there
                spans[at] = Span(0, spans[at].size)
        return spans

    def _some(self, spans: Sequence[Span]) -> list[bytes]:
        """Read the first of ``spans`` at least."""
        if self._by_call:
            try:
                return _gather(self._pid, spans)
            except OSError as error:
                # a seccomp filter may forbid the call where /proc/PID/mem is allowed
                if error.errno not in (errno.EPERM, errno.ENOSYS):
                    raise
                self._by_call = False
        return [self._pread(span) for span in spans]

    def _pread(self, span: Span) -> bytes:
        if self._descriptor < 0:
            self._descriptor = os.open(f"{self._folder}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(self._descriptor, span.size, span.address)
        except OSError as error:
            if error.errno == errno.EIO:
                return b""
            raise
        return data if len(data) == span.size else b""


def _is_our_namespace(procfs: str) -> bool:
    try:
        return os.readlink(f"{procfs}/self") == str(os.getpid())
    except OSError:
        return False


def _bounds(maps: bytes, images: frozenset[Image]) -> list[int]:
    """Return where readable memory begins, ends, begins again, ... in ascending order."""
    bounds = [0]
    inodes = {b"%d" % image.inode for image in images}
    for line in maps.split(b"\n"):
        # range, permissions, offset, device, inode, path
        fields = line.split(None, 5)
        if len(fields) < 5 or not fields[1].startswith(b"r"):
            continue
        nameless = fields[4] == b"0" or fields[-1] in _NAMELESS
        if nameless or (fields[4] in inodes and _image(fields) in images):
            start, end = (int(address, 16) for address in fields[0].split(b"-"))
            if bounds[-1] == start:
                bounds[-1] = end
            else:
                bounds += [start, end]
    return bounds[1:]


def _image(fields: list[bytes]) -> Image:
    major, minor = fields[3].split(b":")
    return Image(f"{int(major, 16)}:{int(minor, 16)}", int(fields[4]))


def _holds(bounds: list[int], span: Span) -> bool:
    at = bisect_right(bounds, span.address)
    return at % 2 == 1 and span.address + span.size <= bounds[at]


def _gather(pid: int, spans: Sequence[Span]) -> list[bytes]:
    """Read spans in one call, up to and including the first that cannot be read."""
    ends = list(accumulate([span.size for span in spans], initial=0))
    buffer = ctypes.create_string_buffer(ends[-1] or 1)
    local = struct.pack("2Q", ctypes.addressof(buffer), ends[-1])
    remote = struct.pack(f"{2 * len(spans)}Q", *chain.from_iterable(spans))
    count = _libc.process_vm_readv(pid, local, 1, remote, len(spans), 0)
    if count < 0:
        code = ctypes.get_errno()
        if code != errno.EFAULT:
            raise OSError(code, os.strerror(code))
        return [b""]
    data = ctypes.string_at(buffer, count)
    whole = bisect_right(ends, count) - 1
    found = [data[start:end] for start, end in pairwise(ends[: whole + 1])]
    return found if whole == len(spans) else [*found, b""]
