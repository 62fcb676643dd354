import math
import struct
from typing import Any

import pytest
from builders_a import (
    ORDINARY,
    Metered,
    attempt,
    each_spoiled,
    entry,
    onnx_graph,
    onnx_model,
    onnx_node,
    onnx_tensor,
    pb,
    spoiled,
    varint,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import onnx
from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

FLOAT, INT8, INT64, FLOAT16 = 1, 3, 7, 10
TYPICAL = onnx_model(
    onnx_graph(
        nodes=[onnx_node(), onnx_node("com.microsoft")],
        initializers=[
            onnx_tensor((4, 2), FLOAT, bytes(32)),
            onnx_tensor((3,), INT64, bytes(24)),
        ],
        name="classifier",
    ),
    opsets={"": 17, "com.microsoft": 1},
    more=pb(2, "pytorch") + pb(3, "2.4.0") + pb(4, "org.example") + pb(5, 3) + pb(6, "What it is"),
)
NODES = [onnx_node()]


def parse(data: bytes) -> ModelHeader:
    assert onnx.recognise(data[:4096], len(data))
    header = onnx.parse(Metered(data))
    assert header is not None
    return header


def shown(data: bytes) -> dict[str, str]:
    return dict(parse(data).properties)


def of_tensors(*initializers: bytes) -> ModelHeader:
    return parse(onnx_model(onnx_graph(NODES, initializers)))


def test_typical_file() -> None:
    assert parse(TYPICAL) == ModelHeader(
        format="onnx",
        format_version="8",
        name="classifier",
        description="What it is",
        parameters=11,
        quantization="FLOAT",
        tensors=2,
        properties=(
            ("domain", "org.example"),
            ("model_version", "3"),
            ("nodes", "2"),
            ("op_domains", "ai.onnx, com.microsoft"),
            ("opset_import", "ai.onnx=17, com.microsoft=1"),
            ("producer_name", "pytorch"),
            ("producer_version", "2.4.0"),
        ),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("classifier", "classifier"),
        ("caf\xe9", "caf\xe9"),
        ("", None),
        ("main_graph", None),
        ("torch_jit", None),
        ("torch-jit-export", None),
        ("main", None),
        ("tf2onnx", None),
        ("spox_graph", None),
        ("paddle-onnx", None),
        ("Model from PaddlePaddle.", None),
        ("9a268508ab2842a0ae4c9fdf1bff66eb", None),
        ("11111111", "11111111"),
    ],
)
def test_name(name: str, expected: str | None) -> None:
    assert parse(onnx_model(onnx_graph(NODES, name=name))).name == expected


@pytest.mark.parametrize("version", [1, 3, 14, 20])
def test_ir_version(version: int) -> None:
    assert parse(onnx_model(onnx_graph(NODES), ir_version=version)).format_version == str(version)


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("author", "producer"),
        ("model_author", "producer"),
        ("license", "licence"),
        ("model_license", "licence"),
        ("description", "description"),
        ("stride", None),
    ],
)
def test_metadata_props(key: str, attribute: str | None) -> None:
    header = parse(onnx_model(onnx_graph(NODES)) + pb(14, entry(key, "said")))
    assert ("metadata." + key, "said") in header.properties
    assert attribute is None or getattr(header, attribute) == "said"


def test_metadata_is_capped() -> None:
    many = b"".join(pb(14, entry(f"k{number}", "v" * 2000)) for number in range(60))
    found = shown(onnx_model(onnx_graph(NODES)) + many)
    kept = {key: value for key, value in found.items() if key.startswith("metadata.")}
    assert len(kept) == 50
    assert {len(value) for value in kept.values()} == {1001}


def test_model_version_may_be_negative() -> None:
    assert shown(onnx_model(onnx_graph(NODES), more=pb(5, -2)))["model_version"] == "-2"


def test_bytes_that_are_no_utf8() -> None:
    assert parse(onnx_model(onnx_graph(NODES), more=pb(6, b"a\xffb"))).description == "a\ufffdb"


@pytest.mark.parametrize(
    ("tensor", "parameters", "quantization"),
    [
        (onnx_tensor((10,), FLOAT16, bytes(20)), 10, "FLOAT16"),
        (onnx_tensor((), FLOAT, bytes(4)), 1, "FLOAT"),
        (onnx_tensor((0, 5), INT8), 0, "INT8"),
        (pb(1, varint(4) + varint(5)) + pb(2, INT8) + pb(9, bytes(20)), 20, "INT8"),
        (onnx_tensor((2,), 77, bytes(2)), 2, "data_type_77"),
        (pb(1, 6) + pb(2, FLOAT) + pb(4, bytes(24)), 6, "FLOAT"),
        (pb(1, 3) + pb(2, FLOAT) + b"\x25abcd" * 3, 3, "FLOAT"),
        (onnx_tensor((16,), 22, bytes(8)), 16, "INT4"),
    ],
)
def test_initializers(tensor: bytes, parameters: int, quantization: str) -> None:
    header = of_tensors(tensor)
    found = (header.parameters, header.quantization, header.tensors)
    assert found == (parameters, quantization, 1)


def test_dominating_type_by_elements() -> None:
    big = onnx_tensor((100,), INT8, bytes(100))
    small = onnx_tensor((2,), FLOAT, bytes(8))
    assert of_tensors(small, big, small, small).quantization == "INT8"


def test_sparse_initializer_counts_its_values() -> None:
    sparse = pb(1, onnx_tensor((5,), FLOAT, bytes(20))) + pb(2, onnx_tensor((5,), INT64, bytes(40)))
    graph = onnx_graph(NODES) + pb(15, sparse)
    assert parse(onnx_model(graph)).parameters == 5


def external(location: str, dims: tuple[int, ...] = (1000, 1000)) -> bytes:
    more = pb(13, entry("location", location)) + pb(13, entry("offset", "0"))
    return onnx_tensor(dims, FLOAT, more=more) + pb(14, 1)


def test_external_data() -> None:
    constant = onnx_node(attributes=[pb(1, "value") + pb(5, external("c.bin", (1,)))])
    graph = onnx_graph([constant], [external("b.data"), external("../a.data"), external("b.data")])
    header = parse(onnx_model(graph))
    assert header.parameters == 3_000_000
    assert dict(header.properties)["external_data"] == "../a.data, b.data, c.bin"


LOCATIONS = [
    ("b.data", False),
    ("sub/../b.data", False),
    ("../a.data", True),
    ("sub/../../a.data", True),
    ("sub\\..\\..\\a.data", True),
    ("/etc/passwd", True),
    ("C:\\a", True),
    ("\\\\host\\a", True),
    ("file:///etc/passwd", True),
]


@pytest.mark.parametrize(("location", "outside"), LOCATIONS)
def test_external_data_outside_of_the_folder(location: str, *, outside: bool) -> None:
    header = parse(onnx_model(onnx_graph(NODES, [external(location)])))
    assert header.references == (() if outside else (location,))
    assert [(c.kind, c.level) for c in header.concerns] == (
        [("outside-reference", "dangerous")] if outside else []
    )


def test_operators_of_a_library() -> None:
    nodes = [onnx_node("com.microsoft"), onnx_node("trt.plugins"), onnx_node("mine")]
    function = pb(25, pb(1, "Gelu") + pb(7, onnx_node()) + pb(10, "mine"))
    (concern,) = parse(onnx_model(onnx_graph(nodes)) + function).concerns
    assert (concern.kind, concern.level) == ("custom-code", "note")
    assert concern.detail == "needs a library with operators of trt.plugins"


def test_external_data_is_capped() -> None:
    graph = onnx_graph(NODES, [external(f"{number:04}" * 50, (1,)) for number in range(300)])
    assert len(shown(onnx_model(graph))["external_data"]) == 1000


def test_subgraphs_count() -> None:
    inner = onnx_graph([onnx_node("evil.ops")], [onnx_tensor((7,), FLOAT, bytes(28))], name="inner")
    branch = onnx_node(attributes=[pb(1, "then_branch") + pb(6, inner), pb(1, "x") + pb(11, inner)])
    header = parse(onnx_model(onnx_graph([branch], name="outer")))
    assert (header.name, header.parameters, header.tensors) == ("outer", 14, 2)
    found = dict(header.properties)
    assert (found["nodes"], found["op_domains"]) == ("3", "ai.onnx, evil.ops")


def test_functions_count_nodes_and_domains() -> None:
    function = pb(1, "f") + pb(7, onnx_node("hidden")) + pb(10, "local")
    found = shown(onnx_model(onnx_graph(NODES)) + pb(25, function))
    assert (found["nodes"], found["op_domains"]) == ("2", "ai.onnx, hidden")


def test_long_lists_in_attributes_are_passed_over() -> None:
    tree = pb(1, "nodes_values") + b"\x3d\x00\x00\x00\x00" * 500_000 + pb(20, 6)
    graph = onnx_graph([onnx_node("ai.onnx.ml", [tree, tree, tree])])
    data = onnx_model(graph)
    assert onnx.parse(Metered(data, limit=30_000))


def test_raw_data_is_not_read() -> None:
    data = onnx_model(onnx_graph(NODES, [onnx_tensor((1 << 20,), FLOAT, bytes(4 << 20))] * 2))
    assert onnx.parse(Metered(data, limit=20_000))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (onnx_graph(NODES, [onnx_tensor((-1,), FLOAT)]), "negative tensor dimension"),
        (onnx_graph(NODES, [onnx_tensor((2**40, 2**40), FLOAT)]), "tensor dimensions overflow"),
        (onnx_graph(NODES, [external("a", (2**62,))] * 2), "number of elements overflows"),
        (onnx_graph(NODES, [onnx_tensor((10**6,), FLOAT, bytes(4))]), "larger than its data"),
        (onnx_graph(NODES, [onnx_tensor((1,) * 33, FLOAT, bytes(4))]), "too many dimensions"),
        (onnx_graph(NODES) + b"\x00\x00", "field number 0"),
        (onnx_graph(NODES) + b"\x0b", "wire type 3"),
        (onnx_graph([b"\x0a\x05ab"]), "field longer than its message"),
        (onnx_graph([b"\x08" + b"\x80" * 11]), "number longer than 10 bytes"),
    ],
)
def test_lies(graph: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        onnx.parse(Metered(onnx_model(graph)))


def test_nesting() -> None:
    graph = onnx_graph(NODES)
    for _ in range(200):
        graph = onnx_graph([onnx_node(attributes=[pb(6, graph)])])
    with pytest.raises(FormatError, match="nested too deeply"):
        onnx.parse(Metered(onnx_model(graph)))


def test_too_many_fields() -> None:
    node = pb(1, b"") * 1000
    with pytest.raises(FormatError, match="too many fields"):
        onnx.parse(Metered(onnx_model(pb(1, node) * 1100)))


def test_too_many_top_level_fields() -> None:
    with pytest.raises(FormatError, match="too many fields"):
        onnx.parse(Metered(onnx_model(onnx_graph(NODES)) + pb(14, b"") * 100_001))


@pytest.mark.parametrize(
    "data",
    [
        onnx_model(onnx_graph(NODES), ir_version=0),
        onnx_model(onnx_graph(NODES), ir_version=21),
        onnx_model(b""),
        onnx_model(pb(2, "only a name")),
        pb(1, 8) + pb(7, onnx_graph(NODES)),
        pb(1, 8) + pb(8, pb(2, 17)),
        onnx_model(onnx_graph(NODES)) + pb(9, 1),
        onnx_model(onnx_graph(NODES)) + pb(14, 1),
        onnx_model(onnx_graph(NODES), more=pb(2, 7)),
        onnx_model(onnx_graph(NODES), more=pb(2, b"\x0a\x03abc")),
        onnx_model(onnx_graph(NODES), more=pb(2, "p" * 1001)),
        onnx_model(b"\x08\x01"),
        onnx_model(b"\x1a\x01a"),
        onnx_model(onnx_graph(NODES)) + pb(8, "text"),
    ],
)
def test_no_model(data: bytes) -> None:
    assert onnx.parse(Metered(data)) is None


def test_fields_after_what_is_seen_count_too() -> None:
    long = pb(6, "d" * 6000)
    good = onnx_model(onnx_graph(NODES), more=long)
    assert parse(good)
    assert onnx.parse(Metered(good + pb(9, 1))) is None


@pytest.mark.parametrize("length", range(4060, 4100))
def test_a_field_that_ends_where_the_view_ends(length: int) -> None:
    assert parse(onnx_model(onnx_graph(NODES), more=pb(6, "d" * length)))


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files(name: str) -> None:
    data = ORDINARY[name]
    assert not onnx.recognise(data[:4096], len(data))
    assert onnx.parse(Metered(data)) is None


def test_other_protobufs_are_not_recognised() -> None:
    serving = pb(1, 1) + pb(2, pb(1, pb(4, "serve") + pb(5, "2.15")) + pb(2, bytes(5000)))
    dated = pb(1, 3) + pb(2, "name") + pb(3, struct.pack("<d", 1.0)) + pb(15, "x")
    for data in (serving, dated, pb(1, 9), pb(1, 2) + pb(2, "a") + pb(3, "b")):
        assert not onnx.recognise(data[:4096], len(data))


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        attempt(onnx, data)
    for length in range(len(TYPICAL)):
        header = attempt(onnx, TYPICAL[:length])
        # Without a magic, a file that ends behind one of its operator sets is a whole one.
        assert header is None or dict(header.properties)["opset_import"] == "ai.onnx=17"


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(onnx, data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    attempt(onnx, data)
    attempt(onnx, b"\x08\x08" + data)
    attempt(onnx, onnx_model(data))
    attempt(onnx, onnx_model(onnx_graph([data])))
    attempt(onnx, onnx_model(onnx_graph(NODES, [data])))


_WORD = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=30)
_DIMS = st.lists(st.integers(0, 6), max_size=4)


@settings(deadline=None)
@given(
    _WORD,
    st.dictionaries(_WORD, st.integers(1, 30), max_size=4),
    st.lists(st.tuples(_DIMS, st.sampled_from((FLOAT, INT8, FLOAT16))), max_size=6),
    st.lists(_WORD, min_size=1, max_size=6),
)
def test_round_trip(
    name: str, opsets: dict[str, int], tensors: list[tuple[list[int], int]], domains: list[str]
) -> None:
    data = onnx_model(
        onnx_graph(
            [onnx_node(domain) for domain in domains],
            [onnx_tensor(dims, kind, bytes(4 * math.prod(dims))) for dims, kind in tensors],
            "graph of " + name,
        ),
        {"": 17, **opsets},
    )
    header = parse(data)
    found: dict[str, Any] = dict(header.properties)
    assert header.name == "graph of " + name
    assert header.tensors == (len(tensors) or None)
    assert header.parameters == (sum(math.prod(d) for d, _ in tensors) if tensors else None)
    assert found["op_domains"] == ", ".join(sorted(set(domains)))
    pairs = {"ai.onnx=17"} | {f"{domain}={version}" for domain, version in opsets.items()}
    assert found["opset_import"] == ", ".join(sorted(pairs))
