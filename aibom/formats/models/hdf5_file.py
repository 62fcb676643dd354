"""An HDF5 file's superblock, and the reading of fields at addresses.

Layouts are those of the HDF5 File Format Specification, version 3.0; its sections stand beside
them.
"""

from dataclasses import dataclass

from aibom.formats.source import ByteSource, FormatError, exactly

SIGNATURE = b"\x89HDF\r\n\x1a\n"  # II.A
_STARTS = (0, 512, 1024, 2048, 4096, 8192)  # II.A: behind a user block of 512 and its doublings
_SIZES = (2, 4, 8)  # bytes of an address or a length that are in use
_SUPERBLOCK_SIZE = 128  # all versions fit
NAME_CAP = 1_000
"""Characters kept of a name."""


class Fields:
    """Bytes read as one field after the other; FormatError when they run out."""

    def __init__(self, data: bytes, offset_size: int = 8, length_size: int = 8) -> None:
        """Read ``data``, where addresses and lengths take the given numbers of bytes."""
        self._data = data
        self._at = 0
        self._offset_size = offset_size
        self._length_size = length_size

    @property
    def left(self) -> int:
        """Number of bytes not read yet."""
        return len(self._data) - self._at

    def take(self, length: int) -> bytes:
        """Return the next ``length`` bytes."""
        data = self._data[self._at : self._at + length]
        if len(data) != length:
            raise FormatError("truncated in hdf5 header")
        self._at += length
        return data

    def integer(self, size: int) -> int:
        """Return the next unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def length(self) -> int:
        """Return the next length."""
        return self.integer(self._length_size)

    def address(self) -> int | None:
        """Return the next address, or None where it is undefined: all bits set."""
        raw = self.take(self._offset_size)
        return None if raw == b"\xff" * len(raw) else int.from_bytes(raw, "little")

    def nested(self, length: int) -> "Fields":
        """Return the next ``length`` bytes as fields of their own."""
        return Fields(self.take(length), self._offset_size, self._length_size)

    def text(self, length: int) -> str:
        """Return the next ``length`` bytes as a name: up to the first NUL, capped."""
        return decoded(self.take(length))[:NAME_CAP]


@dataclass(frozen=True, slots=True)
class File:
    """An HDF5 file. ``base`` is added to every address in it.

    ``end`` is the offset behind its last byte, by its own word; ``root`` the address of the root
    group's object header. Sizes are in bytes.
    """

    source: ByteSource
    base: int
    offset_size: int
    length_size: int
    end: int
    root: int

    def bytes_at(self, address: int, length: int) -> bytes:
        """Return exactly ``length`` bytes at ``address``."""
        if self.base + address + length > self.source.size:
            raise FormatError("truncated hdf5 file")
        return exactly(self.source, self.base + address, length, "hdf5 file")

    def fields_at(self, address: int, length: int) -> Fields:
        """Return exactly ``length`` bytes at ``address``, as fields."""
        return Fields(self.bytes_at(address, length), self.offset_size, self.length_size)


def open_file(source: ByteSource) -> File:
    """Read the superblock, behind a user block if need be; raises FormatError without one."""
    for start in _STARTS:
        data = source.read(start, _SUPERBLOCK_SIZE)
        if data.startswith(SIGNATURE):
            return _superblock(source, start, data)
    raise FormatError("no hdf5 signature")


def decoded(data: bytes) -> str:
    """Return text up to the first NUL; what is not UTF-8 is replaced."""
    return data.split(b"\0", 1)[0].decode("utf-8", "replace")


def _superblock(source: ByteSource, start: int, data: bytes) -> File:
    version = data[8] if len(data) > 8 else 0xFF
    if version > 3:
        raise FormatError("unknown hdf5 superblock")
    sizes_at = 13 if version < 2 else 9  # II.A
    offset_size, length_size = Fields(data[sizes_at:]).take(2)
    if offset_size not in _SIZES or length_size not in _SIZES:
        raise FormatError("unknown hdf5 address size")
    addresses_at = {0: 24, 1: 28}.get(version, 12)
    fields = Fields(data[addresses_at:], offset_size, length_size)
    base = fields.address() or 0  # may be wrong: the place of the signature counts (H5Fsuper.c)
    fields.address()  # free space, or the superblock extension
    end = fields.address()
    if version < 2:
        fields.address()  # driver information
        fields.address()  # III.C, the root's symbol table entry: its name
    root = fields.address()
    if end is None or root is None:
        raise FormatError("hdf5 without a root group")
    return File(source, start, offset_size, length_size, end - base + start, root)
