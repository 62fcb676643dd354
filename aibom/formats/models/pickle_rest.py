"""Names in the part of a pickle that is beyond the opcodes that are walked.

Padding must not hide a payload. What is behind the walk's limit is searched for the two ways in
which picklers write an import; bytes that only look like one give names that nothing knows.
"""

import re
from collections.abc import Iterator

from aibom.formats.source import ByteSource, FormatError

_CHUNK = 1 << 20
_OVERLAP = 256
_SEARCHED = 48 << 20
_MAX_NAMES = 10_000
_PART = rb"([A-Za-z_][\w.]{1,100})"
# GLOBAL and INST; two SHORT_BINUNICODE, memoized or not, before STACK_GLOBAL (Lib/pickletools.py)
_IMPORTS = re.compile(
    rb"[ci]%b\n%b\n|\x8c.%b\x94?\x8c.%b\x94?\x93" % (_PART, _PART, _PART, _PART), re.DOTALL
)


def names_behind(source: ByteSource, offset: int) -> set[str]:
    """Return what seems to be imported from ``offset`` on, in bounded work."""
    return {name for name, _ in zip(_names(source, offset), range(_MAX_NAMES), strict=False)}


def _names(source: ByteSource, offset: int) -> Iterator[str]:
    for start in range(offset, min(source.size, offset + _SEARCHED), _CHUNK):
        try:
            data = source.read(start, _CHUNK + _OVERLAP)
        except FormatError:  # the source's budget
            return
        for found in _IMPORTS.finditer(data):
            module, name = found[1] or found[3], found[2] or found[4]
            yield f"{module.decode()}.{name.decode()}"
