from types import SimpleNamespace

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
    DT_HALF,
    DT_STRING,
    attempt,
    attr,
    constant,
    coreml,
    function,
    graph,
    node,
    placeholder,
    saved_model,
    variable,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import tensorflow
from aibom.formats.source import FormatError
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader

GRAPH = SimpleNamespace(recognise=tensorflow.recognise_graph, parse=tensorflow.parse_graph)
SAVED = SimpleNamespace(
    recognise=tensorflow.recognise_saved_model, parse=tensorflow.parse_saved_model
)
FROZEN = graph(
    [
        placeholder(),
        constant("w", (4, 2), bytes(32)),
        constant("b", (2,), bytes(4), DT_HALF),
        constant("names", (3,), b"", DT_STRING),
        node("y", "MatMul", pb(3, "x") + pb(3, "w")),
    ]
)
TYPICAL = saved_model(
    graph(
        [placeholder(), variable("v", (3, 5)), constant("c", (), bytes(4))],
        [function("__inference_f", [constant("k", (9,), bytes(36)), node("r", "Relu")])],
    ),
    assets=["vocab.txt"],
)


def frozen(*nodes: bytes) -> ModelHeader:
    header = attempt(GRAPH, graph([placeholder(), *nodes]))
    assert header is not None
    return header


def test_graph() -> None:
    assert attempt(GRAPH, FROZEN) == ModelHeader(
        format="tensorflow-graph",
        parameters=10,
        quantization="DT_FLOAT",
        tensors=2,
        properties=(("graph_version", "1087"), ("nodes", "5"), ("operators", "3")),
    )


def test_saved_model() -> None:
    assert attempt(SAVED, TYPICAL) == ModelHeader(
        format="tensorflow-savedmodel",
        format_version="1",
        parameters=16,  # the constants of functions are the graph's, or many times the same
        quantization="DT_FLOAT",
        tensors=2,
        properties=(
            ("functions", "1"),
            ("graph_version", "1087"),
            ("nodes", "5"),
            ("operators", "4"),
            ("signatures", "serving_default"),
            ("tags", "serve"),
            ("tensorflow_version", "2.19.0"),
            ("variables", "1"),
        ),
        references=(
            "variables/variables.index",
            "variables/variables.data-00000-of-00001",
            "assets/vocab.txt",
        ),
    )


def test_a_saved_model_without_variables_needs_no_other_file() -> None:
    header = attempt(SAVED, saved_model(graph([placeholder()])))
    assert header is not None
    assert header.references == ()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_assets_out_of_the_folder(name: str) -> None:
    header = attempt(SAVED, saved_model(graph([placeholder()]), assets=[name]))
    assert header is not None
    assert header.concerns == (Concern("outside-reference", "dangerous", f"asset {name}"),)


@pytest.mark.parametrize(
    ("op", "level"),
    [
        ("ReadFile", "suspicious"),
        ("WriteFile", "suspicious"),
        ("DebugIdentityV2", "suspicious"),
        ("PyFunc", "note"),
        ("EagerPyFunc", "note"),
    ],
)
def test_operators_that_reach_out(op: str, level: str) -> None:
    (concern,) = frozen(node("r", op)).concerns
    assert (concern.kind, concern.level) == ("layer-code", level)
    assert op in concern.detail


def test_operators_within_functions() -> None:
    data = saved_model(graph([placeholder()], [function("f", [node("w", "WriteFile")])]))
    header = attempt(SAVED, data)
    assert header is not None
    assert [concern.detail for concern in header.concerns] == ["operator WriteFile writes files"]


@pytest.mark.parametrize(
    ("target", "reaches"),
    [("stderr", False), ("log(info)", False), ("file:///root/.ssh/authorized_keys", True)],
)
def test_print_by_where_it_writes(target: str, reaches: bool) -> None:
    printed = node("p", "PrintV2", attr("output_stream", pb(2, target)))
    assert bool(frozen(printed).concerns) == reaches


@pytest.mark.parametrize("op", ["SaveV2", "RestoreV2", "InitializeTableFromTextFileV2", "Relu"])
def test_operators_of_every_model(op: str) -> None:
    assert frozen(node("r", op)).concerns == ()


def test_sizes_that_only_a_run_tells() -> None:
    header = frozen(variable("v", (-1, 3)), variable("w", (2, 3)))
    assert (header.parameters, header.tensors) == (6, 1)


def test_fields_that_nobody_knows_hide_nothing() -> None:
    data = saved_model(graph([placeholder(), node("w", "WriteFile")]) + pb(77, 1), more=pb(99, "x"))
    header = attempt(SAVED, data)
    assert header is not None
    assert header.concerns


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (graph([placeholder(), variable("v", (-(2**40), -1))[:-1]]), "longer"),
        (graph([placeholder(), variable("v", (2**40, 2**40))]), "overflow"),
        (graph([placeholder(), variable("v", (1,) * 33)]), "too many dimensions"),
        (graph([placeholder(), pb(1, "n") + pb(2, "no operator")]), "without a name"),
        (graph([placeholder()]) + pb(3, "text"), "of another type"),
        (graph([placeholder()]) + b"\x0b", "wire type 3"),
    ],
)
def test_damage(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        tensorflow.parse_graph(Metered(data))


def test_too_many_nodes() -> None:
    data = graph([placeholder()]) + pb(1, node("n", "NoOp")) * 340_000
    with pytest.raises(FormatError, match="too many fields"):
        tensorflow.parse_graph(Metered(data))


def test_tensors_are_not_read() -> None:
    data = graph([placeholder(), constant("w", (1 << 20,), bytes(4 << 20))] * 2)
    assert tensorflow.parse_graph(Metered(data, limit=20_000))


DESCRIPTORS = pb(
    1, pb(1, "Placeholder") + pb(2, "Const") + pb(3, "a.proto") + pb(5, pb(1, "dtype"))
)
SENTENCEPIECE = pb(1, pb(1, "<unk>") + b"\x15\0\0\0\0" + pb(3, 2)) * 30


@pytest.mark.parametrize(
    "data",
    [
        *ORDINARY.values(),
        DESCRIPTORS,
        SENTENCEPIECE,
        onnx_graph([onnx_node(op_type="Const")]),
        onnx_model(onnx_graph([onnx_node()])),
        coreml(900, version=1),
        graph([]),
        graph([node("a", "Relu")]),
        graph([node("a", "Const")]),
        graph([node("a", "Const", attr("dtype", pb(6, 99)))]),
        graph([node("a", "Const", attr("value", pb(6, 1)))]),
        graph([node("a name", "Const", attr("dtype", pb(6, 1)))]),
        saved_model(graph([])),
        pb(1, 2) + TYPICAL[2:],
    ],
)
def test_no_model(data: bytes) -> None:
    assert attempt(GRAPH, data) is None
    assert attempt(SAVED, data) is None


def test_one_is_not_the_other() -> None:
    assert attempt(GRAPH, TYPICAL) is None
    assert attempt(SAVED, FROZEN) is None


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(FROZEN):
        attempt(GRAPH, data)
    for data in each_spoiled(TYPICAL):
        attempt(SAVED, data)


@settings(deadline=None, max_examples=300)
@given(spoiled(FROZEN), spoiled(TYPICAL))
def test_spoiled(frozen_graph: bytes, saved: bytes) -> None:
    attempt(GRAPH, frozen_graph)
    attempt(SAVED, saved)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    attempt(GRAPH, data)
    attempt(GRAPH, graph([placeholder(), data]))
    attempt(GRAPH, graph([placeholder()], [data]))
    attempt(SAVED, b"\x08\x01\x12" + data)
    attempt(SAVED, saved_model(data))


_WORD = st.from_regex(r"[A-Za-z0-9.][A-Za-z0-9_./]{0,30}", fullmatch=True)


@settings(deadline=None)
@given(st.lists(st.tuples(_WORD, st.lists(st.integers(1, 5), max_size=4)), max_size=8))
def test_round_trip(variables: list[tuple[str, list[int]]]) -> None:
    header = frozen(*(variable(name, dims) for name, dims in variables))
    expected = 0
    for _, dims in variables:
        count = 1
        for dim in dims:
            count *= dim
        expected += count
    assert (header.tensors, header.parameters) == (len(variables), expected)
