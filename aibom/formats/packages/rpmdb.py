"""rpm's database of installed packages in SQLite (rpm: lib/backend/sqlite.c, docs/manual).

The table ``Packages`` holds one header in each row: an index of tags, and their values. The older
databases, of Berkeley DB and "ndb", are not read.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

from aibom.formats.packages.system import MAX_PACKAGES, SystemPackage
from aibom.formats.source import FormatError
from aibom.formats.text import printable

# tags (rpm: include/rpm/rpmtag.h)
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH = 1000, 1001, 1002, 1003, 1014, 1022
_DIRINDEXES, _BASENAMES, _DIRNAMES = 1116, 1117, 1118
# types (rpm: include/rpm/rpmtag.h): 32-bit numbers, texts, lists of texts, texts in languages
_INT32, _STRING, _STRINGS, _I18N = 4, 6, 8, 9
_NO_LOG = b"\x01\x01"
_INDEX = struct.Struct(">IIII")  # tag, type, offset, count
#: Most values that are read of one tag: no package has more files.
MAX_COUNT = 500_000
#: Most steps of SQLite's machine, a thousand at a time, and bytes of one header.
_STEPS = 200_000
_MAX_HEADER = 64 << 20


def packages(data: bytes) -> Iterator[SystemPackage]:
    """Yield the packages of an ``rpmdb.sqlite``. Raises FormatError for a damaged one.

    The database is opened in memory, and nothing in its schema may run.
    """
    with closing(sqlite3.connect(":memory:")) as database:
        steps = iter(range(_STEPS))
        database.set_progress_handler(lambda: next(steps, None) is None, 1_000)
        try:
            # a database in memory has no write-ahead log beside it (SQLite, fileformat2, 1.3.3)
            database.deserialize(data[:18] + _NO_LOG + data[20:])
            for setting in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
                database.execute(f"PRAGMA {setting}")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_HEADER)
            kind = "SELECT type FROM sqlite_schema WHERE name = 'Packages'"
            if database.execute(kind).fetchall() != [("table",)]:
                raise FormatError("no database of rpm")
            rows = database.execute("SELECT blob FROM Packages LIMIT ?", (MAX_PACKAGES,))
            for (blob,) in rows:
                if isinstance(blob, bytes) and (found := header(blob)):
                    yield found
        # texts that are no UTF-8: what sqlite3 tells of them is a UnicodeDecodeError
        except (sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError) as error:
            raise FormatError(f"damaged database of rpm ({error})") from None


def header(blob: bytes) -> SystemPackage | None:
    """Return what a header says; None for one of keys (gpg-pubkey), which are no packages.

    Raises FormatError for a damaged one.
    """
    if len(blob) < 8:
        raise FormatError("a header of rpm is cut off")
    tags, length = struct.unpack_from(">II", blob)
    start = 8 + tags * _INDEX.size
    if start + length > len(blob):
        raise FormatError("a header of rpm is cut off")
    data = blob[start : start + length]
    found: dict[int, list[str] | list[int]] = {}
    for tag, kind, offset, count in _INDEX.iter_unpack(blob[8:start]):
        found[tag] = _values(data, kind, offset, count)
    name, version, release, epoch, licence, arch = (
        str(next(iter(found.get(tag, ())), ""))
        for tag in (_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH)
    )
    if not name or not version or name == "gpg-pubkey":
        return None
    version = printable(f"{version}-{release}" if release else version, 200)
    paths = tuple(_paths(found))
    return SystemPackage(
        "rpm", printable(name, 200), version, arch, printable(licence, 500), epoch, paths
    )


def _values(data: bytes, kind: int, offset: int, count: int) -> list[str] | list[int]:
    if kind == _INT32:
        if count > MAX_COUNT or offset + 4 * count > len(data):
            raise FormatError("numbers beyond their header of rpm")
        return list(struct.unpack_from(f">{count}I", data, offset))
    if kind in (_STRING, _STRINGS, _I18N):
        count = 1 if kind == _STRING else min(count, MAX_COUNT)
        texts = data[offset:].split(b"\0", count)[:count]
        return [text.decode("utf-8", "surrogateescape") for text in texts]
    return []


def _paths(found: dict[int, list[str] | list[int]]) -> Iterator[str]:
    folders = found.get(_DIRNAMES, [])
    names = found.get(_BASENAMES, [])
    for index, name in zip(found.get(_DIRINDEXES, []), names, strict=False):
        if isinstance(index, int) and index < len(folders):
            yield f"{folders[index]}{name}"
