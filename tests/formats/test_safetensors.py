import json
import math

import pytest
from builders_a import (
    ORDINARY,
    Metered,
    attempt,
    each_spoiled,
    safetensors_bits,
    safetensors_file,
    safetensors_raw,
    spoiled,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import safetensors
from aibom.formats.source import FormatError
from aibom.types.model import BaseModel, ModelHeader, Width

TYPICAL = safetensors_file(
    {"embed.weight": ("BF16", (4, 8)), "norm.weight": ("F32", (8,)), "ids": ("I64", (1, 2))},
    {"format": "pt"},
)
LORA = "base_model.model.layers.0.self_attn.q_proj."


def parse(data: bytes) -> ModelHeader:
    assert safetensors.recognise(data[:4096], len(data))
    header = safetensors.parse(Metered(data))
    assert header is not None
    return header


def of(metadata: dict[str, str]) -> ModelHeader:
    return parse(safetensors_file({"a": ("F32", (1,))}, metadata))


def kind(*names: str) -> str:
    return parse(safetensors_file(dict.fromkeys(names, ("F16", (2,))))).kind


def test_typical_file() -> None:
    assert parse(TYPICAL) == ModelHeader(
        format="safetensors",
        parameters=42,
        quantization="BF16",
        tensors=3,
        properties=(("metadata.format", "pt"),),
        widths=(Width("embed", 4, 8),),
    )


DTYPES = """
F4 F6_E2M3 F6_E3M2 BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ
I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64
"""


@pytest.mark.parametrize("dtype", DTYPES.split())
def test_dtypes(dtype: str) -> None:
    header = parse(safetensors_file({"a": (dtype, (4, 6)), "b": ("F32", (1,))}))
    assert (header.quantization, header.parameters) == (dtype, 25)


def test_of_equally_many_the_first_name() -> None:
    assert parse(safetensors_file({"a": ("I8", (2,)), "b": ("F32", (2,))})).quantization == "F32"


@pytest.mark.parametrize(("shape", "count"), [((), 1), ((0,), 0), ((3, 0, 5), 0), ((2, 3, 4), 24)])
def test_shapes(shape: tuple[int, ...], count: int) -> None:
    assert parse(safetensors_file({"a": ("F32", shape)})).parameters == count


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("modelspec.title", "name"),
        ("modelspec.author", "producer"),
        ("modelspec.architecture", "architecture"),
        ("modelspec.license", "licence"),
        ("modelspec.description", "description"),
    ],
)
def test_known_metadata(key: str, attribute: str) -> None:
    header = of({key: "said"})
    assert getattr(header, attribute) == "said"
    assert header.properties == ((f"metadata.{key}", "said"),)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, ()),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, (BaseModel("sdxl_base_v1-0"),)),
        ({"ss_sd_model_name": "sd.safetensors"}, (BaseModel("sd.safetensors", "sd.safetensors"),)),
        (
            {"ss_base_model_version": "sd_v1", "ss_sd_model_name": "org/sd"},
            (BaseModel("sd_v1", "org/sd"),),
        ),
    ],
)
def test_base_models(metadata: dict[str, str], expected: tuple[BaseModel, ...]) -> None:
    assert of(metadata).base_models == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", "a b"),
        ('{"json": "\\u00e9"}', '{"json": "\\u00e9"}'),
        ("\ud800", "\\ud800"),
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("😀", "😀"),
        ("x" * 1001, "x" * 1000 + "…"),
    ],
)
def test_metadata_is_fit_to_be_shown(value: str, shown: str) -> None:
    assert of({"key": value}).properties == (("metadata.key", shown),)


def test_fifty_entries_and_the_known_ones() -> None:
    entries = {f"k{number:03}": "v" for number in range(200)} | {"modelspec.title": "last"}
    header = of(entries)
    assert len(header.properties) == 51
    assert header.name == "last"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((LORA + "lora_A.weight", LORA + "lora_B.weight"), "adapter"),
        ((LORA + "lora_A.default.weight", LORA + "lora_B.default.weight"), "adapter"),
        (("m.lora_embedding_A", "m.lora_embedding_B"), "adapter"),
        (("lora_unet_x.lora_down.weight", "lora_unet_x.lora_up.weight", "lora_x.alpha"), "adapter"),
        (("to_q_lora.down.weight", "to_q_lora.up.weight"), "adapter"),
        (("unet.to_q.lora.down.weight",), "adapter"),
        (("m.ia3_l",), "adapter"),
        (("prompt_embeddings",), "adapter"),
        (("x.hada_w1_a", "x.hada_w1_b", "x.hada_w2_a", "x.hada_w2_b"), "adapter"),
        (("x.lokr_w1", "x.lokr_w2_a"), "adapter"),
        (("m.lora_magnitude_vector",), "adapter"),
        (("q.weight", "k.weight", "v.weight"), "model"),
        (("q.weight", "q.lora_A.weight"), "model"),
        (("q.base_layer.weight", "q.lora_A.weight", "q.lora_B.weight"), "model"),
        (("explora_A.weight", "flora_down.weight"), "model"),
        (("lora_Adapter.weight", "lora_uplift.weight"), "model"),
        (("q_a_proj.weight", "kv_b_proj.weight"), "model"),
        (("soft_prompt_embeddings_norm.weight",), "model"),
        (("ia3_layer.weight",), "model"),
    ],
)
def test_kind(names: tuple[str, ...], expected: str) -> None:
    assert kind(*names) == expected


GOOD = b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    "header",
    [
        b"{" + GOOD + b"}",
        b"{" + GOOD + b"}      ",
        b"{" + GOOD + b"}\n",
        b'{ "a" : { "data_offsets" : [ 0 , 4 ] , "shape" : [ 1 ] , "dtype" : "F32" } \n}',
        b'{"__metadata__":{},' + GOOD + b"}",
        b"{" + GOOD + b',"__metadata__":{"k":"}{\\""}}',
        b'{"\\"}{\\u0041":' + GOOD[4:] + b"}",
        b'{"a":{"more":null,' + GOOD[5:] + b"}",
        b"{" + b" " * 5000 + GOOD + b"}",
        b'{"' + b"n" * 5000 + GOOD[2:] + b"}",
        b'{"' + b"\\n" * 2040 + GOOD[2:] + b"}",
        b'{"a":{"more":[' + b"1," * 400 + b"1]," + GOOD[5:] + b"}",
        b'{"a"' + b" " * 5000 + b":" + b" " * 5000 + GOOD[4:] + b"}",
    ],
)
def test_ways_to_write_it(header: bytes) -> None:
    assert parse(safetensors_raw(header, b"data")).parameters == 1


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"{" + GOOD + b"," + GOOD + b"}", "key appears twice"),
        (b'{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "twice"),
        (b'{"__metadata__":{"k":"1","k":"2"},' + GOOD + b"}", "key appears twice"),
        (b'{"__metadata__":{},"__metadata__":{},' + GOOD + b"}", "key appears twice"),
        (b'{"__metadata__":{"k":1},' + GOOD + b"}", "described shape"),
        (b'{"__metadata__":{"k":{}},' + GOOD + b"}", "described shape"),
        (b'{"__metadata__":{"k":"\x01"},' + GOOD + b"}", "no JSON"),
        (b'{"__metadata__":{"k":"\xff"},' + GOOD + b"}", "no JSON"),
        (b"{" + GOOD, "described shape"),
        (b"{" + GOOD + b",}", "described shape"),
        (b"{" + GOOD + b"} x", "described shape"),
        (b"{" + GOOD + b' "b":1}', "described shape"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":{}}}', "described shape"),
        (b'{"a":{"dtype":"F32","shape":[1]}}', "tensor description"),
        (b'{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}', "tensor description"),
        (b'{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', "tensor description"),
        (b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', "tensor description"),
        (b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', "tensor description"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', "tensor description"),
        (b'{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}', "tensor description"),
        (b'{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}', "unknown dtype"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,5]}}', "beyond the file"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', "beyond the file"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', "does not match"),
        (b'{"a":{"dtype":"F4","shape":[7],"data_offsets":[0,4]}}', "does not match"),
        (b'{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}', "do not fill"),
        (b'{"a":{"dtype":"F32","shape":[9e9],"data_offsets":[0,4]}}', "tensor description"),
        (b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}', "overflow"),
        (b'{"a":{"dtype":"F32","shape":' + b"[" * 900 + b"}}", "no JSON"),
        (b'{"a":{"dtype":"F32","shape":' + b"[" * 9_000_000 + b"}}", "described shape"),
        (b'{"a":{"dtype":"F32","shape":[' + b"[]," * 3_000_000 + b"]}}", "described shape"),
        (b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b"]}}", "described shape"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else value,
)
def test_lies(header: bytes, message: str) -> None:
    data = safetensors_raw(header, b"data")
    assert safetensors.recognise(data[:4096], len(data))
    with pytest.raises(FormatError, match=message):
        safetensors.parse(Metered(data))


def test_deep_nesting_in_a_small_description() -> None:
    data = safetensors_raw(b'{"a":{"dtype":"F32","shape":' + b"[" * 480 + b"]" * 480 + b"}}")
    with pytest.raises(FormatError):
        safetensors.parse(Metered(data))


def test_two_tensors_may_not_share_data() -> None:
    info = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    shared = json.dumps({"a": info, "b": info}).encode()
    with pytest.raises(FormatError, match="do not fill"):
        safetensors.parse(Metered(safetensors_raw(shared, b"data")))


def test_header_larger_than_the_cap_is_recognised_and_not_read() -> None:
    data = safetensors_raw(b"{" + GOOD + b" " * (17 << 20) + b"}", b"data")
    assert safetensors.recognise(data[:4096], len(data))
    with pytest.raises(FormatError, match="header larger than 16 MiB"):
        safetensors.parse(Metered(data, limit=8192))


def test_too_many_tensors() -> None:
    info = ':{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = "{" + ",".join(f'"{number}"{info}' for number in range(100_002)) + "}"
    with pytest.raises(FormatError, match="too many entries"):
        safetensors.parse(Metered(safetensors_raw(header.encode())))


@pytest.mark.parametrize(
    "data",
    [
        safetensors_raw(b"{}"),
        safetensors_raw(b'{"__metadata__":{"format":"pt"}}'),
        safetensors_raw(b"{" + GOOD + b"}", b"data", length=2**63),
        safetensors_raw(b"{" + GOOD + b"}", b"data", length=2**64 - 1),
        safetensors_raw(b"{" + GOOD + b"}", b"data", length=1 << 30),
        safetensors_raw(b"[" + GOOD + b"]", b"data"),
        safetensors_raw(b" {" + GOOD + b"}", b"data"),
        safetensors_raw(b'{"name":"a","value":{"dtype":1}}'),
        safetensors_raw(b'{"a":{"files":{}}}'),
        safetensors_raw(b""),
    ],
)
def test_no_model(data: bytes) -> None:
    assert safetensors.parse(Metered(data)) is None


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files(name: str) -> None:
    data = ORDINARY[name]
    assert not safetensors.recognise(data[:4096], len(data))
    assert safetensors.parse(Metered(data)) is None


def test_weights_are_not_read() -> None:
    data = safetensors_file({"a": ("F32", (1000, 1000))})
    source = Metered(data, limit=9000)
    assert safetensors.parse(source)


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        header = attempt(safetensors, data)
        assert header is None or len(data) == len(TYPICAL), "a truncated file passes"


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(safetensors, data)


@settings(deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from((b"", b"{", b'{"__metadata__":{"', b'{"a":{"dtype'))
)
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    attempt(safetensors, start + data)
    attempt(safetensors, safetensors_raw(start + data))


_DTYPES = st.sampled_from(("F32", "BF16", "I8", "BOOL", "F64", "F8_E4M3"))
_TENSORS = st.dictionaries(
    st.text(max_size=30).filter(lambda name: name != "__metadata__"),
    st.tuples(_DTYPES, st.lists(st.integers(0, 5), max_size=4)),
    min_size=1,
    max_size=8,
)
_WORD = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=30)


@settings(deadline=None)
@given(_TENSORS, st.dictionaries(_WORD, _WORD, max_size=20))
def test_round_trip(tensors: dict[str, tuple[str, list[int]]], metadata: dict[str, str]) -> None:
    header = parse(safetensors_file(tensors, metadata))
    assert header.tensors == len(tensors)
    assert header.parameters == sum(math.prod(shape) for _, shape in tensors.values())
    assert header.quantization in {dtype for dtype, _ in tensors.values()}
    assert dict(header.properties) == {f"metadata.{key}": value for key, value in metadata.items()}


def test_builder_knows_the_widths() -> None:
    widths = [safetensors_bits(dtype) for dtype in ("BOOL", "BF16", "F8_E4M3", "F6_E2M3", "C64")]
    assert widths == [8, 16, 8, 6, 64]
