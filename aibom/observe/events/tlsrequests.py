"""Requests inside TLS: where processes that use OpenSSL send them, seen before encryption.

Opt-in. Uprobes stand where plain text is handed to OpenSSL; the kernel compares the first four
bytes with HTTP/1's methods and drops everything else. Of what is left, method, host and path are
cut out here, and the rest is wiped: the same bytes hold the Authorization header.

Blind: HTTP/2 and HTTP/3 (compressed headers), other TLS libraries (rustls, GnuTLS, NSS, Go's),
OpenSSL linked in without exported symbols, SSL_write_ex2 when called directly, programs that hand
over a request in pieces, and the host when a query is so long that it lies beyond FETCHED bytes.
A write that OpenSSL asked to repeat is seen twice, as is each with LibreSSL's SSL_write_ex.
"""

import errno
import itertools
import os
import struct
from typing import NamedTuple

from aibom.formats import http1
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.observe.events.errors import SensorError
from aibom.observe.events.perfring import Rings
from aibom.observe.events.tracefs import TRACEFS, Event, Uprobes, function_offset
from aibom.observe.host.live import open_file
from aibom.observe.host.protocol import FileStat

#: Both take (SSL *, buffer, length): doc/man3/SSL_write.pod of OpenSSL.
FUNCTIONS = ("SSL_write", "SSL_write_ex")
#: Most libraries that are probed at once; each takes one descriptor for each CPU.
MAX_LIBRARIES = 64
#: Most requests that one call of ``read`` returns.
MAX_REQUESTS = 1024
# Arrays and no string: a string of more than 4 KB, such as a request with its body, is not fetched
# at all, and one of nearly 4 KB makes the kernel warn. An array has at most 64 elements
# (MAX_ARRAY_LEN in kernel/trace/trace_probe.h), and a record 2 KB (PERF_MAX_TRACE_SIZE in
# <linux/trace_events.h> before Linux 5.16).
_ARRAYS = 3
#: Bytes that are fetched of each buffer.
FETCHED = _ARRAYS * 64 * 8
# the second and third argument of a function, by the machine's calling convention
_ARGUMENTS = {"x86_64": ("%si", "%dx"), "aarch64": ("%x1", "%x2")}


# written to the kernel's filter: the first four bytes as one number
_CONDITION = " || ".join(
    f"m == {int.from_bytes(f'{method} '.encode()[:4], 'little')}" for method in http1.METHODS
)


class _Identity(NamedTuple):
    """A file, whichever overlay it is seen through: only the device differs in each of them."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: FileStat) -> "_Identity":
        """Take what identifies a file out of what is known of it."""
        return cls(found.inode, found.size, found.mtime_ns, found.ctime_ns)


class Request(NamedTuple):
    """A request that a process sent; see aibom.formats.http1.Start for what the texts hold.

    ``pid`` is 0 for a process outside of our pid namespace.
    """

    pid: int
    method: str
    host: str
    path: str


class TlsRequests:
    """Watches OpenSSL, wherever it is mapped, for requests that are handed to it."""

    def __init__(self, tracefs: str = TRACEFS) -> None:
        """Get ready; nothing is probed yet. Raises SensorError where probes cannot be had."""
        machine = os.uname().machine
        if machine not in _ARGUMENTS:
            raise SensorError(errno.ENOSYS, f"no probes on {machine}", "x86-64 or aarch64")
        self._fetch = _fetch(*_ARGUMENTS[machine])
        self._probes = Uprobes(tracefs)
        self._rings = Rings()
        self._identities: dict[str, _Identity] = {}
        self._events: dict[_Identity, tuple[str, Event]] = {}
        self._serial = itertools.count()

    @property
    def lost(self) -> int:
        """Requests that came faster than they were read, as far as the kernel has told."""
        return self._rings.lost

    def watch(self, library: str) -> None:
        """Probe a library, or a program with OpenSSL in it, in every process that maps it.

        ``library`` is a path on this host such as /proc/PID/map_files/RANGE; a link in it leads
        where it leads from here, and a file system that may block is the caller's to refuse. The
        same file again, also through another container's overlay, changes nothing. A probe holds
        the mount that its path led through until ``unwatch`` or ``close``.

        Raises SensorError where nothing can be probed in it, OSError where it cannot be opened.
        """
        descriptor = os.open(library, os.O_PATH | os.O_CLOEXEC)
        try:
            # this name has no white space and leads to this very file, deleted or renamed
            path = f"/proc/self/fd/{descriptor}"
            file = open_file(path)
            try:
                identity = _Identity.of(file.stat)
                if self._identities.get(library) != identity:
                    self.unwatch(library)
                if identity not in self._events:
                    self._probe(identity, path, _offsets(file, library))
            finally:
                file.close()
        finally:
            os.close(descriptor)
        self._identities[library] = identity

    def unwatch(self, library: str) -> None:
        """Let go a library; its probes go with the last of the paths that it was watched by."""
        identity = self._identities.pop(library, None)
        if identity is not None and identity not in self._identities.values():
            name, event = self._events.pop(identity)
            self._rings.detach(event.number)
            self._probes.remove(name)

    def _probe(self, identity: "_Identity", path: str, offsets: list[int]) -> None:
        if len(self._events) >= MAX_LIBRARIES:
            raise SensorError(errno.ENOSPC, f"{MAX_LIBRARIES} libraries are probed already", "")
        name = f"tls{next(self._serial)}"
        try:
            for offset in offsets:
                self._probes.define(name, path, offset, self._fetch)
            event = self._probes.event(name)
            self._rings.attach(event.number, _CONDITION)
        except OSError:
            self._probes.remove(name)
            raise
        self._events[identity] = name, event
        self._offsets = event.offsets

    def fileno(self) -> int:
        """Return a descriptor that is readable while there is something to read."""
        return self._rings.fileno()

    def read(self) -> list[Request]:
        """Return requests that were sent since, at most MAX_REQUESTS; never waits.

        Those of one CPU are in order. Nothing but what a Request holds outlives this call.
        """
        requests = []
        for pid, record in self._rings.read(MAX_REQUESTS):
            start = self._start(record)
            if start is not None:
                requests.append(Request(pid, *start))
        return requests

    def _start(self, record: bytearray) -> http1.Start | None:
        (length,) = struct.unpack_from("<I", record, self._offsets["n"])
        begin = self._offsets["d0"]
        # in place: no copy of the headers is made
        del record[begin + min(length, FETCHED) :], record[:begin]
        return http1.parse(record, cut=length > FETCHED)

    def close(self) -> None:
        """Remove every probe of this object and nothing else. Raises OSError."""
        self._rings.close()
        self._probes.close()


def _fetch(buffer: str, length: str) -> str:
    """Return what the kernel shall record: length, the first four bytes, and the arrays."""
    arrays = [f"d{part}=+{part * 512}({buffer}):x64[64]" for part in range(_ARRAYS)]
    return " ".join([f"n={length}:u32", f"m=+0({buffer}):u32", *arrays])


def _offsets(file: ByteSource, path: str) -> list[int]:
    """Return where in an ELF file the FUNCTIONS begin that it exports. Raises SensorError."""
    try:
        found = [function_offset(file, name) for name in FUNCTIONS]
        offsets = sorted({offset for offset in found if offset})
        for offset in offsets:
            # the page is in the cache then, when the kernel takes the instruction out of it
            exactly(file, offset, 1, "code")
    except FormatError as error:
        raise SensorError(errno.ENOEXEC, f"{path}: {error}", "a 64-bit ELF file") from error
    if not offsets:
        raise SensorError(
            errno.ENOENT,
            f"{path} exports no {FUNCTIONS[0]}",
            "a program that links OpenSSL as a library",
        )
    return offsets
