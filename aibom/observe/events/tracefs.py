"""Uprobes as tracefs defines them: events of our own, disarmed until perf asks for their records.

What a killed run leaves is disarmed too. Source: Documentation/trace/uprobetracer.rst.
"""

import errno
import itertools
import os
import re
import struct
from typing import NamedTuple

from aibom.formats.elfhash import GnuHash
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.observe.events.errors import SensorError

#: Where tracefs is mounted by default.
TRACEFS = "/sys/kernel/tracing"
#: Most bytes that are read of one of its files; a definition takes about 200.
MAX_TEXT = 16 << 20
_DEFINITION = re.compile(r"^p:(aibom_(\d+)_(\d+)_(\d+)_\d+/\S+) ", re.MULTILINE)
_FIELD = re.compile(r"field:[^;]*?(\w+)(?:\[\d*\])?;\s*offset:(\d+);")
# <elf.h>: DT_GNU_HASH, DT_SYMTAB, DT_STRTAB
_TABLES = (0x6FFFFEF5, 6, 5)
_PT_LOAD, _PT_DYNAMIC = 1, 2
_EXECUTABLE = 1  # PF_X
#: Limits far above what linkers write, so that a lying header cannot keep us busy.
MAX_SEGMENTS = 256
MAX_DYNAMIC = 1 << 16
_serial = itertools.count()


class Event(NamedTuple):
    """A trace event: its number for perf, and where its fields begin in a record."""

    number: int
    offsets: dict[str, int]


class Uprobes:
    """Probes of one group in tracefs, whose name says which process made them."""

    def __init__(self, tracefs: str = TRACEFS) -> None:
        """Look whether probes can be defined below ``tracefs``. Raises SensorError."""
        _check(tracefs)
        self._tracefs = tracefs
        pid = os.getpid()
        self._group = f"aibom_{_pid_namespace()}_{pid}_{_start_time(pid)}_{next(_serial)}"
        self._events: set[str] = set()

    def define(self, name: str, path: str, offset: int, fetch: str) -> None:
        """Add a probe at ``offset`` bytes in a file to the event ``name``. Raises OSError.

        ``fetch`` says what to record, in the kernel's syntax; it is the same for all the probes
        of an event, which must be added before the event is armed. ``path`` has no white space.
        """
        _command(self._tracefs, f"p:{self._group}/{name} {path}:{offset:#x} {fetch}")
        self._events.add(name)

    def event(self, name: str) -> Event:
        """Return what perf needs to know of an event. Raises OSError."""
        folder = f"{self._tracefs}/events/{self._group}/{name}"
        fields = _FIELD.findall(_text(f"{folder}/format"))
        return Event(int(_text(f"{folder}/id")), {name: int(at) for name, at in fields})

    def remove(self, name: str) -> None:
        """Remove an event that is not armed, if it was defined. Raises OSError."""
        if name in self._events:
            _command(self._tracefs, f"-:{self._group}/{name}")
            self._events.discard(name)

    def close(self) -> None:
        """Remove the events of this group and nothing else. Raises OSError."""
        for name in sorted(self._events):
            self.remove(name)


def sweep_leftovers(tracefs: str = TRACEFS) -> int:
    """Remove the events that killed runs left, and return how many. Raises OSError.

    A run is known by pid namespace, process id and start time. What was made in another pid
    namespace stays: from here nobody can tell whether its process lives.
    """
    removed = 0
    found = set(_DEFINITION.findall(_text(f"{tracefs}/uprobe_events")))
    for event, namespace, pid, start in sorted(found):
        if int(namespace) != _pid_namespace() or int(start) == _start_time(int(pid)):
            continue
        # removed by somebody else meanwhile, or armed after all
        try:
            _command(tracefs, f"-:{event}")
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EBUSY):
                raise
        else:
            removed += 1
    return removed


def _check(tracefs: str) -> None:
    remedy = f"mount -t tracefs tracefs {tracefs}"
    try:
        if "trace" in os.listdir(tracefs):
            remedy = "a kernel with CONFIG_UPROBE_EVENTS=y"
        os.close(_open_commands(tracefs))
    except OSError as error:
        if error.errno != errno.ENOENT:
            remedy = "run as root with CAP_SYS_ADMIN"
        detail = f"{tracefs}/uprobe_events: {error.strerror}"
        raise SensorError(error.errno or 0, detail, remedy) from error


def _open_commands(tracefs: str) -> int:
    # with O_TRUNC it would forget everybody's probes
    return os.open(f"{tracefs}/uprobe_events", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def _command(tracefs: str, line: str) -> None:
    descriptor = _open_commands(tracefs)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(MAX_TEXT)


def _pid_namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino


def _start_time(pid: int) -> int:
    """Return when a process began, in clock ticks since boot; -1 when it has ended."""
    try:
        text = _text(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return -1
    # proc_pid_stat(5): after the name in parentheses the state is field 3, starttime field 22
    fields = text.rpartition(")")[2].split()
    return -1 if fields[0] in "ZX" else int(fields[19])


class _Symbols(GnuHash):
    """The exported symbols of an ELF file, with their numbers in the symbol table."""

    number = 0

    def _is_named(self, symbol: int, name: str) -> bool:
        self.number = symbol
        return super()._is_named(symbol, name)


def function_offset(file: ByteSource, name: str) -> int | None:
    """Return where in a 64-bit ELF file the code of an exported function begins, None if nowhere.

    Raises FormatError for a file that is cut off or lies.
    """
    # <elf.h>: Elf64_Ehdr has e_phoff at 32, e_phentsize and e_phnum at 54
    header = exactly(file, 0, 64, "ELF header")
    size, count = struct.unpack_from("<2H", header, 54)
    if header[:6] != b"\x7fELF\x02\x01" or size != 56 or count > MAX_SEGMENTS:
        raise FormatError("no 64-bit little-endian ELF file")
    (begin,) = struct.unpack_from("<Q", header, 32)
    table = exactly(file, begin, size * count, "program headers")
    # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, ...
    segments = list(struct.iter_unpack("<2I6Q", table))
    tags = _tags(file, segments)
    tables = [_in_file(segments, tags.get(tag, 0)) for tag in _TABLES]
    if None in tables:
        return None
    hashes, symbols, strings = (offset or 0 for offset in tables)
    exported = _Symbols(file, hashes, symbols, strings)
    if not exported.exports(name):
        return None
    # Elf64_Sym: 24 bytes, st_value at 8
    entry = exactly(file, symbols + 24 * exported.number, 16, "symbol table")
    return _in_file(segments, struct.unpack_from("<Q", entry, 8)[0], _EXECUTABLE)


_Segments = list[tuple[int, ...]]


def _tags(file: ByteSource, segments: _Segments) -> dict[int, int]:
    for kind, _, offset, _, _, size, *_ in segments:
        if kind == _PT_DYNAMIC:
            raw = exactly(file, offset, min(size, MAX_DYNAMIC) & ~15, "dynamic section")
            return dict(struct.iter_unpack("<2Q", raw))
    return {}


def _in_file(segments: _Segments, address: int, flags: int = 0) -> int | None:
    """Return where in the file lies what is loaded at an address, with these permissions."""
    for kind, allowed, offset, start, _, size, *_ in segments:
        if kind == _PT_LOAD and start <= address < start + size and allowed & flags == flags:
            return offset + address - start
    return None
