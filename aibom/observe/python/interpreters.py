"""What running CPython interpreters have imported, read from their memory."""

import errno
import os
import posixpath
import re
from collections import OrderedDict
from collections.abc import Container
from typing import NamedTuple

from aibom.formats.cpython import elf, modules
from aibom.formats.cpython.memory import InterpreterError, Reader
from aibom.formats.cpython.modules import Module, ModuleTable, Reading
from aibom.formats.cpython.site import Symbols
from aibom.formats.procfs import maps
from aibom.formats.procfs.maps import Mapping
from aibom.formats.source import FormatError
from aibom.observe.host.memory import Image, ProcessMemory
from aibom.observe.host.protocol import Host, RemoteFileSystemError
from aibom.types.files import FileUse

__all__ = ["InterpreterError", "Interpreters", "Module", "ModuleTable"]

#: Most processes whose tables are kept; one with 4,000 modules takes about 1 MB.
MAX_KEPT = 2048
# Include/internal/pycore_runtime.h, Include/{dict,unicode,module}object.h and object.h, in the
# order of Symbols' fields
_EXPORTED = ("_PyRuntime", "PyDict_Type", "PyUnicode_Type", "PyModule_Type", "_Py_NoneStruct")
# attempts at a process that begins another program (execve) meanwhile
_ATTEMPTS = 3
# section that holds _PyRuntime and nothing before it (pycore_runtime.h: GENERATE_DEBUG_SECTION,
# 3.10 and later)
_SECTION = ".PyRuntime"
# _PyRuntime came with 3.7, this is as old as CPython
_OF_ANY_VERSION = ("Py_Initialize",)
# python3.11, libpython3.11.so.1.0, libpython3.13t.so; not x.cpython-311-x86_64-linux-gnu.so
_NAME = re.compile(r"(lib)?python[\d.]*[a-z]*(\.so[\d.]*)?$")


class _Life(NamedTuple):
    """What tells a process from another with its id, and from itself before an exec."""

    start_ticks: bytes
    start_code: bytes
    start_stack: bytes


class _Known(NamedTuple):
    """A process that was looked at: in which images for CPython, and what was found."""

    life: _Life
    images: frozenset[Image]
    symbols: Symbols | None = None
    reading: Reading | None = None


class Interpreters:
    """Reads sys.modules of other processes: no stop, no write, nothing run in them."""

    def __init__(self, host: Host, procfs: str = "/proc") -> None:
        """Read processes of ``host``, which is live, and whose procfs is ``procfs``.

        Mounts are those that the host remembers: refresh it when the node is looked at anew.
        """
        self._procfs = procfs
        self._host = host
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._new = 0

    def forget(self, alive: Container[int]) -> None:
        """Forget the interpreters of processes that are not ``alive`` any more."""
        for pid in [pid for pid in self._known if pid not in alive]:
            del self._known[pid]

    def modules(self, pid: int) -> ModuleTable | None:
        """Return what the process has imported, the same object while nothing changes.

        None when no CPython runs in it. Raises OSError when the process has ended or is denied,
        InterpreterError when there is a CPython that cannot be read or does not validate.
        """
        try:
            for _ in range(_ATTEMPTS):
                life = self._life(pid)
                memory = ProcessMemory(self._procfs, pid)
                try:
                    known = self._look(pid, life, memory)
                except InterpreterError:
                    if self._life(pid) == life:
                        raise
                    continue
                finally:
                    memory.close()
                if known is self._known.get(pid) or self._life(pid) == life:
                    self._keep(pid, known)
                    return None if known.reading is None else known.reading.table
        except (FileNotFoundError, ProcessLookupError):
            self._known.pop(pid, None)
            raise
        raise InterpreterError("the process became another one while it was read")

    def _look(self, pid: int, life: _Life, memory: ProcessMemory) -> _Known:
        """Return what is known of the process: the same object when nothing has changed."""
        known = self._known.get(pid)
        if known is not None and known.life != life:
            known = None
        if known is not None and known.reading is not None and known.reading.watch.holds(memory):
            return known
        if known is None or known.symbols is None:
            known = self._find(pid, life, known, memory)
        if known.symbols is None:
            return known
        memory.restrict(known.images)
        return known._replace(reading=modules.read(memory, known.symbols))

    def _life(self, pid: int) -> _Life:
        """Read /proc/PID/stat. Raises ProcessLookupError for a process that has ended."""
        descriptor = os.open(f"{self._procfs}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            line = os.read(descriptor, 4096)
        finally:
            os.close(descriptor)
        # proc_pid_stat(5): the name, in parentheses, may hold anything; state is field 3,
        # starttime 22, startcode 26, startstack 28
        fields = line.rpartition(b")")[2].split()
        if len(fields) < 26 or fields[0] in (b"Z", b"X"):
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return _Life(fields[19], fields[23], fields[25])

    def _find(self, pid: int, life: _Life, known: _Known | None, memory: ProcessMemory) -> _Known:
        """Find CPython in the process, unless it maps the same images as when it had none."""
        candidates = self._candidates(pid)
        images = frozenset([Image(mapping.device, mapping.inode) for mapping in candidates])
        if known is not None and known.images == images:
            return known
        memory.restrict(images)
        for mapping, by_name in candidates.items():
            try:
                symbols = self._symbols(pid, mapping, Reader(memory))
            except (OSError, FormatError):
                # what is not called python is most likely not
                if by_name:
                    raise
                continue
            if symbols is not None:
                return _Known(life, images, symbols)
        return _Known(life, images)

    def _candidates(self, pid: int) -> dict[Mapping, bool]:
        """Return mapped files that may hold CPython, and whether their name says so.

        The program itself may bear any name: PyInstaller's, Nuitka's and other bundles do.
        """
        found = maps.parse(self._host.read(pid, "maps"))
        if not found:  # a kernel thread
            return {}
        program = os.readlink(f"{self._procfs}/{pid}/exe").removesuffix(" (deleted)")
        named = {m: True for m in found if _NAME.match(posixpath.basename(m.path))}
        return named | {m: False for m in found if m.path == program and m not in named}

    def _symbols(self, pid: int, mapping: Mapping, reader: Reader) -> Symbols | None:
        """Return the addresses that CPython exports from one mapped file; None if it has none."""
        if self._host.mounts(pid).may_block(mapping.device):
            raise RemoteFileSystemError(
                errno.EXDEV, "on a network or user-space file system", mapping.path
            )
        base = int(mapping.ranges.partition("-")[0], 16)
        found = elf.symbols(reader, base, _EXPORTED)
        if not found and elf.symbols(reader, base, _OF_ANY_VERSION):
            raise InterpreterError("a CPython older than 3.7")
        if not found:
            address = self._section(pid, mapping)
            found = {_EXPORTED[0]: address + elf.bias(reader, base)} if address else {}
        return Symbols(*[found.get(name, 0) for name in _EXPORTED]) if found else None

    def _section(self, pid: int, mapping: Mapping) -> int:
        """Return the address that the file gives to _PyRuntime's section, 0 when it has none."""
        use = FileUse(
            mapping.path,
            "mapped",
            f"map_files/{mapping.ranges}",
            mapping.device,
            mapping.inode,
            mapping.deleted,
        )
        file = self._host.open_use(pid, use)
        try:
            return elf.section_address(file, _SECTION)
        finally:
            file.close()

    def _keep(self, pid: int, known: _Known) -> None:
        self._new += pid not in self._known
        self._known[pid] = known
        self._known.move_to_end(pid)
        # as many new ones as there are, so that looking for ended ones costs little
        if self._new > max(len(self._known) // 2, MAX_KEPT // 16):
            self._new = 0
            for other in list(self._known):
                if not os.path.exists(f"{self._procfs}/{other}"):
                    del self._known[other]
        while len(self._known) > MAX_KEPT:
            self._known.popitem(last=False)
