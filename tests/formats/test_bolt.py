"""Bolt databases: a small one written here, found in containerd's way, and broken in many."""

import contextlib
import struct
from collections.abc import Mapping
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.bolt import Database
from aibom.formats.containers import containerd
from aibom.formats.source import FormatError, MemorySource

SIZE = 4096
Bucket: TypeAlias = "Mapping[bytes, bytes | Bucket]"


def fnv(data: bytes) -> int:
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return value


def meta(number: int, root: int, transaction: int) -> bytes:
    body = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, SIZE, 0, root, 0, 2, 99, transaction)
    page = struct.pack("<QHHI", number, 4, 0, 0) + body + struct.pack("<Q", fnv(body))
    return page.ljust(SIZE, b"\0")


def leaf(number: int, bucket: Bucket, overflow: int = 0) -> bytes:
    """Return a page of entries; buckets in it lie inside of it."""
    values = {
        key: (1, struct.pack("<QQ", 0, 0) + leaf(0, value))
        if isinstance(value, Mapping)
        else (0, value)
        for key, value in sorted(bucket.items())
    }
    items, contents = b"", b""
    for index, (key, (flags, value)) in enumerate(values.items()):
        start = 16 * (len(values) - index) + len(contents)
        items += struct.pack("<IIII", flags, start, len(key), len(value))
        contents += key + value
    return struct.pack("<QHHI", number, 2, len(values), overflow) + items + contents


def branch(number: int, *children: int) -> bytes:
    items = b"".join(struct.pack("<IIQ", 0, 0, child) for child in children)
    return struct.pack("<QHHI", number, 1, len(children), 0) + items


def database(*pages: bytes, root: int = 3) -> bytes:
    """Return a file of pages from number 3 on; an older meta page leads elsewhere."""
    free = struct.pack("<QHHI", 2, 16, 0, 0).ljust(SIZE, b"\0")
    padded = b"".join(page.ljust(-(-len(page) // SIZE) * SIZE, b"\0") for page in pages)
    return meta(0, 77, 6) + meta(1, root, 7) + free + padded


def image(digest: str, size: int) -> Bucket:
    number, data = size * 2, b""
    while number >= 0x80:
        data, number = data + bytes([number & 0x7F | 0x80]), number >> 7
    target = {b"digest": digest.encode(), b"mediatype": b"m/t", b"size": data + bytes([number])}
    return {b"labels": {}, b"target": target}


ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
NAMESPACES: Bucket = {
    b"default": {b"images": {b"docker.io/library/app:1": image(ONE, 5)}},
    b"k8s.io": {
        b"images": {
            b"docker.io/library/app:1": image(TWO, 1_000_000),
            b"docker.io/org/app:latest": image(ONE, 7),
        }
    },
}
STORE = database(leaf(3, {b"v1": NAMESPACES}))


def opened(data: bytes) -> Database:
    return Database(MemorySource(data))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("docker.io/library/app:1", (TWO, 1_000_000)),
        ("app:1", (TWO, 1_000_000)),
        ("org/app", (ONE, 7)),
        ("app", None),
        ("", None),
    ],
)
def test_an_image_by_its_name(reference: str, expected: tuple[str, int] | None) -> None:
    found = containerd.target(opened(STORE), reference)
    assert (found and (found.digest, found.size)) == expected


def test_the_names_that_there_are() -> None:
    assert containerd.names(opened(STORE)) == (
        "docker.io/library/app:1",
        "docker.io/org/app:latest",
    )


def test_pages_below_branches_and_longer_than_a_page() -> None:
    long = b"x" * 6000
    two = leaf(4, {b"b": long}, overflow=1)
    data = database(branch(3, 4, 6), two, leaf(6, {b"c": b"2"}))
    assert list(opened(data).keys()) == [b"b", b"c"]
    assert opened(data).value(b"b") == long
    assert opened(data).value(b"d") is None
    assert opened(data).value(b"c", b"d") is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no bolt database"),
        (b"x" * 10_000, "no bolt database"),
        (database(branch(3, 3)), "circle"),
        (database(branch(3, 999)), "beyond the end"),
        (database(leaf(9, {})), "page 3 is damaged"),
        (database(leaf(3, {}, overflow=9)), "truncated"),
        (database(struct.pack("<QHHI", 3, 2, 65535, 0)), "beyond its page|kind"),
        (database(struct.pack("<QHHI", 3, 7, 1, 0)), "kind 7"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        list(opened(data).keys())


@given(st.lists(st.tuples(st.integers(0, len(STORE) - 1), st.integers(0, 255)), max_size=4))
def test_damage_raises_nothing_else(changes: list[tuple[int, int]]) -> None:
    broken = bytearray(STORE)
    for at, value in changes:
        broken[at] = value
    with contextlib.suppress(FormatError):
        containerd.target(opened(bytes(broken)), "app:1")
        containerd.names(opened(bytes(broken)))
