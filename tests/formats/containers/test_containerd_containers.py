"""Which image a container was made of, by what lies below its snapshot."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.bolt import Database
from aibom.formats.containers.containerdrun import images_of
from aibom.formats.source import FormatError, MemorySource
from tests.formats.test_bolt import SIZE, Bucket, database, image, leaf


def digest(character: str) -> str:
    return "sha256:" + character * 64


def container(chain: bytes, snapshotter: bytes = b"overlayfs") -> Bucket:
    return {b"snapshotKey": chain, b"snapshotter": snapshotter}


OLD, NEW, BOTH = digest("1"), digest("2"), digest("3")
CHAINS = {"old": digest("a").encode(), "new": digest("b").encode(), "gone": digest("c").encode()}
LABEL = b"containerd.io/gc.ref."


def blob(**labels: str) -> Bucket:
    named = {LABEL + k.replace("_", ".").encode(): v.encode() for k, v in labels.items()}
    return {b"labels": named, b"size": b"\x02"}


BLOBS: Bucket = {
    OLD.encode(): blob(content_config=digest("4"), content_l_0=digest("7")),
    NEW.encode(): blob(content_config=digest("5"), content_l_0=digest("8")),
    BOTH.encode(): blob(content_m_0=NEW),
    digest("4").encode(): blob(snapshot_overlayfs=digest("a")),
    digest("5").encode(): blob(snapshot_overlayfs=digest("b")),
    digest("7").encode(): {b"labels": {b"containerd.io/uncompressed": digest("7").encode()}},
}
KUBERNETES: Bucket = {
    b"containers": {
        b"one": container(b"s1"),
        b"two": container(b"s2"),
        b"mapped": container(b"s3"),
        b"lost": container(b"s4"),
        b"unknown": container(b"nowhere"),
        b"remote": container(b"s1", b"stargz"),
    },
    b"content": {b"blob": BLOBS},
    b"images": {
        b"docker.io/library/app:1": image(BOTH, 5),
        b"docker.io/library/old:1": image(OLD, 5),
    },
    b"snapshots": {
        b"overlayfs": {
            b"s1": {b"parent": CHAINS["old"]},
            b"s2": {b"parent": CHAINS["new"]},
            b"s3": {b"parent": CHAINS["old"] + b"-0-65536"},
            b"s4": {b"parent": CHAINS["gone"]},
        }
    },
}
ROOT: Bucket = {b"v1": {b"k8s.io": KUBERNETES}}
STORE = database(leaf(3, ROOT, overflow=(len(leaf(3, ROOT)) - 1) // SIZE))


@pytest.mark.parametrize(
    ("container", "name", "expected"),
    [
        ("two", "app:1", BOTH),  # the index, where the name still means it
        ("one", "app:1", OLD),  # the name has moved on
        ("one", "old:1", OLD),
        ("one", "never:1", OLD),  # the name is gone
        ("mapped", "app:1", OLD),
        ("lost", "app:1", None),  # its image is gone, and the name means another one
        ("unknown", "app:1", BOTH),
        ("remote", "old:1", OLD),
        ("of another runtime", "old:1", OLD),
        ("of another runtime", "never:1", None),
    ],
)
def test_the_image_of_a_container(container: str, name: str, expected: str | None) -> None:
    found = images_of(Database(MemorySource(STORE)), {container: name})
    assert found.get(container) == expected


@given(st.lists(st.tuples(st.integers(0, len(STORE) - 1), st.integers(0, 255)), max_size=20))
def test_damage_raises_nothing_else(changes: list[tuple[int, int]]) -> None:
    data = bytearray(STORE)
    for at, value in changes:
        data[at] = value
    with contextlib.suppress(FormatError):
        images_of(Database(MemorySource(bytes(data))), {"one": "app:1", "lost": "app:1"})
