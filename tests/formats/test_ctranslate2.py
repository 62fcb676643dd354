import struct

import pytest
from builders_a import ORDINARY, Metered, each_spoiled, spoiled
from builders_graphs import attempt, ct2_string, ct2_variable, ctranslate2, read
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import ctranslate2 as module
from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

FLOAT32, INT8, FLOAT16 = 0, 1, 4
VARIABLES = [
    ct2_variable("decoder/weight", (4, 8), INT8, bytes(32)),
    ct2_variable("decoder/weight_scale", (4,), FLOAT32, bytes(16)),
    ct2_variable("num_heads", (), INT8, bytes(1)),
]
TYPICAL = ctranslate2(VARIABLES, "TransformerDecoderSpec")


def test_typical_file() -> None:
    assert read(module, TYPICAL) == ModelHeader(
        format="ctranslate2",
        format_version="6",
        parameters=37,
        quantization="int8",
        tensors=3,
        properties=(
            ("aliases", "0"),
            ("revision", "7"),
            ("specification", "TransformerDecoderSpec"),
        ),
        references=("config.json", "vocabulary.json", "vocabulary.txt"),
    )


def test_whisper_is_a_format_of_its_own() -> None:
    assert read(module, ctranslate2(VARIABLES, "WhisperSpec")).format == "ctranslate2-whisper"


@pytest.mark.parametrize("spec", ["TransformerSpec", "TransformerBase", "TransformerBig"])
def test_translation_has_two_vocabularies_or_a_shared_one(spec: str) -> None:
    references = read(module, ctranslate2(VARIABLES, spec)).references
    assert {"shared_vocabulary.json", "source_vocabulary.txt"} <= set(references)


def test_speech_without_a_vocabulary() -> None:
    assert read(module, ctranslate2(VARIABLES, "Wav2Vec2Spec")).references == ("config.json",)


def test_old_versions_have_widths() -> None:
    variable = ct2_string("w") + struct.pack("<BIBI", 1, 3, 4, 3) + bytes(12)
    header = read(module, ctranslate2([variable], version=3))
    assert (header.parameters, header.quantization) == (3, "float32")
    assert read(module, ctranslate2([variable], version=2)).tensors == 1


def test_data_is_not_read() -> None:
    data = ctranslate2([ct2_variable("w", (1 << 20,), FLOAT32, bytes(4 << 20))] * 2)
    assert module.parse(Metered(data, limit=20_000))


def variable(dims: tuple[int, ...], kind: int, length: int) -> bytes:
    head = ct2_string("w") + struct.pack(f"<B{len(dims)}I", len(dims), *dims)
    return head + struct.pack("<BI", kind, length)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ctranslate2([variable((2,), FLOAT16, 4)])[:-4], "beyond the file"),
        (ctranslate2([variable((2,), FLOAT16, 400)]), "another size"),
        (ctranslate2([variable((2**31, 2**31, 2**31), INT8, 4)]), "overflow"),
        (ctranslate2([variable((1,) * 9, INT8, 1)]), "too many dimensions"),
        (ctranslate2([variable((2,), 6, 4)]), "variable of type 6"),
        (ctranslate2([variable((2,), 3, 4)], version=3), "variable of width 3"),
        (TYPICAL[:60], "truncated"),
    ],
)
def test_lies(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        module.parse(Metered(data))


@pytest.mark.parametrize(
    "data",
    [
        *ORDINARY.values(),
        ctranslate2(VARIABLES, version=1),
        ctranslate2(VARIABLES, version=21),
        ctranslate2(VARIABLES, "Transformer"),
        ctranslate2(VARIABLES, "a Spec"),
        ctranslate2([]),
        b"\x06\0\0\0\x0b\0TransformersSpec is a class",
    ],
)
def test_no_model(data: bytes) -> None:
    assert attempt(module, data) is None


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        attempt(module, data)


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(module, data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    attempt(module, data)
    attempt(module, ctranslate2([data] * 3))
