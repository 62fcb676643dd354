"""Events of fanotify: whole ones, broken ones, and lengths that lie."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.events.fanotify import FileEvent, parse

FSID = b"12345678"


def handle(data: bytes) -> bytes:
    return struct.pack("=Ii", len(data), 1) + data


def record(kind: int, body: bytes, fsid: bytes = FSID) -> bytes:
    whole = fsid + body
    whole += b"\0" * (-len(whole) % 4)
    return struct.pack("=BxH", kind, 4 + len(whole)) + whole


def event(mask: int, *records: bytes, pid: int = 7, descriptor: int = -1) -> bytes:
    rest = b"".join(records)
    return struct.pack("=IBxHQii", 24 + len(rest), 3, 24, mask, descriptor, pid) + rest


FOLDER, FILE = handle(b"folder"), handle(b"the file")
NAMED = event(0x28, record(2, FOLDER + b"a.gguf\0"), record(1, FILE))
EXPECTED = FileEvent(0x28, 7, FSID, FOLDER, FILE, b"a.gguf", -1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (NAMED, [EXPECTED]),
        (NAMED + NAMED, [EXPECTED] * 2),
        (event(0x4000, pid=0), [FileEvent(0x4000, 0, b"", b"", b"", b"", -1)]),
        (event(0x20, descriptor=9), [FileEvent(0x20, 7, b"", b"", b"", b"", 9)]),
        # the folder itself; the name may be any bytes
        (event(0x20, record(3, FOLDER)), [FileEvent(0x20, 7, FSID, FOLDER, b"", b"", -1)]),
        (
            event(0x20, record(2, FOLDER + b"\xff\n" * 127 + b"\0")),
            [FileEvent(0x20, 7, FSID, FOLDER, b"", b"\xff\n" * 127, -1)],
        ),
        # an unknown record is stepped over
        (
            event(0x20, record(4, handle(b"")), record(1, FILE)),
            [FileEvent(0x20, 7, FSID, b"", FILE, b"", -1)],
        ),
        (NAMED + NAMED[:50], [EXPECTED]),
        (b"", []),
    ],
)
def test_events(data: bytes, expected: list[FileEvent]) -> None:
    assert parse(data) == expected
    assert parse(memoryview(data)) == expected


def test_longer_metadata_of_another_kernel_is_stepped_over() -> None:
    longer = struct.pack("=IBxHQii", 32 + len(record(1, FILE)), 3, 32, 0x20, -1, 7) + b"\0" * 8
    assert parse(longer + record(1, FILE))[0].file == FILE


@pytest.mark.parametrize("length", [0, 23, len(NAMED) + 1, 2**32 - 1])
def test_an_event_of_an_impossible_length_ends_the_list(length: int) -> None:
    broken = struct.pack("=I", length) + NAMED[4:]
    assert parse(NAMED + broken) == [EXPECTED]


def test_another_version_is_not_guessed_at() -> None:
    assert parse(NAMED[:4] + b"\4" + NAMED[5:]) == []


@pytest.mark.parametrize("claimed", [7, 9, 100, 2**32 - 1])
def test_a_handle_stays_in_its_record(claimed: int) -> None:
    lying = record(1, struct.pack("=Ii", claimed, 1) + b"sixsix")
    found = parse(event(0x20, lying, record(2, FOLDER + b"n\0")))[0]
    assert (found.folder, found.name) == (FOLDER, b"n")
    assert len(found.file) <= len(lying)


def test_a_name_without_an_end_ends_with_its_record() -> None:
    whole = FSID + handle(b"1234") + b"abcd"
    lying = struct.pack("=BxH", 2, 4 + len(whole)) + whole
    assert parse(event(0x20, lying, record(1, FILE)))[0].name == b"abcd"


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_the_usual_form_is_read_like_any_other(folder: bytes, file: bytes, name: bytes) -> None:
    records = record(2, handle(folder) + name + b"\0"), record(1, handle(file))
    unknown = record(9, handle(b""))
    assert parse(event(0x20, *records)) == parse(event(0x20, unknown, *records))


@given(st.binary(max_size=400))
def test_any_bytes_give_a_list(data: bytes) -> None:
    parse(data)


# numbers that make some lengths fit and some not
SIZES = st.sampled_from([0, 1, 3, 4, 8, 19, 20, 24, 28, 40, 60, 200, 65535])


@given(st.lists(st.tuples(st.integers(0, 12), SIZES, SIZES, st.binary(max_size=60)), max_size=4))
def test_parts_are_parts_of_their_event(records: list[tuple[int, int, int, bytes]]) -> None:
    inside = b"".join(
        struct.pack("=BxH", kind, length) + FSID + struct.pack("=Ii", size, 1) + body
        for kind, length, size, body in records
    )
    after = event(0x20, record(1, handle(b"secret")))
    found = parse(event(0x8, inside) + after)
    assert len(found) == 2
    for part in found[0][2:6]:
        assert isinstance(part, bytes)
        assert part in inside
