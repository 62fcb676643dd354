import struct
import zipfile

import pytest
from builders_b import Made, Name, Pickler, attempt, keras_config, keras_zip, torch_zip, zipped
from hypothesis import given, settings
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import npz
from aibom.formats.source import MemorySource
from aibom.types.model import ModelHeader


def array(descr: str, shape: tuple[int, ...], data: bytes = b"", version: int = 1) -> bytes:
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head = head.ljust(117) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(head))
    return b"\x93NUMPY" + bytes([version, 0]) + length + head + (data or bytes(4))


def archive(arrays: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    return zipped([(f"{name}.npy", data) for name, data in arrays.items()], method=method)


def parsed(data: bytes) -> ModelHeader | None:
    return npz.parse(MemorySource(data))


LAYER = {
    "params/encoder/layers_0/mlp/wi/kernel": array("<f4", (8, 16)),
    "params/encoder/layers_0/mlp/wi/bias": array("<f4", (16,)),
    "params/encoder/norm/scale": array("<f4", (8,)),
}
NETWORKS = {
    "Flax": (LAYER, 128 + 16 + 8, "f4"),
    "one array of another kind": (LAYER | {"cls": array("<f4", (1, 8))}, 160, "f4"),
    "MLX": (
        {"layers.0.attn.weight": array("<f2", (4, 4)), "norm.weight": array("<f2", (4,))},
        20,
        "f2",
    ),
    "MLX, quantised": (
        {
            "layers.0.wq.weight": array("<u4", (4, 4)),
            "layers.0.wq.scales": array("<f2", (4, 1)),
            "layers.0.wq.biases": array("<f2", (4, 1)),
        },
        24,
        "u4",
    ),
    "AlphaFold": (
        {
            "alphafold/evoformer/linear//weights": array("<f4", (4, 4)),
            "alphafold/evoformer/linear//bias": array("<f4", (4,)),
        },
        20,
        "f4",
    ),
    "bfloat16 in a later version": (
        {"a/kernel": array("|V2", (4, 4), version=2), "a/bias": array("|V2", (4,), version=2)},
        20,
        "V2",
    ),
}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("arrays", "parameters", "quantization"), NETWORKS.values(), ids=list(NETWORKS)
)
def test_networks(
    arrays: dict[str, bytes], parameters: int, quantization: str, method: int
) -> None:
    assert parsed(archive(arrays, method)) == ModelHeader(
        format="npz",
        parameters=parameters,
        quantization=quantization,
        tensors=len(arrays),
        properties=(("arrays", str(len(arrays))),),
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("version", [1, 2])
def test_pickles_inside(method: int, version: int) -> None:
    evil = array("|O", (), Pickler(4).dump(Made(Name("os", "system"), ("id",))), version)
    plain = array("|O", (), Pickler(4).dump({"0": "x"}))
    header = parsed(archive({"layers/dense/vars": plain, "optimizer/vars": evil}, method))
    assert header is not None
    assert header.globals == ("os.system",)
    assert [(c.kind, c.level) for c in header.concerns] == [("pickle-code", "note")]
    assert (header.parameters, header.tensors) == (None, None)


def test_file_of_keras() -> None:
    header = parsed(sample("npz", 1))
    assert header is not None
    assert "numpy.dtype" in header.globals


DATA = {
    "savez without names": {"arr_0": array("<f8", (3, 3)), "arr_1": array("<f8", (3,))},
    "observations": {"x": array("<f8", (3, 3)), "weight": array("<f8", (3,))},
    "columns": {"adult/weight": array("<f8", (300,)), "adult/height": array("<f8", (300,))},
    "matrices of a study": {
        "mice/weight": array("<f8", (3, 3)),
        "mice/age": array("<f8", (3, 3)),
        "mice/name": array("<U9", (3, 3)),
    },
    "a convolution": {"image": array("<f8", (9, 9)), "blur/kernel": array("<f8", (3, 3))},
    "text": {"a/weight": array("<U5", (3, 3)), "a/bias": array("<U5", (3,))},
    "statistics": {"mu": array("<f8", (2048,)), "sigma": array("<f8", (2048, 2048))},
    "a sparse matrix": {n: array("<i4", (3,)) for n in ("data", "indices", "indptr", "shape")},
    "one array": {"a/kernel": array("<f4", (3, 3))},
    "records": {"a/kernel": b"\x93NUMPY\x01\x00v\x00{'descr': [('a', '<f4')], ", "a/bias": b""},
}


@pytest.mark.parametrize("arrays", DATA.values(), ids=list(DATA))
def test_data(arrays: dict[str, bytes]) -> None:
    assert parsed(archive(arrays)) is None


@pytest.mark.parametrize(
    "data",
    [
        *benign("npz"),
        keras_zip(keras_config()),
        torch_zip({}, {}),
        zipped([("a/kernel.npy", array("<f4", (3, 3))), ("readme.txt", b"")]),
        archive(LAYER)[:-30],
    ],
)
def test_benign(data: bytes) -> None:
    assert parsed(data) is None


def test_shapes_that_cannot_be() -> None:
    huge = array("<f4", (1 << 62, 1 << 62))
    assert parsed(archive({"a/kernel": huge, "a/bias": array("<f4", (1,))})) is None


def test_every_spoiled_byte() -> None:
    bear_each_spoiled_byte(npz, sample("npz"))


@settings(max_examples=100, deadline=None)
@given(spoiled_samples("npz"))
def test_spoiled(data: bytes) -> None:
    attempt(npz, data)
