import pytest
from builders_a import (
    ORDINARY,
    Metered,
    each_spoiled,
    onnx_graph,
    onnx_model,
    onnx_node,
    pb,
    spoiled,
)
from builders_graphs import (
    attempt,
    blob,
    coreml,
    coreml_metadata,
    graph,
    placeholder,
    program,
    read,
    saved_model,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import coreml as module
from aibom.formats.source import FormatError
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader

NETWORK, PIPELINE_CLASSIFIER, PIPELINE, PROGRAM, CUSTOM = 500, 200, 202, 502, 555
TYPICAL = coreml(
    PROGRAM,
    program([blob((4, 2)), blob((3,)), pb(1, "relu")]),
    more=coreml_metadata("A. Writer", "MIT", {"com.github.apple.coremltools.version": "9.0"}),
)
CUSTOM_LAYER = pb(1, pb(1, "c") + pb(500, pb(10, "MyLayer")))


def test_program() -> None:
    assert read(module, TYPICAL) == ModelHeader(
        format="coreml",
        format_version="5",
        producer="A. Writer",
        description="What it is",
        licence="MIT",
        parameters=11,
        quantization="FLOAT16",
        tensors=2,
        properties=(
            ("metadata.com.github.apple.coremltools.version", "9.0"),
            ("model_type", "mlProgram"),
            ("model_version", "1.2"),
            ("operations", "3"),
        ),
        references=("weights/weight.bin",),
    )


def test_network_with_a_custom_layer() -> None:
    header = read(module, coreml(NETWORK, pb(1, pb(1, "a")) + CUSTOM_LAYER))
    assert header.parameters is None  # where its weights are is not the same in any two layers
    assert header.properties == (
        ("custom_classes", "MyLayer"),
        ("layers", "2"),
        ("model_type", "neuralNetwork"),
    )


def test_custom_model() -> None:
    header = read(module, coreml(CUSTOM, pb(10, "MyModel")))
    assert ("custom_classes", "MyModel") in header.properties


@pytest.mark.parametrize("kind", [PIPELINE_CLASSIFIER, PIPELINE])
def test_pipeline(kind: int) -> None:
    models = pb(1, coreml(900)) + pb(1, coreml(NETWORK, CUSTOM_LAYER))
    header = read(module, coreml(kind, pb(1, models) if kind < PIPELINE else models))
    assert ("pipeline", "identity, neuralNetwork") in header.properties
    assert ("custom_classes", "MyLayer") in header.properties


def test_weights_out_of_the_folder() -> None:
    header = read(module, coreml(PROGRAM, program([blob((1,), "@model_path/../../a.bin")])))
    assert header.concerns == (Concern("outside-reference", "dangerous", "weights in ../../a.bin"),)


def nested(levels: int) -> bytes:
    model = coreml(900)
    for _ in range(levels):
        model = coreml(PIPELINE, pb(1, model))
    return model


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (nested(20), "pipelines nested too deeply"),
        (coreml(PIPELINE, pb(1, pb(1, 5))), "a model that is none"),
        (coreml(PROGRAM, program([blob((2**40, 2**40))])), "overflow"),
        (coreml(PROGRAM, program([blob((1,) * 40)])), "too many dimensions"),
        (coreml(PROGRAM, b"\x12\x7fab"), "longer than its message"),
    ],
)
def test_lies(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        module.parse(Metered(data))


def test_blocks_nested_too_deeply() -> None:
    operation = pb(1, "cond")
    for _ in range(40):
        operation = pb(1, "cond") + pb(4, pb(3, operation))
    with pytest.raises(FormatError, match="blocks nested"):
        module.parse(Metered(coreml(PROGRAM, program([operation]))))


@pytest.mark.parametrize(
    "data",
    [
        *ORDINARY.values(),
        saved_model(graph([placeholder()])),
        onnx_model(onnx_graph([onnx_node()])),
        onnx_model(onnx_graph([onnx_node()]), more=pb(2, "pytorch")),
        coreml(700),
        coreml(900) + pb(604, ""),
        coreml(900) + pb(77, ""),
        coreml(900, version=41),
        coreml(900, more=pb(77, "")),
        coreml(900)[:-1],
        pb(1, 1) + pb(2, pb(1, "i")),
        pb(1, 1) + pb(900, ""),
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
    attempt(module, b"\x08\x05\x12" + data)
    attempt(module, coreml(PROGRAM, data))
    attempt(module, coreml(PROGRAM, program([data])))
    attempt(module, coreml(NETWORK, data))
    attempt(module, coreml(PIPELINE, data))
