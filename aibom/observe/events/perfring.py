"""perf's ring buffers: the records of trace events, with the process that each came from.

perf and not a tracefs instance with its trace_pipe: records are binary, with length and process
id, so nothing that a workload writes can pass for another record. And the kernel disarms the
events and frees the buffers when this process ends, however it ends.
Sources: perf_event_open(2), <linux/perf_event.h>.
"""

import contextlib
import ctypes
import errno
import fcntl
import itertools
import mmap
import os
import select
import struct
from collections.abc import Iterator

from aibom.observe.events.errors import SensorError

#: Bytes of the ring buffer of one CPU; their number of pages must be a power of two.
RING_SIZE = 1 << 18
# <asm/unistd.h>
_SYS_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_CLOEXEC = 8  # PERF_FLAG_FD_CLOEXEC
_DUMMY = (1, 9)  # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY
_TRACEPOINT = 2  # PERF_TYPE_TRACEPOINT
_TID_AND_RAW = 1 << 1 | 1 << 10  # PERF_SAMPLE_TID, PERF_SAMPLE_RAW
_DISABLED = 1  # perf_event_attr.disabled
_COUNT_LOST = 1 << 4  # PERF_FORMAT_LOST, from Linux 6.0 on
_ENABLE, _SET_OUTPUT, _SET_FILTER = 0x2400, 0x2405, 0x40082406  # PERF_EVENT_IOC_*
_LOST, _SAMPLE = 2, 9  # PERF_RECORD_*
# struct perf_event_mmap_page: data_head and data_tail, in words of 8 bytes
_HEAD, _TAIL = 128, 129
# struct perf_event_header (type, misc, size), then of a sample: pid, tid, bytes of the raw part
_HEADER = struct.Struct("<IHH")
_RAW = _HEADER.size + 12
_ONLINE = "/sys/devices/system/cpu/online"
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Rings:
    """One ring buffer for each CPU, which the kernel fills with the records of events.

    A CPU that is switched on later is not watched.
    """

    def __init__(self) -> None:
        """Make the buffers. Raises SensorError where the kernel refuses."""
        self._lost = 0
        self._rings: dict[int, tuple[int, mmap.mmap]] = {}
        self._attached: dict[int, list[int]] = {}
        with contextlib.ExitStack() as held:
            self._ready = held.enter_context(select.epoll())
            for cpu in _online_cpus():
                self._add(cpu, held)
            self._held = held.pop_all()

    def _add(self, cpu: int, held: contextlib.ExitStack) -> None:
        try:
            descriptor = _open_event(_DUMMY, cpu)
        except OSError as error:
            raise SensorError(
                error.errno or 0,
                f"perf_event_open: {error.strerror}",
                "run as root or with CAP_PERFMON (before Linux 5.8: CAP_SYS_ADMIN)",
            ) from error
        held.callback(os.close, descriptor)
        ring = held.enter_context(mmap.mmap(descriptor, mmap.PAGESIZE + RING_SIZE))
        self._rings[cpu] = descriptor, ring
        self._ready.register(descriptor, select.EPOLLIN)

    def attach(self, number: int, condition: str) -> None:
        """Arm a trace event: its records that satisfy ``condition``, a filter's text, will come.

        Raises OSError; then the event is armed on no CPU.
        """
        opened: list[int] = []
        try:
            for cpu, (ring, _) in self._rings.items():
                opened.append(_open_event((_TRACEPOINT, number), cpu))
                # in this order: no record before its filter, none outside of the ring
                fcntl.ioctl(opened[-1], _SET_FILTER, condition.encode())
                fcntl.ioctl(opened[-1], _SET_OUTPUT, ring)
                fcntl.ioctl(opened[-1], _ENABLE, 0)
        except OSError:
            _close(opened)
            raise
        self._attached[number] = opened

    def detach(self, number: int) -> None:
        """Disarm an event; what it wrote before can still be read."""
        descriptors = self._attached.pop(number)
        self._lost += sum(map(_lost_by, descriptors))
        _close(descriptors)

    @property
    def lost(self) -> int:
        """Records that found no room in a ring.

        Before Linux 6.0 the kernel tells of them only with the next record that finds some.
        """
        attached = itertools.chain.from_iterable(self._attached.values())
        return self._lost + sum(map(_lost_by, attached))

    def fileno(self) -> int:
        """Return a descriptor that is readable while there are records."""
        return self._ready.fileno()

    def read(self, most: int) -> Iterator[tuple[int, bytearray]]:
        """Yield up to ``most`` records that are there: process id, and the event's raw fields.

        The process id is 0 for a process outside of our pid namespace. What was yielded is wiped
        when the next record is asked for. In the ring, which the kernel lets nobody write to, it
        stays until a later record lies over it, or until ``close``.
        """
        for _, ring in self._rings.values():
            with memoryview(ring) as view, view.cast("Q") as words:
                while most > 0 and (record := _take(ring, words)):
                    most -= 1
                    kind, _, _ = _HEADER.unpack_from(record)
                    if kind == _SAMPLE:
                        pid, _, size = struct.unpack_from("<3I", record, _HEADER.size)
                        del record[:_RAW], record[size:]
                        yield pid, record
                        record[:] = bytes(len(record))
                    elif kind == _LOST and not _counts_losses():
                        # u64 id, u64 lost
                        self._lost += struct.unpack_from("<Q", record, _HEADER.size + 8)[0]

    def close(self) -> None:
        """Disarm every event and free the buffers."""
        for number in list(self._attached):
            self.detach(number)
        self._rings.clear()
        self._held.close()


def _take(ring: mmap.mmap, words: memoryview) -> bytearray:
    """Move the oldest record out of a ring; empty when there is none."""
    # each is one load of 8 bytes. x86-64 keeps loads in order; elsewhere many thousands of
    # instructions lie between the kernel's wake-up and the reading of what it announced.
    tail = words[_TAIL]
    if words[_HEAD] == tail:
        return bytearray()
    begin = tail % RING_SIZE
    # records are multiples of 8 bytes, so a header never wraps around the end of the buffer
    _, _, size = _HEADER.unpack_from(ring, mmap.PAGESIZE + begin)
    record = bytearray()
    for start, end in ((begin, min(begin + size, RING_SIZE)), (0, begin + size - RING_SIZE)):
        if start < end:
            record += ring[mmap.PAGESIZE + start : mmap.PAGESIZE + end]
    words[_TAIL] = tail + size
    return record


def _open_event(kind: tuple[int, int], cpu: int) -> int:
    """Open an event (its PERF_TYPE and number), disarmed, for all processes of one CPU."""
    number = _SYS_PERF_EVENT_OPEN.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, f"not known on {os.uname().machine}")
    # struct perf_event_attr, its first published form: type, size, config, sample_period,
    # sample_type, read_format, flags, wakeup_events, bp_type, bp_addr
    reading = _COUNT_LOST if _counts_losses() else 0
    first = struct.Struct("<IIQQQQQIIQ")
    attributes = first.pack(
        kind[0], first.size, kind[1], 1, _TID_AND_RAW, reading, _DISABLED, 1, 0, 0
    )
    arguments = (ctypes.c_int(-1), ctypes.c_int(cpu), ctypes.c_int(-1), ctypes.c_ulong(_CLOEXEC))
    descriptor = int(_libc.syscall(ctypes.c_long(number), attributes, *arguments))
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return descriptor


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _counts_losses() -> bool:
    return int(os.uname().release.partition(".")[0]) >= 6


def _lost_by(descriptor: int) -> int:
    """Return how many records of an event were lost: read(2) gives its count, then this."""
    return int(struct.unpack("<2Q", os.read(descriptor, 16))[1]) if _counts_losses() else 0


def _online_cpus() -> list[int]:
    """Return the numbers of the CPUs that are on: the file says ``0-3,6``."""
    with open(_ONLINE, encoding="ascii") as file:
        ranges = [part.split("-") for part in file.read().strip().split(",")]
    return [cpu for part in ranges for cpu in range(int(part[0]), int(part[-1]) + 1)]
