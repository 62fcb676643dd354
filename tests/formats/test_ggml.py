import struct

import pytest
from builders_b import attempt
from hypothesis import given, settings
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import ggml
from aibom.formats.source import MemorySource
from aibom.types.model import ModelHeader


def model(magic: bytes, version: int, *, rot: int = 128, ftype: int = 2) -> bytes:
    return struct.pack("<4s8I", magic, version, 32000, 4096, 256, 32, 32, rot, ftype) + bytes(40)


@pytest.mark.parametrize(
    ("magic", "version", "shown"),
    [(b"fmgg", 1, "ggmf v1"), (b"tjgg", 1, "ggjt v1"), (b"tjgg", 3, "ggjt v3")],
)
def test_model(magic: bytes, version: int, shown: str) -> None:
    header = ggml.parse(MemorySource(model(magic, version, ftype=15)))
    assert header is not None
    assert (header.format_version, header.quantization) == (shown, "Q4_K_M")
    assert dict(header.properties)["n_layer"] == "32"


def test_adapter() -> None:
    assert ggml.parse(MemorySource(sample("llama-ggml", 1))) == ModelHeader(
        format="llama-ggml",
        kind="adapter",
        format_version="ggla v1",
        architecture="llama",
        properties=(("adapter.type", "lora"), ("lora_alpha", "16"), ("lora_r", "8")),
    )


@pytest.mark.parametrize(
    "data",
    [
        *benign("llama-ggml"),
        model(b"tjgg", 4),
        model(b"fmgg", 2),
        model(b"tjgg", 1, rot=64),
        model(b"tjgg", 1, ftype=99),
        model(b"lmgg", 1),
        sample("whisper-ggml"),
        sample("gguf"),
        b"",
    ],
)
def test_benign(data: bytes) -> None:
    assert not ggml.recognise(data, len(data))
    assert ggml.parse(MemorySource(data)) is None


def test_every_spoiled_byte() -> None:
    for number in range(2):
        bear_each_spoiled_byte(ggml, sample("llama-ggml", number))


@settings(max_examples=100, deadline=None)
@given(spoiled_samples("llama-ggml"))
def test_spoiled(data: bytes) -> None:
    attempt(ggml, data)
