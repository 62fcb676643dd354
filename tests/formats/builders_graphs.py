"""Builds TensorFlow, Core ML, CTranslate2, TensorRT, PaddlePaddle and OpenVINO files as bytes."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from builders_a import Metered, pb

from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

DT_FLOAT, DT_STRING, DT_HALF = 1, 7, 19


def attempt(parser: Any, data: bytes) -> ModelHeader | None:
    """As detect does it: what is not recognised is not parsed. Only a FormatError may come."""
    if not parser.recognise(data[:4096], len(data)):
        return None
    refused, header = "for people", None
    try:
        header = parser.parse(Metered(data, 3 * len(data) + 20_000))
    except FormatError as error:
        refused = str(error)
    assert 0 < len(refused) < 100
    assert refused.isprintable()
    return header


def read(parser: Any, data: bytes) -> ModelHeader:
    """What is parsed of a file that must be a model."""
    assert parser.recognise(data[:4096], len(data))
    header: ModelHeader | None = parser.parse(Metered(data, 3 * len(data) + 20_000))
    assert header is not None
    return header


def shape(dims: Sequence[int]) -> bytes:
    return b"".join(pb(2, pb(1, dim)) for dim in dims)


def attr(key: str, value: bytes) -> bytes:
    return pb(5, pb(1, key) + pb(2, value))


def node(name: str, op: str, more: bytes = b"") -> bytes:
    return pb(1, name) + pb(2, op) + more


def placeholder(name: str = "x") -> bytes:
    return node(name, "Placeholder", attr("dtype", pb(6, DT_FLOAT)))


def constant(name: str, dims: Sequence[int], data: bytes, dtype: int = DT_FLOAT) -> bytes:
    tensor = pb(1, dtype) + pb(2, shape(dims)) + pb(4, data)
    return node(name, "Const", attr("dtype", pb(6, dtype)) + attr("value", pb(8, tensor)))


def variable(name: str, dims: Sequence[int], dtype: int = DT_FLOAT) -> bytes:
    more = attr("dtype", pb(6, dtype)) + attr("shape", pb(7, shape(dims)))
    return node(name, "VarHandleOp", more)


def graph(nodes: Sequence[bytes], functions: Sequence[bytes] = (), producer: int = 1087) -> bytes:
    library = b"".join(pb(1, one) for one in functions)
    parts = [pb(1, one) for one in nodes] + ([pb(2, library)] if functions else [])
    return b"".join([*parts, pb(4, pb(1, producer))])


def function(name: str, nodes: Sequence[bytes]) -> bytes:
    return pb(1, pb(1, name)) + b"".join(pb(3, one) for one in nodes)


def saved_model(
    graph_def: bytes,
    assets: Sequence[str] = (),
    tags: Sequence[str] = ("serve",),
    more: bytes = b"",
) -> bytes:
    info = b"".join(pb(4, tag) for tag in tags) + pb(5, "2.19.0") + pb(7, 1)
    signature = pb(5, pb(1, "serving_default") + pb(2, pb(3, "tensorflow/serving/predict")))
    files = b"".join(pb(6, pb(1, b"") + pb(2, name)) for name in assets)
    return pb(1, 1) + pb(2, pb(1, info) + pb(2, graph_def) + signature + files) + more


def coreml(kind: int, content: bytes = b"", version: int = 5, more: bytes = b"") -> bytes:
    """``more`` are fields of the description."""
    return pb(1, version) + pb(2, pb(1, pb(1, "input")) + more) + pb(kind, content)


def coreml_metadata(author: str, licence: str, said: Mapping[str, str]) -> bytes:
    pairs = b"".join(pb(100, pb(1, key) + pb(2, value)) for key, value in said.items())
    return pb(100, pb(1, "What it is") + pb(2, "1.2") + pb(3, author) + pb(4, licence) + pairs)


def blob(
    dims: Sequence[int], name: str = "@model_path/weights/weight.bin", kind: int = 10
) -> bytes:
    """An operation of an ML program whose value lies in a file."""
    sizes = b"".join(pb(3, pb(1, pb(1, dim))) for dim in dims)
    value = pb(2, pb(1, pb(1, kind) + pb(2, len(dims)) + sizes)) + pb(5, pb(1, name) + pb(2, 64))
    return pb(1, "const") + pb(5, pb(1, "val") + pb(2, value))


def program(operations: Sequence[bytes]) -> bytes:
    block = b"".join(pb(3, one) for one in operations)
    return pb(1, 1) + pb(2, pb(1, "main") + pb(2, pb(3, pb(1, "CoreML6") + pb(2, block))))


def ct2_string(text: str) -> bytes:
    return struct.pack("<H", len(text.encode()) + 1) + text.encode() + b"\0"


def ct2_variable(name: str, dims: Sequence[int], kind: int, data: bytes) -> bytes:
    head = struct.pack(f"<B{len(dims)}I", len(dims), *dims)
    return ct2_string(name) + head + struct.pack("<BI", kind, len(data)) + data


def ctranslate2(
    variables: Sequence[bytes], spec: str = "TransformerSpec", version: int = 6, aliases: int = 0
) -> bytes:
    head = struct.pack("<I", version) + ct2_string(spec) + struct.pack("<II", 7, len(variables))
    tail = struct.pack("<I", aliases) if version >= 3 else b""
    return head + b"".join(variables) + tail


def plan(version: Sequence[int] = (10, 3, 0, 26), tag: bytes = b"ftrt", serial: int = 0) -> bytes:
    return tag + struct.pack("<IQQ", serial, 1, 64) + bytes(version) + bytes(64)


def paddle_variable(
    name: str, dims: Sequence[int], kind: int = 5, persistable: int = 1, var_type: int = 7
) -> bytes:
    tensor = pb(1, kind) + b"".join(pb(2, dim) for dim in dims)
    return pb(3, pb(1, name) + pb(2, pb(1, var_type) + pb(3, pb(1, tensor))) + pb(3, persistable))


def paddle(variables: Sequence[bytes], operators: int = 1, version: int = 2004002) -> bytes:
    ops = b"".join(pb(4, pb(3, "relu")) for _ in range(operators))
    block = pb(1, 0) + pb(2, -1) + b"".join(variables) + ops
    return pb(1, block) + pb(4, pb(1, version))


def ir(layers: str, rt_info: str = "", version: int = 11, name: str = "net") -> bytes:
    return (
        f'<?xml version="1.0"?>\n<net name="{name}" version="{version}">\n'
        f"\t<layers>{layers}</layers><edges/><rt_info>{rt_info}</rt_info>\n</net>\n"
    ).encode()


def ir_constant(kind: str, dims: str, offset: int, size: int) -> str:
    data = f'<data element_type="{kind}" shape="{dims}" offset="{offset}" size="{size}"/>'
    return f'<layer id="1" name="w" type="Const" version="opset1">{data}</layer>'
