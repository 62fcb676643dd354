"""Tiny model files, valid in their formats and the same bytes every time. Nothing is trained.

Sources: GGUF, docs/gguf.md of ggml; safetensors, "Format" in its README; ONNX, onnx/onnx.proto;
TensorFlow Lite, schema.fbs and "Internals" of FlatBuffers; pickle, Lib/pickletools.py.
"""

import json
import os
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence

from rig import wire

_ALIGNMENT = 32  # of a GGUF's tensor data, where it does not say otherwise
_UINT32, _STRING = 4, 8  # gguf_metadata_value_type
_FLOAT32 = 1  # TensorProto.DataType of ONNX

#: Numbers of a tensor by its name: its shape.
Shapes = Mapping[str, Sequence[int]]


def gguf(name: str, template: str, width: int = 32) -> bytes:
    """Return a llama model with one tensor of ``width`` by 8 numbers and a chat template."""
    fields: list[tuple[str, str | int]] = [
        ("general.architecture", "llama"),
        ("general.name", name),
        ("general.license", "apache-2.0"),
        ("general.file_type", 0),
        ("llama.context_length", 256),
        ("llama.embedding_length", width),
        ("llama.block_count", 1),
        ("tokenizer.chat_template", template),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(fields))
    head += b"".join(_text(key) + _value(value) for key, value in fields)
    head += _text("token_embd.weight") + struct.pack("<IQQIQ", 2, width, 8, 0, 0)
    return head.ljust(-len(head) % _ALIGNMENT + len(head), b"\0") + _numbers(width * 8)


def _value(value: str | int) -> bytes:
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    return struct.pack("<I", _STRING) + _text(value)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _numbers(count: int) -> bytes:
    return struct.pack(f"<{count}f", *(index % 7 / 8 for index in range(count)))


def safetensors(shapes: Shapes) -> bytes:
    """Return a file with tensors of 32-bit floats."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, shape in shapes.items():
        size = 1
        for length in shape:
            size *= length
        begin, data = len(data), data + _numbers(size)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-len(text) % 8 + len(text))
    return struct.pack("<Q", len(text)) + text + data


def onnx(name: str, width: int = 4) -> bytes:
    """Return a model that adds a constant vector to its input."""
    node: wire.Message = {1: ["x", "w"], 2: "y", 3: "add", 4: "Add"}
    constant: wire.Message = {1: [width], 2: _FLOAT32, 8: "w", 9: _numbers(width)}
    values: list[wire.Message] = [_tensor_value(name, width) for name in ("x", "y")]
    graph: wire.Message = {1: node, 2: name, 5: constant, 11: values[0], 12: values[1]}
    return wire.encode({1: 8, 2: "sample", 3: "1.0", 7: graph, 8: {1: "", 2: 13}})


def _tensor_value(name: str, width: int) -> wire.Message:
    shape: wire.Message = {1: {1: width}}
    return {1: name, 2: {1: {1: _FLOAT32, 2: shape}}}


def tflite(description: str, shape: Sequence[int] = (2, 3)) -> bytes:
    """Return a model with one constant tensor and no operators."""
    size = 1
    for length in shape:
        size *= length
    flat = _Flat(b"TFL3")
    tensor: list[_Field] = [
        lambda: flat.vector([struct.pack("<i", length) for length in shape]),
        0,  # FLOAT32
        1,
        lambda: flat.bytes(b"weights"),
    ]
    subgraph: list[_Field] = [
        lambda: flat.tables([tensor]),
        lambda: flat.vector([]),
        lambda: flat.vector([]),
        lambda: flat.vector([]),
    ]
    flat.root(
        [
            3,  # the version that every runtime of today reads
            lambda: flat.vector([]),
            lambda: flat.tables([subgraph]),
            lambda: flat.bytes(description.encode()),
            lambda: flat.tables([[], [lambda: flat.bytes(_numbers(size))]]),
        ]
    )
    return bytes(flat.data)


#: A number, or what writes a child behind everything and returns where.
_Field = int | Callable[[], int]


class _Flat:
    """A FlatBuffer that is written from its root on; every field of a table takes four bytes."""

    def __init__(self, identifier: bytes) -> None:
        self.data = bytearray(bytes(4) + identifier)

    def root(self, fields: Sequence[_Field]) -> None:
        self._point(0, self.table(fields))

    def table(self, fields: Sequence[_Field]) -> int:
        count = len(fields)
        offsets = [4 + 4 * index for index in range(count)]
        self._align()
        slots = len(self.data)
        self.data += struct.pack(f"<{count + 2}H", 4 + 2 * count, 4 + 4 * count, *offsets)
        self._align()
        start = len(self.data)
        self.data += struct.pack("<i", start - slots) + bytes(4 * count)
        for offset, field in zip(offsets, fields, strict=True):
            if isinstance(field, int):
                struct.pack_into("<I", self.data, start + offset, field)
            else:
                self._point(start + offset, field())
        return start

    def tables(self, tables: Sequence[Sequence[_Field]]) -> int:
        start = self.vector([bytes(4)] * len(tables))
        for index, fields in enumerate(tables):
            self._point(start + 4 + 4 * index, self.table(fields))
        return start

    def vector(self, items: Sequence[bytes]) -> int:
        self._align()
        start = len(self.data)
        self.data += struct.pack("<I", len(items)) + b"".join(items)
        return start

    def bytes(self, content: bytes) -> int:
        # a vector of bytes, with the zero behind it that a string needs
        self._align()
        start = len(self.data)
        self.data += struct.pack("<I", len(content)) + content + b"\0"
        return start

    def _point(self, at: int, target: int) -> None:
        struct.pack_into("<I", self.data, at, target - at)

    def _align(self) -> None:
        self.data += bytes(-len(self.data) % 4)


def harmless_pickle() -> bytes:
    """Return what scikit-learn's linear regression looks like when it is pickled."""
    state = pickle.dumps({"coef_": [0.25, 0.5], "intercept_": 0.125}, protocol=2)
    # c: a class by its name; ) \x81: a new object of it without arguments; b: its attributes
    return b"\x80\x02csklearn.linear_model._base\nLinearRegression\n)\x81" + state[2:-1] + b"b."


class _Runs:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("true",)


def evil_pickle() -> bytes:
    """Return a pickle that runs a command when it is loaded. The command is ``true``."""
    return pickle.dumps(_Runs(), protocol=2)
