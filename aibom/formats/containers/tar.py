"""Tar archives read as a stream, one entry after the other (POSIX.1-2017, pax and ustar; GNU tar).

The standard library's reader takes a header of any length into memory and applies regular
expressions to it, some of which never end. This one knows what layers of images are made of:
ustar, old Unix, pax and GNU long names. The content of a sparse file is not put together.
"""

from collections.abc import Iterator
from typing import BinaryIO, Literal, NamedTuple

from aibom.formats.source import FormatError
from aibom.formats.text import printable

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_CHUNK = 1 << 18
#: Most bytes of a long name or of an entry's pax records (Go's archive/tar takes no more).
MAX_RECORDS = 1 << 20
# pax records that matter here; of the others, of which headers one after the other can have any
# number, nothing is kept
_SPARSE = "GNU.sparse."
_NAMES = frozenset({"path", "linkpath", "size", f"{_SPARSE}name"})

Kind = Literal["file", "folder", "symlink", "hardlink", "other"]
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",  # contiguous
    b"S": "file",  # GNU sparse
    b"1": "hardlink",
    b"2": "symlink",
    b"5": "folder",
}


class Entry(NamedTuple):
    """One entry: its name as it stands there, and for links the ``target``.

    ``size`` and ``offset`` are of what the archive holds of its content, in bytes; ``whole`` says
    that this is the content, and not the filled parts of a sparse file.
    """

    path: str
    kind: Kind
    size: int
    offset: int
    target: str = ""
    whole: bool = True


class Content:
    """The content of the entry at hand; it ends where the next entry begins."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        """Read at most ``size`` bytes of ``stream``."""
        self._stream, self._left = stream, size

    def read(self, length: int) -> bytes:
        """Return up to ``length`` bytes, none at the end. Raises FormatError when cut off."""
        data = self._stream.read(min(length, self._left))
        if not data and length and self._left:
            raise FormatError("the archive ends within a file")
        self._left -= len(data)
        return data

    def chunks(self) -> Iterator[bytes]:
        """Yield what is left of the content."""
        while data := self.read(_CHUNK):
            yield data

    def skip(self) -> None:
        """Go to the end of the content, without reading it where the stream can seek."""
        if self._left > _CHUNK and self._stream.seekable():
            self._stream.seek(self._left - 1, 1)
            self._left = 1
        for _ in self.chunks():
            continue


def entries(stream: BinaryIO) -> Iterator[tuple[Entry, Content]]:
    """Yield the entries up to the end mark; what of a content is not read is skipped.

    Raises FormatError for what is no tar archive, or ends within an entry.
    """
    position = 0
    said: dict[str, str] = {}  # by records before the entry that they are about
    while True:
        header = stream.read(_BLOCK)
        # the end mark is two blocks of zeros, which some writers leave out
        if not header or header == _ZEROS:
            return
        position += _BLOCK
        kind, size = header[156:157], _checked_size(header, position)
        if kind in (b"x", b"g", b"L", b"K"):
            records = _records(stream, kind, size)
            # global records (g) apply to nothing, as in Go's reader
            said |= records if kind != b"g" else {}
            position += _padded(size)
            continue
        entry = _entry(header, said, size)
        position += _extensions(stream, header) if kind == b"S" else 0
        content = Content(stream, entry.size)
        yield entry._replace(offset=position), content
        content.skip()
        _exactly(stream, _padded(entry.size) - entry.size)
        position += _padded(entry.size)
        said = {}


def _entry(header: bytes, said: dict[str, str], size: int) -> Entry:
    if "size" in said:
        size = _decimal(said["size"])
    sparse = header[156:157] == b"S" or _SPARSE in said
    path = said.get(f"{_SPARSE}name") or said.get("path") or _name(header)
    kind = _KINDS.get(header[156:157], "other")
    if kind == "file" and path.endswith("/"):
        kind = "folder"  # as old Unix wrote them
    # links and folders have no content, whatever their size says (Go: isHeaderOnlyType)
    length = 0 if kind in ("hardlink", "symlink", "folder") else size
    target = said.get("linkpath") or _text(header[157:257])
    return Entry(path, kind, length, 0, target, not sparse)


def _checked_size(header: bytes, position: int) -> int:
    at = position - _BLOCK
    if len(header) < _BLOCK:
        raise FormatError(f"the archive ends within the header at byte {at}")
    # the checksum's own eight bytes count as blanks
    total = sum(header) - sum(header[148:156]) + 8 * 0x20
    if _number(header[148:156], at) != total:
        raise FormatError(f"no tar header at byte {at}")
    return _number(header[124:136], at)


def _name(header: bytes) -> str:
    name = _text(header[:100])
    # GNU's "ustar  " has other things where POSIX has the prefix
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _number(field: bytes, at: int) -> int:
    """Return a number in octal digits, or in base 256 where the first bit is set (GNU)."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") - (0x80 << 8 * (len(field) - 1))
        if not 0 <= value < 1 << 62:
            raise FormatError(f"a number beyond all sizes at byte {at}")
        return value
    digits = field.strip(b"\0 ")
    if not digits.isdigit() and digits:
        raise FormatError(f"no tar header at byte {at}")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise FormatError(f"no tar header at byte {at}") from None


def _decimal(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise FormatError(f"size {printable(text, 40)}")
    return int(text)


def _records(stream: BinaryIO, kind: bytes, size: int) -> dict[str, str]:
    """Return what a header that is about the next entry says of it."""
    if size > MAX_RECORDS:
        raise FormatError(f"{size} bytes of names before an entry, more than {MAX_RECORDS}")
    data = _exactly(stream, size)
    _exactly(stream, _padded(size) - size)
    if kind == b"L":
        return {"path": _text(data)}
    if kind == b"K":
        return {"linkpath": _text(data)}
    return _pax(data)


def _pax(data: bytes) -> dict[str, str]:
    """Return the pax records that matter, by name.

    Each is its length, a blank, ``name=value`` and a line end.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        length, blank, _ = data[at : at + 12].partition(b" ")
        if not blank or not length.isdigit():
            raise FormatError("damaged pax records")
        record = data[at + len(length) + 1 : at + int(length)]
        name, equals, value = record.partition(b"=")
        whole = len(length) + 1 < int(length) <= len(data) - at
        if not whole or not equals or not value.endswith(b"\n"):
            raise FormatError("damaged pax records")
        if b"\0" in value:
            raise FormatError("a pax record with a NUL")
        key = name.decode("utf-8", "replace")
        if key.startswith(_SPARSE):
            found[_SPARSE] = ""
        if key in _NAMES:
            found[key] = value[:-1].decode("utf-8", "surrogateescape")
        at += int(length)
    return found


def _extensions(stream: BinaryIO, header: bytes) -> int:
    """Skip the blocks that carry on the map of a GNU sparse file; return their length."""
    length, more = 0, header[482]
    while more:
        more = _exactly(stream, _BLOCK)[504]
        length += _BLOCK
    return length


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise FormatError("the archive ends within an entry")
    return data


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
