"""Builds pickles, PyTorch, joblib, HDF5 and Keras files as bytes, and reads them with suspicion."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from builders_a import Metered

from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.model import ModelHeader


def attempt(module: ModuleType, data: bytes) -> ModelHeader | None:
    """Recognise and parse; anything but a header, None or a FormatError for people fails."""
    assert module.recognise(data[:4096], len(data)) in (True, False)
    refused = None
    header: ModelHeader | None = None
    try:
        header = module.parse(Metered(data, limit=4 * len(data) + 32_768))
    except FormatError as error:
        refused = str(error)
    assert refused is None or (0 < len(refused) < 100 and refused.isprintable())
    if header is not None:
        _assert_sane(header)
    return header


def _assert_sane(header: ModelHeader) -> None:
    assert header.parameters is None or 0 <= header.parameters < 1 << 63
    assert header.tensors is None or 0 <= header.tensors < 1 << 32
    shown = [header.name, header.architecture, header.format_version, header.quantization]
    shown += [*header.globals, *(text for pair in header.properties for text in pair)]
    for text in shown:
        assert text is None or (0 < len(text) < 10_000 and text == printable(text, 10_000))
        assert text is None or text.encode()  # no lone surrogates
    assert list(header.properties) == sorted(header.properties)
    assert list(header.globals) == sorted(set(header.globals))


# Pickles


@dataclass(frozen=True)
class Name:
    """Something imported."""

    module: str
    name: str


@dataclass(frozen=True)
class Made:
    """An object made by a call: of a class's __new__ (``new``) or of any function.

    ``items`` are set on it like a dictionary's, ``state`` is given to it by BUILD, and ``raw``
    are bytes behind that.
    """

    function: Name
    args: tuple[Any, ...] = ()
    new: bool = False
    items: Mapping[str, Any] = field(default_factory=dict)
    state: Any = None
    raw: bytes = b""


@dataclass(frozen=True)
class Persistent:
    """An object outside the pickle, by its id."""

    identifier: Any


class Pickler:
    """Writes values as the opcodes of protocol 2 or 4, strings and names memoised."""

    def __init__(self, protocol: int = 2) -> None:
        self.protocol = protocol
        self.memo: dict[Any, int] = {}

    def dump(self, value: Any) -> bytes:
        return b"\x80" + bytes([self.protocol]) + self.save(value) + b"."

    def save(self, value: Any) -> bytes:
        if value is None or isinstance(value, bool):
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        savers: dict[type, Callable[[Any], bytes]] = {
            str: self.memoised,
            Name: self.memoised,
            int: self.integer,
            bytes: lambda data: b"B" + struct.pack("<I", len(data)) + data,
            tuple: lambda values: b"(" + b"".join(map(self.save, values)) + b"t",
            list: lambda values: b"](" + b"".join(map(self.save, values)) + b"e",
            dict: lambda items: b"}" + self.items(items),
            Persistent: lambda outside: self.save(outside.identifier) + b"Q",
            Made: self.made,
        }
        return savers[type(value)](value)

    def integer(self, value: int) -> bytes:
        if -(2**31) <= value < 2**31:
            return b"J" + struct.pack("<i", value)
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(raw)]) + raw

    def memoised(self, value: str | Name) -> bytes:
        if value in self.memo:
            return b"j" + struct.pack("<I", self.memo[value])
        code = self.text(value) if isinstance(value, str) else self.name(value)
        self.memo[value] = len(self.memo)
        if self.protocol >= 4:
            return code + b"\x94"
        return code + b"r" + struct.pack("<I", self.memo[value])

    def text(self, value: str) -> bytes:
        raw = value.encode()
        if self.protocol >= 4 and len(raw) < 256:
            return b"\x8c" + bytes([len(raw)]) + raw
        return b"X" + struct.pack("<I", len(raw)) + raw

    def name(self, value: Name) -> bytes:
        if self.protocol >= 4:
            return self.save(value.module) + self.save(value.name) + b"\x93"
        return f"c{value.module}\n{value.name}\n".encode()

    def made(self, value: Made) -> bytes:
        out = self.save(value.function) + self.save(value.args) + (b"\x81" if value.new else b"R")
        out += self.items(value.items)
        if value.state is not None:
            out += self.save(value.state) + b"b"
        return out + value.raw

    def items(self, items: Mapping[str, Any]) -> bytes:
        if not items:
            return b""
        return b"(" + b"".join(self.save(k) + self.save(v) for k, v in items.items()) + b"u"


def pickled(value: Any, protocol: int = 2) -> bytes:
    return Pickler(protocol).dump(value)


EVIL = Made(Name("posix", "system"), ("echo",))


def estimator(path: str, state: Mapping[str, Any] | None = None) -> Made:
    """An object as scikit-learn pickles it."""
    module, _, name = path.rpartition(".")
    return Made(Name(module, name), (), new=True, state=dict(state or {"n": 1}))


def joblib_array(kind: str, shape: tuple[int, ...], data: bytes, padding: int | None = 3) -> Made:
    """An array as joblib dumps it; ``padding`` None is that of joblib 1.1 and before."""
    state = {
        "subclass": Name("numpy", "ndarray"),
        "shape": shape,
        "order": "C",
        "dtype": Made(Name("numpy", "dtype"), (kind, False, True), state=(3, "<", None)),
        "allow_mmap": True,
    }
    raw = data
    if padding is not None:
        state["numpy_array_alignment_bytes"] = 16
        raw = bytes([padding]) + b"\xff" * padding + data
    name = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
    return Made(name, (), new=True, state=state, raw=raw)


# Zips and PyTorch


def zipped(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def tensor(
    key: str, storage: str = "FloatStorage", elements: int = 4, *, legacy: bool = False
) -> Made:
    """A tensor as torch.save pickles it; the legacy form adds the place in a shared storage."""
    view = (None,) if legacy else ()
    outside = Persistent(("storage", Name("torch", storage), key, "cpu", elements, *view))
    hooks = Made(Name("collections", "OrderedDict"))
    args = (outside, 0, (elements,), (1,), False, hooks)
    return Made(Name("torch._utils", "_rebuild_tensor_v2"), args)


def tensor_v3(key: str, dtype: str, length: int) -> Made:
    """A tensor of one of the newer dtypes: its storage counts bytes."""
    kind = Name("torch.storage", "UntypedStorage")
    outside = Persistent(("storage", kind, key, "cpu", length))
    args = (outside, 0, (length,), (1,), False, None, Name("torch", dtype))
    return Made(Name("torch._utils", "_rebuild_tensor_v3"), args)


def state_dict(tensors: Mapping[str, Any]) -> Made:
    return Made(Name("collections", "OrderedDict"), items=tensors)


def torch_members(
    value: Any, storages: Mapping[str, int], top: str = "m"
) -> list[tuple[str, bytes]]:
    """The records of torch.save's zip; ``storages`` maps keys to their length in bytes."""
    return [
        (f"{top}/data.pkl", pickled(value)),
        (f"{top}/byteorder", b"little"),
        *((f"{top}/data/{key}", bytes(length)) for key, length in storages.items()),
        (f"{top}/version", b"3\n"),
    ]


def torch_zip(value: Any, storages: Mapping[str, int]) -> bytes:
    return zipped(torch_members(value, storages))


def torch_legacy(value: Any, storages: Mapping[str, int], version: int = 1001) -> bytes:
    """torch.save's legacy form; ``storages`` maps keys to their length in bytes."""
    system = {"protocol_version": 1001, "little_endian": True}
    pickles = (0x1950A86A20F9469CFC6C, version, system, value, list(storages))
    data = (struct.pack("<Q", length) + bytes(length) for length in storages.values())
    return b"".join(map(pickled, pickles)) + b"".join(data)


# LZ4


def lz4_frame(blocks: Sequence[bytes]) -> bytes:
    """A frame of compressed blocks, independent and without checksums."""
    body = b"".join(struct.pack("<I", len(block)) + block for block in blocks)
    return b"\x04\x22\x4d\x18\x60\x40\x82" + body + bytes(4)


def lz4_literals(data: bytes) -> bytes:
    """A block that holds its content as it is."""
    if len(data) < 15:
        return bytes([len(data) << 4]) + data
    rest = len(data) - 15
    return b"\xf0" + b"\xff" * (rest // 255) + bytes([rest % 255]) + data


# HDF5


@dataclass
class Hdf5:
    """An HDF5 file with a root group.

    Attributes are text (variable length, in the global heap), bytes (fixed length) or an int.
    ``modern`` takes superblock 2 and object header 2 in the place of 0 and 1; ``split`` puts the
    attributes into a continuation block.
    """

    attributes: Mapping[str, str | bytes | int] = field(default_factory=dict)
    links: Sequence[str] = ()
    modern: bool = False
    split: bool = False
    user_block: int = 0
    trailer: int = 0  # bytes that the superblock counts and that are not there

    def build(self) -> bytes:
        self.out = bytearray(96)
        self.heap = self._global_heap()
        root = self._header_2() if self.modern else self._header_1()
        end = len(self.out) + self.trailer
        base, undefined = self.user_block, 2**64 - 1
        addresses = (base, undefined, base + end)
        signature = b"\x89HDF\r\n\x1a\n"
        if self.modern:
            head = signature + b"\x02\x08\x08\0" + struct.pack("<4Q", *addresses, root)
        else:
            head = signature + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
            head += struct.pack("<6Q", *addresses, undefined, 0, root)
        self.out[: len(head)] = head
        return bytes(base) + bytes(self.out)

    def put(self, data: bytes) -> int:
        """Append, and return the address."""
        self.out += data + bytes(-len(data) % 8)
        return len(self.out) - len(data) - -len(data) % 8

    def _global_heap(self) -> int:
        texts = [value.encode() for value in self.attributes.values() if isinstance(value, str)]
        objects = b""
        for index, text in enumerate(texts, 1):
            objects += struct.pack("<HHIQ", index, 1, 0, len(text)) + text + bytes(-len(text) % 8)
        objects += struct.pack("<HHIQ", 0, 0, 0, 16)
        return self.put(b"GCOL" + struct.pack("<B3xQ", 1, 16 + len(objects)) + objects)

    def _attributes(self) -> list[tuple[int, bytes]]:
        messages, index = [], 0
        for name, value in self.attributes.items():
            index += isinstance(value, str)
            messages.append((0x0C, self._attribute(name, value, index)))
        return messages

    def _attribute(self, name: str, value: str | bytes | int, index: int) -> bytes:
        if isinstance(value, str):
            string = struct.pack("<B3BI", 0x13, 0, 0, 0, 1)
            datatype = struct.pack("<B3BI", 0x19, 1, 1, 0, 16) + string
            data = struct.pack("<IQI", len(value.encode()), self.heap, index)
        elif isinstance(value, bytes):
            datatype, data = struct.pack("<B3BI", 0x13, 0, 0, 0, len(value)), value
        else:
            fixed = struct.pack("<HH", 0, 64)
            datatype = struct.pack("<B3BI", 0x10, 8, 0, 0, 8) + fixed
            data = struct.pack("<q", value)
        raw = name.encode() + b"\0"
        parts = [
            raw,
            datatype,
            bytes([2, 0, 0, 0]) if self.modern else bytes([1, 0, 0, 0] + 4 * [0]),
        ]
        sizes = struct.pack("<3H", *map(len, parts))
        if self.modern:
            return b"\x03\0" + sizes + b"\x01" + b"".join(parts) + data
        return b"\x01\0" + sizes + b"".join(p + bytes(-len(p) % 8) for p in parts) + data

    def _header_1(self) -> int:
        attributes = self._attributes()
        messages = [(0x11, struct.pack("<QQ", *self._symbol_table()))]
        if self.split:
            block = b"".join(self._message_1(*message) for message in attributes)
            messages.append((0x10, struct.pack("<QQ", self.put(block), len(block))))
        else:
            messages += attributes
        body = b"".join(self._message_1(*message) for message in messages)
        return self.put(struct.pack("<BxHIIxxxx", 1, len(messages), 1, len(body)) + body)

    def _message_1(self, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 8)
        return struct.pack("<HHB3x", kind, len(body), 0) + body

    def _symbol_table(self) -> tuple[int, int]:
        names, offsets = bytearray(8), []
        for link in sorted(self.links):
            offsets.append(len(names))
            names += link.encode() + b"\0"
            names += bytes(-len(names) % 8)
        segment = self.put(bytes(names))
        heap = self.put(b"HEAP" + struct.pack("<4xQQQ", len(names), 1, segment))
        entries = b"".join(struct.pack("<QQII16x", offset, 0, 0, 0) for offset in offsets)
        node = self.put(b"SNOD" + struct.pack("<BxH", 1, len(offsets)) + entries)
        tree = struct.pack("<BBHQQ", 0, 0, 1, 2**64 - 1, 2**64 - 1) + struct.pack("<3Q", 0, node, 0)
        return self.put(b"TREE" + tree), heap

    def _header_2(self) -> int:
        messages = [(0x02, b"\0\0" + b"\xff" * 16)]
        messages += [
            (0x06, b"\x01\0" + bytes([len(raw)]) + raw) for raw in map(str.encode, self.links)
        ]
        attributes = b"".join(self._message_2(*message) for message in self._attributes())
        if self.split:
            block = b"OCHK" + attributes + bytes(4)
            messages.append((0x10, struct.pack("<QQ", self.put(block), len(block))))
            attributes = b""
        body = b"".join(self._message_2(*message) for message in messages) + attributes
        return self.put(b"OHDR\x02\x02" + struct.pack("<I", len(body)) + body + bytes(4))

    def _message_2(self, kind: int, body: bytes) -> bytes:
        return struct.pack("<BHB", kind, len(body), 0) + body


# Keras


def keras_config(name: str = "net", *layers: Mapping[str, Any]) -> dict[str, Any]:
    config = {"name": name, "layers": [{"class_name": "Dense", "config": {"name": "d"}}, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config}


LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "twice", "function": {"class_name": "__lambda__"}},
}


def keras_zip(config: Any, metadata: Any = None, method: int = zipfile.ZIP_STORED) -> bytes:
    if metadata is None:
        metadata = {"keras_version": "3.15.1", "date_saved": "2026-01-02@03:04:05"}
    members = [
        ("metadata.json", json.dumps(metadata).encode()),
        ("config.json", json.dumps(config).encode()),
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n"),
    ]
    return zipped(members, method)
