import json
import struct

import pytest
from builders_a import ORDINARY, Metered, each_spoiled, spoiled
from builders_graphs import attempt, plan, read
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import tensorrt
from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

SAID = {
    "description": "Ultralytics YOLO11n model",
    "author": "Ultralytics",
    "license": "AGPL-3.0",
    "version": "8.3.1",
    "task": "detect",
    "imgsz": [640, 640],
    "names": {"0": "person"},
}


def ultralytics(said: object, engine: bytes) -> bytes:
    text = json.dumps(said).encode()
    return struct.pack("<I", len(text)) + text + engine


TYPICAL = ultralytics(SAID, plan())


def test_plan() -> None:
    assert read(tensorrt, plan()) == ModelHeader(
        format="tensorrt", properties=(("tensorrt_version", "10.3.0.26"),)
    )


def test_metadata_before_the_plan() -> None:
    assert read(tensorrt, TYPICAL) == ModelHeader(
        format="tensorrt",
        producer="Ultralytics",
        description="Ultralytics YOLO11n model",
        licence="AGPL-3.0",
        properties=(
            ("tensorrt_version", "10.3.0.26"),
            ("ultralytics.imgsz", "[640, 640]"),
            ("ultralytics.task", "detect"),
            ("ultralytics.version", "8.3.1"),
        ),
    )


@pytest.mark.parametrize(
    "data",
    [
        plan(tag=b"ptrt"),
        plan(serial=1),
        plan((8, 5, 3, 1)),  # before the version stood there
        plan((7, 255, 0, 0)),
        plan((200, 1, 1, 1)),
    ],
)
def test_a_version_is_told_only_where_the_layout_is_known(data: bytes) -> None:
    assert read(tensorrt, data).properties == ()


def test_metadata_longer_than_the_view() -> None:
    names = {str(number): "a class of some name" for number in range(1000)}
    assert read(tensorrt, ultralytics(SAID | {"names": names}, plan())).producer == "Ultralytics"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<I", 4) + b"{abc" + plan(), "no json object"),
        (struct.pack("<I", 2 << 20) + b"{".ljust(2 << 20) + plan(), "metadata too large"),
    ],
)
def test_damage(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        tensorrt.parse(Metered(data))


@pytest.mark.parametrize(
    "data",
    [
        *ORDINARY.values(),
        b"ftrt",
        plan()[:27],
        b"ftrt is the tag of a plan, and here it is in a text.",
        ultralytics(SAID, bytes(64)),
        ultralytics(SAID, b"ftrt"),
        b"\x00\x00\x00\x00{" + bytes(64),
    ],
)
def test_no_engine(data: bytes) -> None:
    assert attempt(tensorrt, data) is None


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        attempt(tensorrt, data)


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(tensorrt, data)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_arbitrary_bytes(data: bytes) -> None:
    attempt(tensorrt, data)
    attempt(tensorrt, struct.pack("<I", len(data) + 1) + b"{" + data + plan())
