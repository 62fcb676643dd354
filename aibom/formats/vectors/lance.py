"""Lance files, in which LanceDB keeps tables: known by their end.

The footer of version 2 has five sections' places before the version and "LANC" (file2.proto and
the Lance format's page on files); that of version 1 only the place of the metadata.
"""

import struct

from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader

_MAGIC = b"LANC"
_FOOTER = struct.Struct("<QQQIIHH4s")
_SHORT = struct.Struct("<QHH4s")
# lance-file, versions: files of version 1 bear (0, 0) to (0, 2), those of version 2 (0, 3) or 2.x
_LAST_SHORT = (0, 2)


def recognise(_head: bytes, size: int) -> bool:
    """Tell whether a file is long enough; its first bytes are data and say nothing."""
    return size >= _FOOTER.size


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of a Lance file, or None for any other file."""
    footer = source.read(source.size - _FOOTER.size, _FOOTER.size)
    if len(footer) != _FOOTER.size or not footer.endswith(_MAGIC):
        return None
    *places, _, _, major, minor, _ = _FOOTER.unpack(footer)
    if (major, minor) <= _LAST_SHORT:
        places = [_SHORT.unpack(footer[-_SHORT.size :])[0]]
    if not 0 < min(places) <= max(places) < source.size or places != sorted(places):
        return None
    return ModelHeader(format="lance", format_version=f"{major}.{minor}")
