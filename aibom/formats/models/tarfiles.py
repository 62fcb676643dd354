"""The members of a tar archive, by its headers alone (POSIX.1-2017, pax, ustar format).

Only what a model's loader would read matters: plain files, by their names. Long names (GNU and
pax) are left out: no loader of models asks for one.
"""

from typing import NamedTuple

from aibom.formats.source import ByteSource

_BLOCK = 512
_MAGIC_AT, _MAGIC = 257, b"ustar"
_SIZE_AT, _SIZE_LENGTH = 124, 12
_TYPE_AT = 156
_PLAIN = (b"0", b"\0", b"7")
_MAX_MEMBERS = 1_000


class Member(NamedTuple):
    """One plain file: its name, and where its bytes lie."""

    name: str
    offset: int
    size: int


def recognise(source: ByteSource) -> bool:
    """Say whether a file is a tar archive."""
    return source.read(_MAGIC_AT, len(_MAGIC)) == _MAGIC


def members(source: ByteSource) -> list[Member]:
    """Return the plain files, up to the archive's end or the first header that is none."""
    found: list[Member] = []
    position = 0
    for _ in range(_MAX_MEMBERS):
        header = source.read(position, _BLOCK)
        size = _octal(header[_SIZE_AT : _SIZE_AT + _SIZE_LENGTH])
        if header[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC or size is None:
            break
        if header[_TYPE_AT : _TYPE_AT + 1] in _PLAIN:
            name = header[:100].rstrip(b"\0").decode("utf-8", "replace")
            found.append(Member(name, position + _BLOCK, size))
        position += _BLOCK + -(-size // _BLOCK) * _BLOCK
    return found


def _octal(field: bytes) -> int | None:
    try:
        return int(field.rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        return None
