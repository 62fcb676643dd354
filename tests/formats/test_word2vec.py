import struct
from collections.abc import Sequence

import pytest
from builders_b import attempt
from hypothesis import given, settings
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import word2vec
from aibom.formats.source import MemorySource
from aibom.types.model import ModelHeader

WORDS = ("</s>", "New_York", "größe", "a", "b")


def vectors(
    words: Sequence[str] = WORDS, value: float = 0.125, width: int = 10, end: bytes = b"\n"
) -> bytes:
    numbers = struct.pack("<2f", value, -value) * (width // 2)
    records = (word.encode() + b" " + numbers + end for word in words)
    return f"{len(words)} {width}\n".encode() + b"".join(records)


@pytest.mark.parametrize("end", [b"\n", b""])
def test_vectors(end: bytes) -> None:
    assert word2vec.parse(MemorySource(vectors(end=end))) == ModelHeader(
        format="word2vec",
        parameters=50,
        tensors=1,
        properties=(("dim", "10"), ("words", "5")),
    )


def test_file_of_gensim() -> None:
    header = word2vec.parse(MemorySource(sample("word2vec")))
    assert header is not None
    assert header.parameters == 5 * 8


TEXT = b"%d %d\n" % (9, 10) + b"name 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0\n" * 9
BENIGN = {
    "text": TEXT,
    "an image": b"9 10\n" + bytes(range(256)) * 2,
    "zeros": vectors(value=0.0),
    "numbers too large": vectors(value=1e9),
    "numbers too small": vectors(value=1e-30),
    "no numbers": vectors(value=float("nan")),
    "narrow": vectors(width=4),
    "a word of control characters": vectors(["\x01", "a"]),
    "no word": vectors([""]),
    "longer than its words": vectors() + bytes(5000),
    "cut off": vectors()[:-60],
    "a leading zero": b"0" + vectors(),
    "nothing": b"",
}


@pytest.mark.parametrize("data", [*BENIGN.values(), *benign("word2vec")])
def test_benign(data: bytes) -> None:
    assert word2vec.parse(MemorySource(data)) is None


def test_every_spoiled_byte() -> None:
    bear_each_spoiled_byte(word2vec, sample("word2vec"))


@settings(max_examples=100, deadline=None)
@given(spoiled_samples("word2vec"))
def test_spoiled(data: bytes) -> None:
    attempt(word2vec, data)
