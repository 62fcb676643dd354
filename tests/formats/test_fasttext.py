import struct
from typing import Any

import pytest
from builders_b import attempt
from hypothesis import given, settings
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import fasttext
from aibom.formats.source import FormatError, MemorySource
from aibom.types.model import ModelHeader

MODEL = {"dim": 4, "ngrams": 2, "loss": 3, "model": 3, "bucket": 10, "minn": 2, "maxn": 5}
WORDS, LABELS = ("</s>", "hello", "world"), ("__label__a", "__label__b")


def build(*, version: int = 12, pruned: int = -1, quantised: bool = False, **changes: int) -> bytes:
    m = MODEL | changes
    sizes = (m["dim"], 5, 5, 1, 5, m["ngrams"], m["loss"], m["model"], m["bucket"])
    data = struct.pack("<2i12id", 793712314, version, *sizes, m["minn"], m["maxn"], 100, 1e-4)
    data += struct.pack("<3i2q", len(WORDS) + len(LABELS), len(WORDS), len(LABELS), 99, pruned)
    for kind, words in enumerate((WORDS, LABELS)):
        data += b"".join(w.encode() + struct.pack("<xqb", 3, kind) for w in words)
    data += bytes(8 * max(pruned, 0))
    rows = len(WORDS) + (pruned if pruned >= 0 else m["bucket"])
    outputs = len(LABELS) if m["model"] == 3 else len(WORDS)
    data += struct.pack("<?", quantised)
    if quantised:
        return data + struct.pack("<?2qi", True, rows, m["dim"], rows * 2) + bytes(rows * 2 + 900)
    data += struct.pack("<2q", rows, m["dim"]) + bytes(4 * rows * m["dim"])
    return data + struct.pack("<?2q", False, outputs, m["dim"]) + bytes(4 * outputs * m["dim"])


def parsed(data: bytes) -> ModelHeader:
    assert fasttext.recognise(data[:4096], len(data))
    header = fasttext.parse(MemorySource(data))
    assert header is not None
    return header


def test_classifier() -> None:
    assert parsed(build()) == ModelHeader(
        format="fasttext",
        format_version="12",
        architecture="supervised",
        parameters=4 * (3 + 10 + 2),
        tensors=2,
        properties=(
            ("bucket", "10"),
            ("dim", "4"),
            ("labels", "2"),
            ("loss", "softmax"),
            ("maxn", "5"),
            ("minn", "2"),
            ("quantized", "false"),
            ("word_ngrams", "2"),
            ("words", "3"),
        ),
    )


@pytest.mark.parametrize(
    ("changes", "architecture", "parameters", "quantized"),
    [
        ({"model": 1}, "cbow", 4 * (3 + 10 + 3), "false"),
        ({"model": 2, "version": 11}, "skipgram", 4 * (3 + 10 + 3), "false"),
        ({"pruned": 5}, "supervised", 4 * (3 + 5 + 2), "false"),
        ({"pruned": 5, "quantised": True}, "supervised", 4 * (3 + 5 + 2), "true"),
        ({"quantised": True}, "supervised", 4 * (3 + 10 + 2), "true"),
    ],
)
def test_kinds(changes: Any, architecture: str, parameters: int, quantized: str) -> None:
    header = parsed(build(**changes))
    assert (header.architecture, header.parameters) == (architecture, parameters)
    assert dict(header.properties)["quantized"] == quantized


def test_files_of_the_library() -> None:
    assert parsed(sample("fasttext")).parameters == 2 * (7 + 2)
    vectors = parsed(sample("fasttext", 1))
    assert (vectors.architecture, vectors.parameters) == ("skipgram", 2 * (7 + 10 + 7))


@pytest.mark.parametrize(
    "data",
    [
        *benign("fasttext"),
        build(version=13),
        build(dim=0),
        build(loss=9),
        build(model=4),
        b"",
        build(bucket=-1)[:200],
    ],
)
def test_benign(data: bytes) -> None:
    assert not fasttext.recognise(data[:4096], len(data))
    assert fasttext.parse(MemorySource(data)) is None


def test_truncated_in_the_dictionary() -> None:
    with pytest.raises(FormatError, match="dictionary"):
        fasttext.parse(MemorySource(build()[:120]))


def test_every_spoiled_byte() -> None:
    bear_each_spoiled_byte(fasttext, sample("fasttext"))
    bear_each_spoiled_byte(fasttext, build(pruned=5, quantised=True)[:300])


@settings(max_examples=200, deadline=None)
@given(spoiled_samples("fasttext"))
def test_spoiled(data: bytes) -> None:
    attempt(fasttext, data)
