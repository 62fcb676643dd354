"""Another process's memory as the decoders see it: by address, hostile and under a budget."""

import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from aibom.formats.source import FormatError

#: Most bytes that one reading of a process may fetch. 10,000 modules take about 4 MB.
MAX_BYTES = 64 << 20
#: Most pieces of memory that one reading of a process may fetch.
MAX_PIECES = 400_000
_PAGE = 4096
# below it mmap_min_addr forbids mappings, above it there is no user space (5-level paging)
_LOWEST = 0x1000
_HIGHEST = 1 << 57
_WORD = 8


class InterpreterError(FormatError):
    """There is a CPython, but its memory cannot be read or is not what that CPython writes.

    The message is one short phrase for people.
    """


class Span(NamedTuple):
    """A piece of memory."""

    address: int
    size: int


class Memory(Protocol):
    """The memory of a process."""

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes, or b"" when they cannot all be read. Raises OSError.

        OSError says that the process as a whole has ended or is denied.
        """
        ...

    def read_many(self, spans: Sequence[Span]) -> list[bytes]:
        """Return the bytes of each span, b"" for one that cannot be read in full."""
        ...


def plausible(pointer: int) -> bool:
    """Say whether ``pointer`` may be the address of an object."""
    return _LOWEST <= pointer < _HIGHEST and not pointer % _WORD


def to_page_end(address: int, size: int) -> int:
    """Return how much of ``size`` bytes can be read without touching the next page."""
    return min(size, _PAGE - (address & (_PAGE - 1)))


class Reader:
    """A Memory under a budget, whose failures are InterpreterErrors."""

    def __init__(self, memory: Memory) -> None:
        """Read ``memory`` until the budget is used up."""
        self._memory = memory
        self._bytes_left = MAX_BYTES
        self._pieces_left = MAX_PIECES

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes at ``address``."""
        self._charge((Span(address, size),))
        usable = _LOWEST <= address < _HIGHEST - size
        data = self._memory.read(address, size) if usable else b""
        if len(data) != size:
            raise InterpreterError(f"memory at {address:#x} cannot be read")
        return data

    def word(self, address: int) -> int:
        """Return the 64-bit word at ``address``."""
        return int.from_bytes(self.read(address, _WORD), "little")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Return ``count`` 64-bit words at ``address``."""
        return struct.unpack(f"<{count}Q", self.read(address, _WORD * count))

    def read_many(self, spans: Sequence[Span]) -> list[bytes]:
        """Return the bytes of each span, b"" for one that cannot be read in full."""
        self._charge(spans)
        usable = [
            span for span in spans if _LOWEST <= span.address < _HIGHEST - span.size and span.size
        ]
        if len(usable) == len(spans):
            return self._memory.read_many(spans)
        found = iter(self._memory.read_many(usable))
        allowed = set(usable)
        return [next(found) if span in allowed else b"" for span in spans]

    def _charge(self, spans: Sequence[Span]) -> None:
        self._pieces_left -= len(spans)
        self._bytes_left -= sum([span.size for span in spans])
        if self._pieces_left < 0 or self._bytes_left < 0:
            raise InterpreterError("its memory leads to more than any interpreter holds")
