"""The start of an LZ4 frame, decompressed.

Layouts are those of lz4's doc/lz4_Frame_format.md and doc/lz4_Block_format.md. The standard
library does not know LZ4; these lines are enough for a header.
"""

from aibom.formats.source import ByteSource

MAGIC = b"\x04\x22\x4d\x18"
MAX_OUTPUT = 512 << 10
"""More would take this interpreted loop too long."""
_MAX_BLOCK = 4 << 20  # the largest block size that a frame can announce
_MAX_COUNT = 1024  # of blocks; real ones have 64 KiB or more
_UNCOMPRESSED = 1 << 31  # this bit of a block's size


def unpack(source: ByteSource, cap: int) -> tuple[bytes, bool]:
    """Return up to ``cap`` bytes of the first frame's content, and whether that is all of it.

    A frame that is broken gives what stands before the break.
    """
    cap = min(cap, MAX_OUTPUT)
    header = source.read(0, 6)
    if len(header) < 6:
        return b"", False
    flags = header[4]
    has_checksums, has_size, has_dictionary = flags & 0x10, flags & 0x08, flags & 0x01
    position = 7 + (8 if has_size else 0) + (4 if has_dictionary else 0)
    out = bytearray()
    for _ in range(_MAX_COUNT):
        size = int.from_bytes(source.read(position, 4), "little")
        if size == 0:  # the end mark, or the end of the source
            return bytes(out), position + 4 <= source.size
        block = source.read(position + 4, min(size & ~_UNCOMPRESSED, _MAX_BLOCK))
        if size & _UNCOMPRESSED:
            out += block[: cap - len(out)]
        elif not _block(block, out, cap):
            break
        if len(out) == cap:
            break
        position += 4 + (size & ~_UNCOMPRESSED) + (4 if has_checksums else 0)
    return bytes(out), False


def _block(block: bytes, out: bytearray, cap: int) -> bool:
    """Append a block's content to ``out`` up to ``cap`` bytes; return whether it is sound."""
    at = 0
    while at < len(block) and len(out) < cap:
        token = block[at]
        literals, at = _length(block, at + 1, token >> 4)
        out += block[at : at + min(literals, cap - len(out))]
        at += literals
        if at >= len(block):  # the last sequence is literals only
            break
        distance = int.from_bytes(block[at : at + 2], "little")
        match, at = _length(block, at + 2, token & 15)
        if not 0 < distance <= len(out):
            return False
        _repeat(out, distance, min(match + 4, cap - len(out)))
    return True


def _length(block: bytes, at: int, length: int) -> tuple[int, int]:
    """Return a length whose first part is ``length``, and the position behind it."""
    more = 255 if length == 15 else 0
    while more == 255 and at < len(block):
        more = block[at]
        length += more
        at += 1
    return length, at


def _repeat(out: bytearray, distance: int, length: int) -> None:
    """Append ``length`` bytes from ``distance`` back; they may overlap with what they append."""
    start = len(out) - distance
    pattern = out[start : start + length]
    while length > 0:
        out += pattern[:length]
        length -= len(pattern)
