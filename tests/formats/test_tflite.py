import math
import struct
from typing import Any

import pytest
from builders_a import (
    ORDINARY,
    Flat,
    Ints,
    Metered,
    attempt,
    each_spoiled,
    flatbuffer,
    spoiled,
    tflite_file,
    tflite_tensor,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import tflite
from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

FLOAT32, FLOAT16, STRING, INT8, INT4 = 0, 1, 5, 9, 17


def buffer(size: int) -> Flat:
    return Flat({0: b"w" * size})


TYPICAL = tflite_file(
    [
        [
            tflite_tensor((1, 224, 224, 3), FLOAT32, 0),
            tflite_tensor((8, 4), INT8, 1),
            tflite_tensor((4,), FLOAT32, 2),
        ],
        [tflite_tensor((8, 4), INT8, 1)],
    ],
    [buffer(32), buffer(16), buffer(0)],
    description="MLIR Converted.",
    metadata=["min_runtime_version", "TFLITE_METADATA"],
)


def parse(data: bytes) -> ModelHeader:
    assert tflite.recognise(data[:4096], len(data))
    header = tflite.parse(Metered(data))
    assert header is not None
    return header


def of(tensors: list[Flat], *buffers: Flat) -> ModelHeader:
    return parse(tflite_file([tensors], buffers))


def test_typical_file() -> None:
    assert parse(TYPICAL) == ModelHeader(
        format="tflite",
        format_version="3",
        description="MLIR Converted.",
        parameters=36,
        quantization="INT8",
        tensors=2,
        properties=(
            ("metadata", "TFLITE_METADATA, min_runtime_version"),
            ("operator_codes", "2"),
            ("operators", "4"),
            ("subgraphs", "2"),
        ),
    )


@pytest.mark.parametrize(
    ("number", "name", "size"),
    [
        (0, "FLOAT32", 40),
        (1, "FLOAT16", 20),
        (3, "UINT8", 10),
        (4, "INT64", 80),
        (5, "STRING", 90),
        (9, "INT8", 10),
        (11, "COMPLEX128", 160),
        (17, "INT4", 5),
        (18, "BFLOAT16", 20),
        (19, "INT2", 3),
        (22, "FLOAT8_E5M2", 10),
        (99, "tensor_type_99", 10),
    ],
)
def test_types(number: int, name: str, size: int) -> None:
    header = of([tflite_tensor((2, 5), number, 1)], buffer(size))
    assert (header.quantization, header.parameters) == (name, 10)


@pytest.mark.parametrize(("shape", "count"), [((), 1), ((0,), 0), ((3, 2), 6), ((1, 1, 1), 1)])
def test_shapes(shape: tuple[int, ...], count: int) -> None:
    assert of([tflite_tensor(shape, FLOAT32, 1)], buffer(24)).parameters == count


def test_tensors_without_data_do_not_count() -> None:
    header = of([tflite_tensor((5,), FLOAT32, 0), tflite_tensor((5,), FLOAT32, 1)], buffer(0))
    assert (header.parameters, header.tensors, header.quantization) == (0, 0, None)


def test_a_shared_buffer_counts_once() -> None:
    assert of([tflite_tensor((5,), FLOAT32, 1)] * 9, buffer(20)).parameters == 5


def test_sparse_tensor_counts_what_is_held() -> None:
    assert of([tflite_tensor((100, 100), FLOAT16, 1, sparse=True)], buffer(64)).parameters == 32


def test_data_outside_of_the_flatbuffer() -> None:
    outside = Flat({1: (8, 16), 2: (8, 40)})
    assert of([tflite_tensor((10,), FLOAT32, 1)], outside).parameters == 10


def test_no_data_outside_is_written_as_one() -> None:
    assert of([tflite_tensor((10,), FLOAT32, 1)], Flat({1: (8, 1), 2: (8, 1)})).tensors == 0


@pytest.mark.parametrize(
    ("description", "expected"),
    [("", None), ("a\nb", "a b"), ("caf\xe9", "caf\xe9"), ("x" * 2000, "x" * 1000 + "…")],
)
def test_description(description: str, expected: str | None) -> None:
    assert parse(tflite_file([], [], description=description)).description == expected


def test_empty_model() -> None:
    header = parse(flatbuffer(Flat(), b"TFL3"))
    assert header.format_version == "0"
    assert dict(header.properties) == {"operator_codes": "0", "operators": "0", "subgraphs": "0"}


def test_metadata_names_are_capped() -> None:
    names = [f"{number:03}" * 20 for number in range(200)]
    shown = dict(parse(tflite_file([], [], metadata=names)).properties)["metadata"]
    assert len(shown) == 1000


def test_weights_are_not_read() -> None:
    data = tflite_file([[tflite_tensor((1 << 20,), FLOAT32, 1)]], [buffer(4 << 20)])
    assert tflite.parse(Metered(data, limit=8192))


TENSOR = tflite_tensor((10,), FLOAT32, 1)


@pytest.mark.parametrize(
    ("tensors", "buffers", "message"),
    [
        ([TENSOR], [buffer(39)], "tensor larger than its data"),
        ([tflite_tensor((2**31 - 1,) * 2, FLOAT32, 1)], [buffer(40)], "larger than its data"),
        ([tflite_tensor((2**31 - 1,) * 3, FLOAT32, 1)], [buffer(40)], "dimensions overflow"),
        ([tflite_tensor((-1,), FLOAT32, 1)], [buffer(40)], "negative tensor dimension"),
        ([tflite_tensor((1,) * 33, FLOAT32, 1)], [buffer(40)], "vector too long"),
        ([tflite_tensor((1,), FLOAT32, 2)], [buffer(40)], "tensor of a missing buffer"),
        ([tflite_tensor((1,), FLOAT32, 2**32 - 1)], [], "tensor of a missing buffer"),
        ([TENSOR], [Flat({1: (8, 2**63), 2: (8, 40)})], "buffer beyond the file"),
        ([TENSOR], [Flat({1: (8, 16), 2: (8, 2**64 - 1)})], "buffer beyond the file"),
    ],
)
def test_lies(tensors: list[Flat], buffers: list[Flat], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        tflite.parse(Metered(tflite_file([tensors], buffers)))


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (struct.pack("<I", 2**32 - 1), "offset beyond the file"),
        (struct.pack("<I", 100), "offset beyond the file"),
        (struct.pack("<I", 8) + b"TFL3" + struct.pack("<i", 2**31 - 1), "offset beyond the file"),
        (struct.pack("<I", 8) + b"TFL3" + struct.pack("<i", -(2**31)), "offset beyond the file"),
        (struct.pack("<I", 8) + b"TFL3" + struct.pack("<iHH", -4, 3, 4), "broken table"),
        (struct.pack("<I", 8) + b"TFL3" + struct.pack("<iHH", -4, 65535, 4), "beyond the file"),
    ],
)
def test_broken_root(root: bytes, message: str) -> None:
    data = root[:4] + b"TFL3" + root[8:]
    with pytest.raises(FormatError, match=message):
        tflite.parse(Metered(data + bytes(8)))


def test_vector_longer_than_the_file() -> None:
    data = bytearray(flatbuffer(Flat({3: "description"}), b"TFL3"))
    at = data.index(struct.pack("<I", 11) + b"description")
    data[at : at + 4] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(FormatError, match="vector beyond the file"):
        tflite.parse(Metered(bytes(data)))


def test_tables_that_are_pointed_to_again_and_again() -> None:
    subgraph = Flat({0: [TENSOR] * 1000})
    data = flatbuffer(Flat({2: [subgraph] * 1000, 4: [Flat(), buffer(40)]}), b"TFL3")
    assert len(data) < 10_000
    with pytest.raises(FormatError, match="too many tensors"):
        tflite.parse(Metered(data))


def test_too_many_subgraphs() -> None:
    with pytest.raises(FormatError, match="10001 subgraphs"):
        tflite.parse(Metered(tflite_file([[]] * 10_001, [])))


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files(name: str) -> None:
    data = ORDINARY[name]
    assert not tflite.recognise(data[:4096], len(data))
    assert tflite.parse(Metered(data)) is None


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        attempt(tflite, data)


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(tflite, data)


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 60))
def test_arbitrary_bytes(data: bytes, root: int) -> None:
    attempt(tflite, data)
    attempt(tflite, struct.pack("<I", root) + b"TFL3" + data)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=4), max_size=3),
    st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=40),
    st.sampled_from((FLOAT32, INT8, FLOAT16)),
)
def test_round_trip(shapes: list[list[list[int]]], description: str, kind: int) -> None:
    flat: list[Any] = [shape for subgraph in shapes for shape in subgraph]
    numbers = iter(range(1, len(flat) + 1))
    subgraphs = [[tflite_tensor(shape, kind, next(numbers)) for shape in one] for one in shapes]
    buffers = [buffer(max(4 * math.prod(shape), 1)) for shape in flat]
    header = parse(tflite_file(subgraphs, buffers, description=description))
    assert header.description == description
    assert header.parameters == sum(math.prod(shape) for shape in flat)
    assert header.tensors == len(flat)
    assert dict(header.properties)["subgraphs"] == str(len(shapes))


def test_builder_writes_vectors_of_numbers() -> None:
    data = flatbuffer(Flat({0: Ints((1, -2))}), b"TFL3")
    assert data.endswith(struct.pack("<Iii", 2, 1, -2))
