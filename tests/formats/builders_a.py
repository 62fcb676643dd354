"""Builds model files as bytes (GGUF, safetensors, ONNX, TFLite), and spoils them."""

import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

# GGUF value types (docs/gguf.md).
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_GGUF_CODES = dict(zip((*range(8), 10, 11, 12), "BbHhIif?Qqd", strict=True))

# Files that are none of ours, by what they are.
ORDINARY = {
    "empty": b"",
    "one byte": b"\x08",
    "text": b"GGUF is a format for models.\n" * 20,
    "text with TFL3": b"about TFL3 files" * 20,
    "json": b'{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}' + b" " * 4096,
    "elf": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(4096),
    "zip": b"PK\x03\x04\x14\x00" + bytes(4096),
    "locale archive": b"\x09\x01\x02\xde" + struct.pack("<5I", 56, 340, 907, 10936, 1040) * 200,
    "pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s." + bytes(99),
    "zeros": bytes(8192),
    "ones": b"\xff" * 8192,
    "length, then JSON of another kind": struct.pack("<Q", 40)
    + b'{"files": {"a": {"size": 1}}}'.ljust(40),
    "saved model": b"\x08\x01\x12\x90\x4e\x0a\x08\x0a\x06serve" + bytes(10_000),
    "protobuf of numbers": b"\x08\x05\x10\x07\x18\x01" * 100,
    "protobuf with a name": b"\x08\x07\x12\x05names\x1a\x03abc",
}


class Metered:
    """A ByteSource that notes what is read, and fails a test that reads too much or wrongly."""

    def __init__(self, data: bytes, limit: int | None = None) -> None:
        self.data = data
        self.limit = 2 * len(data) + 8192 if limit is None else limit
        self.total = 0
        self.end = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset < 1 << 63, "an offset that pread would refuse"
        assert 0 <= length <= 16 << 20, "a length that nobody checked"
        chunk = self.data[offset : offset + length]
        self.total += len(chunk)
        self.end = max(self.end, offset + len(chunk))
        assert self.total <= self.limit, "read beyond the budget"
        return chunk


def attempt(module: ModuleType, data: bytes) -> ModelHeader | None:
    """Recognise and parse; anything but a header, None or a FormatError for people fails."""
    assert module.recognise(data[:4096], len(data)) in (True, False)
    refused = None
    header: ModelHeader | None = None
    try:
        header = module.parse(Metered(data))
    except FormatError as error:
        refused = str(error)
    assert refused is None or (0 < len(refused) < 100 and refused.isprintable())
    if header is not None:
        _assert_sane(header)
    return header


def _assert_sane(header: ModelHeader) -> None:
    if header.format != "onnx":  # whose weights may lie in its nodes, uncounted
        assert header.parameters is not None
        assert header.tensors is not None
    assert 0 <= (header.parameters or 0) < 1 << 63
    assert 0 <= (header.tensors or 0) < 1 << 32
    shown = [header.name, header.producer, header.architecture, header.licence, header.description]
    shown += [text for pair in header.properties for text in pair]
    for text in shown:
        assert text is None or (text.isprintable() and len(text) <= 25_000)
        assert text is None or text.encode()  # no lone surrogates
    assert list(header.properties) == sorted(header.properties)


_HUGE = (2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


@st.composite
def spoiled(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid file with bytes flipped, cut off, overwritten with a huge number, or doubled."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(("flip", "cut", "plant", "remove", "double"))):
            case "flip":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "cut":
                del data[at:]
            case "plant":
                width = draw(st.sampled_from((2, 4, 8)))
                number = draw(st.sampled_from(_HUGE)) % (1 << 8 * width)
                data[at : at + width] = number.to_bytes(
                    width, draw(st.sampled_from(("little", "big")))
                )
            case "remove":
                del data[at : at + draw(st.integers(1, 9))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 99))]
    return bytes(data)


def each_spoiled(valid: bytes) -> list[bytes]:
    """Every truncation, and every byte once flipped in its top and once in its lowest bit."""
    cut = [valid[:length] for length in range(len(valid))]
    flipped = []
    for at in range(len(valid)):
        for bit in (0x80, 0x01):
            data = bytearray(valid)
            data[at] ^= bit
            flipped.append(bytes(data))
    return cut + flipped


# GGUF


@dataclass(frozen=True)
class Gguf:
    """A GGUF file: pairs of (key, type, value), tensors of (name, dims, type, bytes of data).

    An array's value is (item type, items).
    """

    pairs: Sequence[tuple[str, int, Any]] = ()
    tensors: Sequence[tuple[str, Sequence[int], int, int]] = ()
    version: int = 3
    order: str = "<"
    alignment: int = 32
    counts: tuple[int, int] | None = None  # what the file claims, when that is a lie

    def pack(self, codes: str, *values: Any) -> bytes:
        return struct.pack(self.order + codes, *values)

    def count(self, number: int) -> bytes:
        return self.pack("I" if self.version == 1 else "Q", number)

    def string(self, text: str | bytes) -> bytes:
        raw = text.encode() if isinstance(text, str) else text
        return self.count(len(raw)) + raw

    def value(self, kind: int, value: Any) -> bytes:
        if kind == STRING:
            return self.string(value)
        if kind == ARRAY:
            item, items = value
            head = self.pack("I", item) + self.count(len(items))
            return head + b"".join(self.value(item, one) for one in items)
        return self.pack(_GGUF_CODES[kind], value)

    def header(self) -> bytes:
        tensors, pairs = self.counts or (len(self.tensors), len(self.pairs))
        parts = [b"GGUF", self.pack("I", self.version), self.count(tensors), self.count(pairs)]
        for key, kind, value in self.pairs:
            parts += [self.string(key), self.pack("I", kind), self.value(kind, value)]
        offset = 0
        for name, dims, kind, size in self.tensors:
            parts += [self.string(name), self.pack("I", len(dims)), *map(self.count, dims)]
            parts.append(self.pack("IQ", kind, offset))
            offset += size + -size % self.alignment
        return b"".join(parts)

    def build(self) -> bytes:
        header = self.header()
        if not self.tensors:
            return header
        sizes = [tensor[3] for tensor in self.tensors]
        data = b"".join(b"w" * size + bytes(-size % self.alignment) for size in sizes[:-1])
        return header + bytes(-len(header) % self.alignment) + data + b"w" * sizes[-1]


# safetensors


def safetensors_raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A file with this header and data; ``length`` when the header's length is a lie."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def safetensors_file(
    tensors: Mapping[str, tuple[str, Sequence[int]]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Tensors are (dtype, shape); the width of an element is the number in the dtype's name."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        size = math.prod(shape) * safetensors_bits(dtype) // 8
        header[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    return safetensors_raw(text + b" " * (-len(text) % 8), b"w" * offset)


def safetensors_bits(dtype: str) -> int:
    digits = re.search(r"[0-9]+", dtype)
    return int(digits[0]) if digits else 8


# Protocol Buffers and ONNX


def varint(number: int) -> bytes:
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def pb(number: int, value: int | str | bytes) -> bytes:
    """One field: a varint for a number, length-delimited for text and bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def entry(key: str, value: str) -> bytes:
    """A StringStringEntryProto."""
    return pb(1, key) + pb(2, value)


def onnx_tensor(dims: Sequence[int], data_type: int, raw: bytes = b"", more: bytes = b"") -> bytes:
    return b"".join(pb(1, dim) for dim in dims) + pb(2, data_type) + pb(8, "w") + more + pb(9, raw)


def onnx_node(domain: str = "", attributes: Sequence[bytes] = (), op_type: str = "Add") -> bytes:
    node = pb(1, "a") + pb(2, "b") + pb(4, op_type) + b"".join(pb(5, one) for one in attributes)
    return node + (pb(7, domain) if domain else b"")


def onnx_graph(
    nodes: Sequence[bytes] = (), initializers: Sequence[bytes] = (), name: str = "g"
) -> bytes:
    parts = [pb(1, node) for node in nodes] + [pb(2, name)]
    return b"".join(parts + [pb(5, one) for one in initializers] + [pb(12, pb(1, "out"))])


def onnx_model(
    graph: bytes, opsets: Mapping[str, int] | None = None, ir_version: int = 8, more: bytes = b""
) -> bytes:
    """``more`` are the fields between ir_version and graph."""
    sets = {"": 17} if opsets is None else opsets
    imports = b"".join(
        pb(8, (pb(1, domain) if domain else b"") + pb(2, version))
        for domain, version in sets.items()
    )
    return pb(1, ir_version) + more + pb(7, graph) + imports


# FlatBuffers and TFLite


@dataclass(frozen=True)
class Ints:
    """A vector of int in a flatbuffer."""

    items: Sequence[int]


@dataclass
class Flat:
    """A flatbuffer's table: by index, (width, number) or a Flat, a list of Flats, Ints, bytes, str.

    The same Flat twice in a list is written once and pointed to twice.
    """

    fields: dict[int, Any] = field(default_factory=dict)


def flatbuffer(root: Flat, identifier: bytes) -> bytes:
    out = bytearray(4) + bytearray(identifier)
    _point(out, 0, _table(out, root))
    return bytes(out)


def _point(out: bytearray, at: int, target: int) -> None:
    out[at : at + 4] = struct.pack("<I", target - at)


def _table(out: bytearray, table: Flat) -> int:
    """Write vtable, table with eight bytes for each field, then what the fields point to."""
    count = max(table.fields, default=-1) + 1
    slots = {index: 4 + 8 * place for place, index in enumerate(sorted(table.fields))}
    vtable = len(out)
    out += struct.pack("<HH", 4 + 2 * count, 4 + 8 * len(slots))
    out += b"".join(struct.pack("<H", slots.get(index, 0)) for index in range(count))
    position = len(out)
    out += struct.pack("<i", position - vtable) + bytes(8 * len(slots))
    for index, value in table.fields.items():
        at = position + slots[index]
        if isinstance(value, tuple):
            width, number = value
            out[at : at + width] = number.to_bytes(width, "little")
        else:
            _point(out, at, _vector(out, value))
    return position


def _vector(out: bytearray, value: Any) -> int:
    if isinstance(value, Flat):
        return _table(out, value)
    position = len(out)
    if isinstance(value, list):
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        written: dict[int, int] = {}
        for place, item in enumerate(value):
            if id(item) not in written:
                written[id(item)] = _table(out, item)
            _point(out, position + 4 + 4 * place, written[id(item)])
    elif isinstance(value, Ints):
        out += struct.pack(f"<I{len(value.items)}i", len(value.items), *value.items)
    else:
        raw = value.encode() if isinstance(value, str) else value
        out += struct.pack("<I", len(raw)) + raw + b"\0"
    return position


def tflite_tensor(shape: Sequence[int], kind: int, buffer: int, **more: Any) -> Flat:
    fields: dict[int, Any] = {0: Ints(shape), 1: (1, kind), 2: (4, buffer), 3: "t"}
    if more.get("sparse"):
        fields[6] = Flat()
    return Flat(fields)


def tflite_file(
    subgraphs: Sequence[Sequence[Flat]],
    buffers: Sequence[Flat],
    description: str = "",
    metadata: Sequence[str] = (),
) -> bytes:
    """Each subgraph is a sequence of tensors. Buffer 0 is the empty one that is always there."""
    model = Flat(
        {
            0: (4, 3),
            1: [Flat({3: (4, 7)}), Flat()],
            2: [Flat({0: list(tensors), 3: [Flat()] * 2, 4: "main"}) for tensors in subgraphs],
            3: description,
            4: [Flat(), *buffers],
            6: [Flat({0: name, 1: (4, 0)}) for name in metadata],
        }
    )
    return flatbuffer(model, b"TFL3")
