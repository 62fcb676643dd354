"""The pickle opcodes as data, and the forward reading that walking them needs."""

import pickletools
from dataclasses import dataclass

from aibom.formats.source import ByteSource

_CHUNK = 4 << 10  # small, because what follows an array's opcodes is the array
_KEPT = 4_000
"""Bytes kept of one opcode's argument; the rest of it is weights or prose, and is skipped."""

# How an argument's length is encoded: bytes of the count, signed or not (Lib/pickletools.py).
_COUNTED = {
    pickletools.TAKEN_FROM_ARGUMENT1: (1, False),
    pickletools.TAKEN_FROM_ARGUMENT4: (4, True),
    pickletools.TAKEN_FROM_ARGUMENT4U: (4, False),
    pickletools.TAKEN_FROM_ARGUMENT8U: (8, False),
}


class WalkError(Exception):
    """The opcodes end here. The message is PickleFacts.ending."""


@dataclass(frozen=True, slots=True)
class Opcode:
    """One opcode: its name, its argument's shape, and what it does to the stack.

    ``length`` is pickletools' argument length: bytes, or a negative code for "counted" or "up to
    the newline". ``to_mark``: it takes everything above the topmost mark, then ``pops`` values.
    """

    name: str
    length: int
    lines: int
    to_mark: bool
    pops: int
    pushes: int


def _opcode(info: pickletools.OpcodeInfo) -> Opcode:
    before = info.stack_before
    to_mark = pickletools.markobject in before
    return Opcode(
        name=info.name,
        length=info.arg.n if info.arg else 0,
        lines=2 if info.arg and info.arg.name == "stringnl_noescape_pair" else 1,
        to_mark=to_mark,
        pops=before.index(pickletools.markobject) if to_mark else len(before),
        pushes=len(info.stack_after),
    )


OPCODES = {ord(info.code): _opcode(info) for info in pickletools.opcodes}


class Cursor:
    """Reads a ByteSource forward in pieces; what is skipped is not read.

    ``frame_end`` is the offset behind the current frame (PEP 3154), 0 before the first. No
    pickler lets anything stretch over it; ``torn`` becomes true where something does. Unpicklers
    then differ: from bytes and buffered files they read on, from an io.BytesIO they drop the
    rest of the frame (Modules/_pickle.c, _Unpickler_ReadFromFile), which ``drops`` does here.
    ``counted`` is the length of the last argument that came with its count.
    """

    def __init__(
        self, source: ByteSource, position: int, allowance: int, *, drops: bool = False
    ) -> None:
        """Start at ``position``; read at most ``allowance`` bytes in all."""
        self._source = source
        self._base = position
        self._chunk = b""
        self._index = 0
        self._allowance = allowance
        self.frame_end = 0
        self.torn = False
        self.counted = 0
        self._drops = drops

    @property
    def position(self) -> int:
        """Offset in the source of the next byte."""
        return self._base + self._index

    def take(self, length: int) -> bytes:
        """Return exactly ``length`` bytes; raise WalkError at the end and at the allowance."""
        end = self._index + length
        if end > len(self._chunk):
            self._refill(length)
            end = length
        data = self._chunk[self._index : end]
        self._index = end
        return data

    def line(self) -> bytes:
        """Return the bytes up to the next newline, which is consumed; only the first are kept."""
        start = self.position
        line = self._line()
        if start < self.frame_end < self.position:
            self.torn = True
            if self._drops:
                self._base, self._chunk, self._index = self.frame_end, b"", 0
                line = self._line()
        return line

    def enter_frame(self, length: int) -> None:
        """Start a frame of ``length`` bytes, which may lie within another one."""
        self._leave_frame(length)
        self.frame_end = max(self.frame_end, self.position + length)

    def _leave_frame(self, length: int) -> None:
        """Note whether ``length`` bytes stretch over the frame's end."""
        if self.position < self.frame_end < self.position + length:
            self.torn = True
            if self._drops:
                self.skip(self.frame_end - self.position)

    def _line(self) -> bytes:
        kept = b""
        while (found := self._chunk.find(b"\n", self._index)) < 0:
            kept = (kept + self._chunk[self._index :])[:_KEPT]
            self._index = len(self._chunk)
            self._refill(1)
        kept += self._chunk[self._index : found]
        self._index = found + 1
        return kept[:_KEPT]

    def skip(self, length: int) -> None:
        """Move forward without reading; raise WalkError beyond the end."""
        if self.position + length > self._source.size:
            raise WalkError("truncated")
        if self._index + length <= len(self._chunk):
            self._index += length
        else:
            self._base, self._chunk, self._index = self.position + length, b"", 0

    def argument(self, opcode: Opcode) -> bytes:
        """Return the argument of ``opcode``, without its count; only its first bytes are kept."""
        if opcode.length >= 0:
            self._leave_frame(opcode.length)
            return self.take(opcode.length)
        if opcode.length == pickletools.UP_TO_NEWLINE:
            return b"\n".join(self.line() for _ in range(opcode.lines))
        width, signed = _COUNTED[opcode.length]
        self._leave_frame(width)
        count = int.from_bytes(self.take(width), "little", signed=signed)
        if count < 0:
            raise WalkError("unknown opcode")  # the unpickler refuses a negative count as well
        self._leave_frame(count)
        self.counted = count
        kept = self.take(min(count, _KEPT))
        self.skip(count - len(kept))
        return kept

    def _refill(self, length: int) -> None:
        self._base, self._index = self.position, 0
        wanted = max(length, _CHUNK)
        self._allowance -= wanted
        if self._allowance < 0:
            raise WalkError("limit")
        self._chunk = self._source.read(self._base, wanted)
        if len(self._chunk) < length:
            raise WalkError("truncated")
