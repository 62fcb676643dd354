"""Package databases of Debian, Alpine and rpm: what is installed, and what is broken."""

import contextlib
import sqlite3
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.packages import rpmdb, system
from aibom.formats.packages.system import Distribution, SystemPackage
from aibom.formats.source import FormatError

STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9+deb12u4
Description: GNU C Library
 Version: 9
 .
 Package: not-this

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: tzdata
Status: hold ok installed
Architecture: all
Version: 2024a-0+deb12u1

Status: install ok installed
"""
LISTS = {"libc6:amd64": b"/.\n/lib\n/lib/libc.so.6\n", "tzdata": b"0" * 32 + b"  usr/share/zone\n"}
APK = b"""C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1x=
R:libc.musl-x86_64.so.1
F:
R:top

P:no-version

P:busybox
V:1.36.1-r29
"""


def test_dpkg() -> None:
    assert list(system.dpkg(STATUS, LISTS)) == [
        SystemPackage(
            "deb", "libc6", "2.36-9+deb12u4", "amd64", paths=("/.", "/lib", "/lib/libc.so.6")
        ),
        SystemPackage("deb", "tzdata", "2024a-0+deb12u1", "all", paths=("/usr/share/zone",)),
    ]


def test_a_package_of_distroless_has_no_status() -> None:
    data = b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\n"
    assert not list(system.dpkg(data, {}))
    assert [p.name for p in system.dpkg(data, {}, every=True)] == ["base-files"]


def test_apk() -> None:
    musl, busybox = system.apk(APK)
    assert musl == SystemPackage(
        "apk",
        "musl",
        "1.2.5-r0",
        "x86_64",
        "MIT",
        paths=("/lib/ld-musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1", "/top"),
    )
    assert (busybox.name, busybox.paths) == ("busybox", ())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'ID=debian\nVERSION_ID="12"\n', Distribution("debian", "12")),
        (b"# x\nID='Rocky'\nNAME=\"a\nVERSION_ID=9.3", Distribution("rocky", "9.3")),
        (b'ID="debian\n', Distribution()),
        (b"\xff\xfe", Distribution()),
    ],
)
def test_os_release(data: bytes, expected: Distribution) -> None:
    assert system.os_release(data) == expected


@pytest.mark.parametrize(
    ("package", "distribution", "expected"),
    [
        (
            SystemPackage("deb", "libc6", "2.36-9+deb12u4", "amd64"),
            Distribution("debian", "12"),
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
        ),
        (
            SystemPackage("deb", "adduser", "1:3.134", "all"),
            Distribution(),
            "pkg:deb/debian/adduser@1:3.134?arch=all",
        ),
        (
            SystemPackage("rpm", "bash", "5.1.8-9.el9", "x86_64", epoch="2"),
            Distribution("rhel", "9.4"),
            "pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4&epoch=2",
        ),
        (
            SystemPackage("apk", "musl", "1.2.5-r0", "x86_64"),
            Distribution("wolfi"),
            "pkg:apk/wolfi/musl@1.2.5-r0?arch=x86_64&distro=wolfi",
        ),
    ],
)
def test_purls(package: SystemPackage, distribution: Distribution, expected: str) -> None:
    assert system.purl(package, distribution) == expected


def header(**changes: object) -> bytes:
    """Return an rpm header as the database holds it."""
    said = {
        1000: (6, b"foo\0", 1),
        1001: (6, b"1.2\0", 1),
        1002: (6, b"3\0", 1),
        1003: (4, struct.pack(">I", 2), 1),
        1014: (6, b"MIT AND BSD-3-Clause\0", 1),
        1022: (6, b"noarch\0", 1),
        1116: (4, struct.pack(">II", 1, 0), 2),
        1117: (8, b"a\0b\0", 2),
        1118: (8, b"/opt/\0/usr/lib/foo/\0", 2),
    }
    said |= {int(k[1:]): v for k, v in changes.items()}  # type: ignore[misc]
    index, data = b"", b""
    for tag, (kind, value, count) in said.items():
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(said), len(data)) + index + data


FOO = SystemPackage(
    "rpm",
    "foo",
    "1.2-3",
    "noarch",
    "MIT AND BSD-3-Clause",
    "2",
    ("/usr/lib/foo/a", "/opt/b"),
)


def database(*blobs: object, wal: bool = False, schema: str = "") -> bytes:
    made = sqlite3.connect(":memory:")
    made.execute(
        schema or "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB)"
    )
    for blob in blobs:
        made.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
    made.commit()
    data = made.serialize()
    made.close()
    return data[:18] + b"\2\2" + data[20:] if wal else data


@pytest.mark.parametrize("wal", [False, True])
def test_rpm(wal: bool) -> None:
    keys = header(t1000=(6, b"gpg-pubkey\0", 1))
    assert list(rpmdb.packages(database(header(), keys, "text", wal=wal))) == [FOO]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no database|damaged"),
        (b"x" * 5000, "damaged"),
        (database()[:3000], "damaged|no database"),
        (database(b"short"), "cut off"),
        (database(header()[:-1]), "cut off"),
        (database(header(t1116=(4, b"", 1_000_000))), "beyond"),
        (
            database(schema="CREATE VIEW Packages AS SELECT 1 AS blob"),
            "no database of rpm",
        ),
        (database(schema="CREATE TABLE Other (x)"), "no database of rpm"),
    ],
)
def test_a_database_of_rpm_that_is_none(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        list(rpmdb.packages(data))


def test_a_query_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpmdb, "_STEPS", 0)
    with pytest.raises(FormatError, match="interrupted"):
        list(rpmdb.packages(database(*[header()] * 5000)))


READERS: list[tuple[bytes, Callable[[bytes], object]]] = [
    (database(header(), header()), lambda data: list(rpmdb.packages(data))),
    (header(), rpmdb.header),
    (STATUS, lambda data: list(system.dpkg(data, {"libc6": data}))),
    (APK, lambda data: list(system.apk(data))),
    (b'ID="a b"\nVERSION_ID=1\n', system.os_release),
]


@given(st.sampled_from(READERS), st.data())
def test_damage_raises_nothing_else(
    reader: tuple[bytes, Callable[[bytes], object]], data: st.DataObject
) -> None:
    whole, read = reader
    broken = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        broken[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        read(bytes(broken[: data.draw(st.integers(0, len(whole)))]))


@pytest.mark.parametrize("name", [b"/", b"//", b"  /"])
def test_a_package_without_a_name_has_no_purl(name: bytes) -> None:
    for found in system.apk(b"P:" + name + b"\nV:1\nA:x\n\n"):
        assert system.purl(found, Distribution("alpine", "3")) == ""


def test_texts_of_a_database_of_rpm_that_are_no_text() -> None:
    with sqlite3.connect(":memory:") as made:
        made.execute("CREATE TABLE Packages (hnum INTEGER, blob BLOB)")
        data = made.serialize()
    for place in range(len(data)):
        if data[place : place + 1].isalpha():
            with contextlib.suppress(FormatError):
                list(rpmdb.packages(data[:place] + b"\xff" + data[place + 1 :]))
