"""The names and sizes in a zip's central directory, and one member's bytes, all capped.

Field layouts are those of PKWARE's APPNOTE.TXT 6.3.10; its sections stand beside them. The
standard library's zipfile is not used: it refuses members with a wrong checksum or with another
name in the local header, and torch.load reads those all the same (tried with torch 2.13; see also
picklescan's advisories GHSA-w8jq-xcqf-f792 and GHSA-7q5r-7gvp-wc82). A hostile model must not be
able to choose that it is not read here.
"""

import struct
import zlib
from dataclasses import dataclass

from aibom.formats.source import ByteSource, FormatError, exactly

MAGIC = b"PK\x03\x04"  # 4.3.7 local file header
_CENTRAL = b"PK\x01\x02"  # 4.3.12 central directory header
_END = b"PK\x05\x06"  # 4.3.16 end of central directory record
_END64_LOCATOR = b"PK\x06\x07"  # 4.3.15
_END64 = b"PK\x06\x06"  # 4.3.14
_END_SIZE = 22  # without the comment
_ZIP64_EXTRA = 0x0001  # 4.5.3
_STORED, _DEFLATED = 0, 8  # 4.4.5
_ENCRYPTED = 1  # 4.4.4, bit 0
_IN_ZIP64 = 0xFFFFFFFF  # 4.4.8: the value stands in the zip64 extra field

_MAX_RATIO = 1032  # of deflate: 258 bytes of output for two bits (RFC 1951, 3.2.5)
_MAX_DIRECTORY = 8 << 20
_MAX_MEMBERS = 65_536
_NAME_CAP = 1_000


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the central directory. Sizes and the local header's offset are in bytes.

    ``checksum`` is the CRC-32 of the content, ``flags`` the general purpose flags (4.4.4).
    """

    name: str
    size: int
    compressed: int
    method: int
    offset: int
    checksum: int = 0
    flags: int = 0


def members(source: ByteSource) -> tuple[Member, ...]:
    """Return the entries of the central directory, in its order, duplicate names included.

    Raises FormatError when there is no directory, or it is cut off, larger than our caps, or
    names bytes beyond the end of the source.
    """
    data = _directory_bytes(source)
    found: list[Member] = []
    position = 0
    while position < len(data):
        if len(found) == _MAX_MEMBERS:
            raise FormatError("zip directory too large")
        member, position = _member(data, position)
        if member.offset + member.compressed > source.size:
            raise FormatError("zip member beyond the end")
        if member.size > member.compressed * _MAX_RATIO:
            raise FormatError("zip member larger than deflate can make it")
        found.append(member)
    return tuple(found)


def mentions(source: ByteSource, name: bytes) -> bool:
    """Tell whether the directory's bytes hold ``name``: a cheap look before members().

    Raises FormatError when there is no directory, or it is cut off or larger than our caps.
    """
    return name in _directory_bytes(source)


def content(source: ByteSource, member: Member, cap: int) -> bytes:
    """Return the first ``cap`` bytes (1 or more), at most, of a member's content.

    The checksum and the encryption flag are not looked at. Raises FormatError when the member is
    cut off, broken, or compressed by anything but deflate.
    """
    header = _exactly(source, member.offset, 30, "zip member")
    if not header.startswith(MAGIC):
        raise FormatError("zip directory points at no member")
    name_length, extra_length = struct.unpack_from("<HH", header, 26)
    start = member.offset + 30 + name_length + extra_length
    if member.method == _STORED:
        return _exactly(source, start, min(member.size, cap), "zip member")
    if member.method == _DEFLATED:
        return _inflate(source, start, member, cap)
    raise FormatError(f"zip member compressed by method {member.method}")


def oddities(source: ByteSource, member: Member, data: bytes) -> list[str]:
    """Return in which ways unzipping programs and PyTorch's reader disagree about a member.

    ``data`` is its content, as ``content`` gave it; its checksum is compared if it is whole.
    """
    found = []
    header = _exactly(source, member.offset, 30, "zip member")
    (name_length,) = struct.unpack_from("<H", header, 26)
    if _name(source.read(member.offset + 30, name_length)) != member.name:
        found.append("has another name in its own header")
    if member.flags & _ENCRYPTED:
        found.append("claims to be encrypted")
    if len(data) == member.size and zlib.crc32(data) != member.checksum:
        found.append("has a wrong checksum")
    return found


def first_name(source: ByteSource) -> str:
    """Return the name in the local header at the start, or "" when there is none.

    It is all that is left to know a zip by when its end, with the directory, is missing.
    """
    header = source.read(0, 30)
    if len(header) < 30 or not header.startswith(MAGIC):
        return ""
    (name_length,) = struct.unpack_from("<H", header, 26)
    return _name(source.read(30, name_length))


def _exactly(source: ByteSource, offset: int, length: int, what: str) -> bytes:
    """Read exactly ``length`` bytes; a place beyond the end is not even asked for."""
    if offset + length > source.size:
        raise FormatError(f"truncated in {what}")
    return exactly(source, offset, length, what)


def _inflate(source: ByteSource, start: int, member: Member, cap: int) -> bytes:
    # Deflate never needs more than 5 bytes per 16,383 to store what it cannot compress
    # (RFC 1951, 3.2.4), so there is no reason to read much beyond the cap.
    data = source.read(start, min(member.compressed, cap + cap // 1024 + 64))
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, cap)
    except zlib.error as error:
        raise FormatError("zip member does not inflate") from error


def _directory_bytes(source: ByteSource) -> bytes:
    length, offset = _directory(source)
    if length > _MAX_DIRECTORY:
        raise FormatError("zip directory too large")
    return _exactly(source, offset, length, "zip directory")


def _directory(source: ByteSource) -> tuple[int, int]:
    """Return the directory's length and offset. Its number of entries is a mere claim."""
    tail_start, tail = _tail(source)
    found = tail.rfind(_END)
    length, offset = struct.unpack_from("<II", tail, found + 12)
    locator = source.read(max(0, tail_start + found - 20), 20)
    if not locator.startswith(_END64_LOCATOR):
        return length, offset
    (record_offset,) = struct.unpack_from("<Q", locator, 8)
    record = _exactly(source, record_offset, 56, "zip64 record")
    if not record.startswith(_END64):
        raise FormatError("zip64 record missing")
    length, offset = struct.unpack_from("<QQ", record, 40)
    return length, offset


def _tail(source: ByteSource) -> tuple[int, bytes]:
    """Return the offset and bytes of the file's end, from the end record or before it."""
    for length in (_END_SIZE, _END_SIZE + 0xFFFF):  # without a comment, as writers do, and with one
        start = max(0, source.size - length)
        tail = source.read(start, length)
        if 0 <= tail.rfind(_END) <= len(tail) - _END_SIZE:
            return start, tail
    raise FormatError("zip without a directory")


def _member(data: bytes, position: int) -> tuple[Member, int]:
    """Return the entry at ``position`` of the directory, and the position behind it."""
    if data[position : position + 4] != _CENTRAL or len(data) - position < 46:
        raise FormatError("zip directory broken")
    flags, method = struct.unpack_from("<HH", data, position + 8)
    (checksum,) = struct.unpack_from("<I", data, position + 16)
    compressed, size, *lengths = struct.unpack_from("<IIHHH", data, position + 20)
    (offset,) = struct.unpack_from("<I", data, position + 42)
    name_end = position + 46 + lengths[0]
    extra_end = name_end + lengths[1]
    wide = _zip64_values(data[name_end:extra_end])
    # 4.5.3: the extra field holds only those values that did not fit, in this order.
    size, compressed, offset = (
        wide.pop(0) if value == _IN_ZIP64 and wide else value
        for value in (size, compressed, offset)
    )
    name = _name(data[position + 46 : name_end])
    member = Member(name, size, compressed, method, offset, checksum, flags)
    return member, extra_end + lengths[2]


def _zip64_values(extra: bytes) -> list[int]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == _ZIP64_EXTRA:
            body = extra[position + 4 : position + 4 + min(length, 24)]
            return [value for (value,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        position += 4 + length
    return []


def _name(data: bytes) -> str:
    return data.decode("utf-8", "replace")[:_NAME_CAP]
