import pytest
from builders_a import ORDINARY, Metered, each_spoiled, spoiled
from builders_graphs import attempt, ir, ir_constant, read
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import openvino
from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

INFO = (
    '<info name="OpenVINO Runtime" value="2026.4"/>'
    '<nncf><weight_compression><mode value="int4_sym"/></weight_compression></nncf>'
    f'<framework><names value="{"x" * 300}"/></framework>'
)
LAYERS = (
    '<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,3"/></layer>'
    + ir_constant("u4", "4, 2", 0, 4)
    + ir_constant("f16", "3", 4, 6)
    + ir_constant("f16", "3", 4, 6)
    + '<layer id="9" name="mine" type="Mine" version="extension"/>'
)
TYPICAL = ir(LAYERS, INFO, name="detector")


def test_typical_file() -> None:
    assert read(openvino, TYPICAL) == ModelHeader(
        format="openvino",
        format_version="11",
        name="detector",
        parameters=11,
        quantization="u4",
        tensors=2,
        properties=(
            ("layers", "5"),
            ("opsets", "extension, opset1"),
            ("rt_info.OpenVINO Runtime", "2026.4"),
            ("rt_info.nncf.weight_compression.mode", "int4_sym"),
        ),
        references=("{stem}.bin",),
    )


@pytest.mark.parametrize("name", ["Model0", "main_graph", "torch_jit", "onnx_Frontend_IR", ""])
def test_names_that_tools_give(name: str) -> None:
    assert read(openvino, ir("", name=name)).name is None


def test_a_network_without_weights_needs_no_other_file() -> None:
    assert read(openvino, ir("")).references == ()


def test_constants_within_bodies_count() -> None:
    body = (
        f'<layer id="1" type="If" version="opset8"><body><layers>{LAYERS}</layers></body></layer>'
    )
    assert read(openvino, ir(body)).parameters == 11


ENTITIES = (
    b'<?xml version="1.0"?>\n<net name="a" version="11"><layers>'
    b'</layers></net><!DOCTYPE net [<!ENTITY a "aaaa">]>'
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ENTITIES, "XML: "),
        (TYPICAL[:-30], "XML: no element found"),
        (TYPICAL.replace(b"</layers>", b"&a;</layers>"), "XML: undefined entity"),
        (ir(ir_constant("f32", "1000", 0, 8)), "larger than its data"),
        (ir(ir_constant("f32", "a", 0, 8)), "without a shape"),
        (ir(ir_constant("f32", "-1", 0, 8)), "without a shape"),
        (ir(ir_constant("f32", ",".join("1" * 40), 0, 8)), "without a shape"),
        (ir("<a>" * 100 + "</a>" * 100), "too many elements"),
        (ir("<a/>" * 1_500_001), "too many elements"),
        (ir(f'<a b="{"x" * (2 << 20)}"/>'), "a tag too long"),
        (ir(f"<!--{'<' * (2 << 20)}-->"), "a tag too long"),
        (TYPICAL.ljust((64 << 20) + 1), "larger than 64 MiB"),
    ],
)
def test_lies(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        openvino.parse(Metered(data))


@pytest.mark.parametrize(
    "data",
    [
        *ORDINARY.values(),
        b'<?xml version="1.0"?>\n<net version="1.20" name="a"><location netOffset="0,0"/></net>',
        b'<?xml version="1.0"?>\n<net version="11" name="a"><edges/></net>',
        b'<?xml version="1.0"?>\n<network version="11" name="a"><layers></layers></network>',
        b'<?xml version="1.0"?><pnml><net name="a" version="11"><layers></layers></net></pnml>',
        b'<!DOCTYPE net [<!ENTITY a "a">]><net name="a" version="11"><layers></layers></net>',
        ir("", version=7),
        b"<net " + b"a" * 4000,
    ],
)
def test_no_model(data: bytes) -> None:
    assert attempt(openvino, data) is None


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        attempt(openvino, data)


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(openvino, data)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_arbitrary_text(text: str) -> None:
    attempt(openvino, ir(text.encode(errors="ignore").decode()))
    attempt(openvino, text.encode(errors="ignore"))
