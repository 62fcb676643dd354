r"""Build information in Go binaries: the main module and what is linked in.

The section ``.go.buildinfo`` is described by Go's debug/buildinfo package: a 32-byte header
(``\xff Go buildinf:``, pointer size, flags) and, from Go 1.18 on (flag 2), two strings with
varint lengths: the Go version and the modules' text.
"""

import re

from aibom.formats.source import FormatError
from aibom.types.packages import Package

_MAGIC = b"\xff Go buildinf:"
_INLINE_STRINGS = 2
_HEADER = 32
# module paths (go.dev/ref/mod): elements of letters, digits and a few signs, none of them empty
_MODULE = re.compile(r"[\w.~-]+(?:/[\w.~-]+)*")
# the module text stands between two 16-byte sentinels (runtime/debug, modinfo)
_SENTINEL = 16


def parse(section: bytes, location: str) -> tuple[Package, ...]:
    """Return the modules of a Go binary, the main module first.

    ``section`` is the content of ``.go.buildinfo``, ``location`` the binary's path. Binaries from
    before Go 1.18 and stripped information give an empty tuple. Raises FormatError when lengths
    lie.
    """
    if len(section) < _HEADER or not section.startswith(_MAGIC):
        return ()
    if not section[15] & _INLINE_STRINGS:
        return ()
    _, offset = _string(section, _HEADER)
    text, _ = _string(section, offset)
    body = text[_SENTINEL:-_SENTINEL].decode("utf-8", "replace")
    return tuple(_modules(body, location))


def _string(data: bytes, offset: int) -> tuple[bytes, int]:
    length = shift = 0
    for _ in range(5):
        if offset >= len(data):
            raise FormatError("truncated Go build information")
        byte = data[offset]
        offset += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if offset + length > len(data):
        raise FormatError("Go build information claims a string beyond its section")
    return data[offset : offset + length], offset + length


def _modules(text: str, location: str) -> list[Package]:
    main: list[Package] = []
    others: list[Package] = []
    for line in text.splitlines():
        # path <tab> main package; mod|dep <tab> module <tab> version [<tab> sum]
        fields = line.split("\t")
        if len(fields) >= 3 and fields[0] in ("mod", "dep") and _MODULE.fullmatch(fields[1]):
            version = fields[2] if fields[2] != "(devel)" else ""
            package = Package("golang", fields[1][:500], version[:200], location)
            (main if fields[0] == "mod" else others).append(package)
    names = tuple(p.name for p in others)
    if main:
        first = main[0]
        main[0] = Package("golang", first.name, first.version, location, requires=names)
    return main + others
