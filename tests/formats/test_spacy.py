import json
import struct
from typing import Any

import pytest
from builders_b import attempt
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import spacy
from aibom.formats.models.msgpack import Reader
from aibom.formats.protobuf import Span
from aibom.formats.source import FormatError, MemorySource
from aibom.types.model import ModelHeader


def packed(value: Any) -> bytes:
    if isinstance(value, dict):
        items = b"".join(packed(k) + packed(v) for k, v in value.items())
        return bytes([0x80 + len(value)]) + items
    if isinstance(value, list):
        return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(packed, value))
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, str):
        return bytes([0xA0 + len(value)]) + value.encode()
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    return b"\xce" + struct.pack(">I", value)


def tensor(shape: list[int], data: bytes, dtype: str = "<f4") -> dict[bytes, Any]:
    return {b"nd": True, b"type": dtype, b"kind": b"", b"shape": shape, b"data": data}


def weights(*params: dict[str, Any], name: str = "parser_model") -> bytes:
    node = {"index": 0, "name": name, "dims": {}, "refs": {}}
    return packed({"nodes": [node], "attrs": [{}], "params": list(params), "shims": [[]]})


def parsed(data: bytes) -> ModelHeader | None:
    return spacy.parse(MemorySource(data))


def test_weights() -> None:
    large = tensor([100, 1000], bytes(400_000))
    data = weights({"W": large, "b": tensor([10], bytes(40))}, {})
    header = spacy.parse(MemorySource(data, budget=20_000))  # what is long is not read
    assert header == ModelHeader(
        format="spacy",
        architecture="parser_model",
        parameters=100_010,
        quantization="f4",
        tensors=2,
        properties=(("layers", "1"),),
    )


def test_file_of_the_library() -> None:
    header = parsed(sample("spacy"))
    assert header is not None
    assert (header.parameters, header.tensors) == (2 * 3 + 2 + 2 * 2 + 2, 4)
    assert header.architecture is None  # only its layers' names, joined


@pytest.mark.parametrize(
    "params",
    [
        tensor([10], bytes(41)),
        tensor([1 << 31, 1 << 31], bytes(4)),
        tensor([10], bytes(40), dtype="object"),
        tensor([], bytes(40)) | {b"shape": 3},
    ],
)
def test_tensors_that_cannot_be(params: dict[Any, Any]) -> None:
    with pytest.raises(FormatError, match="tensor"):
        parsed(weights({"W": params}))


@pytest.mark.parametrize("data", [*benign("spacy"), b"", packed({"nodes": [], "attrs": []})])
def test_benign(data: bytes) -> None:
    assert parsed(data) is None


META = {
    "lang": "en",
    "name": "core_web_sm",
    "version": "3.8.0",
    "spacy_version": ">=3.8.0,<3.9.0",
    "description": "English pipeline.",
    "author": "Explosion",
    "license": "MIT",
    "url": "https://explosion.ai",
    "vectors": {"width": 300, "vectors": 20000, "keys": 20000, "name": "en_vectors"},
    "pipeline": ["tok2vec", "tagger", "ner"],
    "sources": [{"name": "OntoNotes 5", "author": "x"}, {"name": "WordNet 3.0"}, "text"],
    "requirements": [],
}


def test_meta() -> None:
    assert spacy.parse_meta(json.dumps(META).encode()) == ModelHeader(
        format="spacy",
        name="en_core_web_sm",
        producer="Explosion",
        description="English pipeline.",
        licence="MIT",
        properties=(
            ("pipeline", "tok2vec, tagger, ner"),
            ("sources", "OntoNotes 5, WordNet 3.0"),
            ("spacy_version", ">=3.8.0,<3.9.0"),
            ("url", "https://explosion.ai"),
            ("vectors", "20000 of 300"),
            ("version", "3.8.0"),
        ),
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"lang": "en"},
        META | {"pipeline": "ner"},
        META | {"spacy_version": 3},
        META | {"lang": ""},
        [META],
    ],
)
def test_other_json(document: Any) -> None:
    assert spacy.parse_meta(json.dumps(document).encode()) is None


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(META)), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(META)), JSON))
def test_any_meta(changes: dict[str, Any]) -> None:
    spacy.parse_meta(json.dumps(META | changes).encode())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x07", 7),
        (b"\xff", -1),
        (b"\xc0", None),
        (b"\xcb" + struct.pack(">d", 1.5), 1.5),
        (b"\xd3" + struct.pack(">q", -5), -5),
        (b"\xd9\x02ab", "ab"),
        (b"\xc4\x02ab", b"ab"),
        (b"\x92\x01\x02", [1, 2]),
        (b"\xdf\x00\x00\x00\x01\xa1a\x01", {"a": 1}),
        (b"\xc5\x10\x00" + bytes(4096), Span(3, 4096)),
    ],
)
def test_msgpack(data: bytes, expected: Any) -> None:
    reader = Reader(MemorySource(data))
    assert (reader.value(), reader.position) == (expected, len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xc7\x01\x05a",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 99,
        b"\xa5ab",
        b"\x81\x01\x01",
        b"\x82\xa1a\x01\xa1a\x02",
        b"\xdc\xff\xff" + b"\xdc\xff\xff" * 40000,
    ],
)
def test_broken_msgpack(data: bytes) -> None:
    with pytest.raises(FormatError):
        Reader(MemorySource(data)).value()


def test_every_spoiled_byte() -> None:
    bear_each_spoiled_byte(spacy, sample("spacy"))


@settings(max_examples=200, deadline=None)
@given(spoiled_samples("spacy"))
def test_spoiled(data: bytes) -> None:
    attempt(spacy, data)
