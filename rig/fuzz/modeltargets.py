"""Model files, the containers that they come in, and the memory of a CPython."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any, Protocol, cast

from aibom.formats import protobuf
from aibom.formats.cpython import elf, layouts, modules
from aibom.formats.cpython.memory import InterpreterError, Reader, Span
from aibom.formats.cpython.site import Symbols
from aibom.formats.models import (
    carriers,
    catboost,
    compressed,
    coreml,
    ctranslate2,
    fasttext,
    flatbuffer,
    ggml,
    gguf,
    hdf5,
    joblib,
    keras,
    lightgbm,
    lz4_frame,
    npz,
    onnx,
    openvino,
    paddle,
    pickle_rest,
    pickles,
    pytorch,
    safetensors,
    safetensors_json,
    skops,
    spacy,
    tarfiles,
    tensorflow,
    tensorrt,
    tflite,
    torchscript,
    ubjson,
    word2vec,
    xgboost,
    xgboost_binary,
    zipdir,
)
from aibom.formats.models.detect import HEAD
from aibom.formats.source import ByteSource, FormatError
from aibom.formats.vectors import lance, usearch
from rig.fuzz.target import Target, of_bytes, of_source

_PARSERS = (
    catboost, coreml, ctranslate2, fasttext, ggml, gguf, joblib, keras, lance, lightgbm, npz, onnx,
    openvino, paddle, pytorch, safetensors, skops, spacy, tensorrt, tflite, usearch, word2vec,
    xgboost, xgboost_binary,
)  # fmt: skip
_CAP = 1 << 20
_BASE = 0x7F0000000000
_OFFSETS = layouts.DEBUG_OFFSETS_SIZE
_SYMBOLS = struct.Struct("<5Q")


class _Parser(Protocol):
    def parse(self, source: ByteSource) -> object: ...

    def recognise(self, head: bytes, size: int) -> bool: ...


def _model(module: ModuleType) -> Target:
    """Return a target of a format's two functions."""
    parser = cast("_Parser", module)

    def run(source: ByteSource) -> None:
        if parser.recognise(source.read(0, HEAD), source.size):
            parser.parse(source)

    found = of_source(module.__name__.rpartition(".")[2], run)
    return replace(found, parsers=(parser.parse, parser.recognise))


def _graphs(source: ByteSource) -> None:
    head = source.read(0, HEAD)
    tensorflow.recognise_graph(head, source.size)
    tensorflow.recognise_saved_model(head, source.size)


def _zip(source: ByteSource) -> None:
    zipdir.first_name(source)
    zipdir.mentions(source, b"data.pkl")
    for member in zipdir.members(source):
        zipdir.oddities(source, member, zipdir.content(source, member, _CAP))


class _Memory:
    """A process's memory: the bytes, at one address."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, address: int, size: int) -> bytes:
        at = address - _BASE
        return self._data[at : at + size] if 0 <= at <= len(self._data) - size else b""

    def read_many(self, spans: Sequence[Span]) -> list[bytes]:
        return [self.read(*span) for span in spans]


def _interpreter(data: bytes) -> None:
    if len(data) >= _SYMBOLS.size:
        symbols = Symbols(*_SYMBOLS.unpack_from(data))
        modules.read(_Memory(data[_SYMBOLS.size :]), symbols)


def _offsets(data: bytes) -> None:
    layouts.from_debug_offsets(data[:_OFFSETS].ljust(_OFFSETS, b"\0"))


def _image(arguments: dict[str, Any]) -> bytes | None:
    data = getattr(arguments.get("memory"), "data", None)
    if data is None:
        return None
    return _SYMBOLS.pack(*arguments["symbols"]) + bytes(data).rstrip(b"\0")


def _elf(data: bytes) -> None:
    reader = Reader(_Memory(data))
    elf.bias(reader, _BASE)
    elf.symbols(reader, _BASE, ("_PyRuntime", "PyDict_Type"))


TARGETS = (
    *(_model(module) for module in _PARSERS),
    replace(
        of_source("tensorflow", tensorflow.parse_graph, tensorflow.parse_saved_model, _graphs),
        parsers=(
            tensorflow.parse_graph,
            tensorflow.parse_saved_model,
            tensorflow.recognise_graph,
            tensorflow.recognise_saved_model,
        ),
    ),
    of_source("carried", carriers.cargo_of, torchscript.concerns),
    of_source("hdf5", partial(hdf5.read_root, value_cap=_CAP)),
    of_source("zip", _zip, zipdir.members),
    of_source("tar-of-models", tarfiles.members, tarfiles.recognise),
    of_source(
        "compressed",
        partial(compressed.unpack, cap=_CAP),
        partial(lz4_frame.unpack, cap=_CAP),
    ),
    of_source("flatbuffer", flatbuffer.root),
    of_source(
        "pickle",
        pickles.walk,
        partial(pickle_rest.names_behind, offset=0),
        lambda source: protobuf.spans(source, 0, source.size),
    ),
    of_bytes("pickle-in-memory", pickles.scan_globals, carriers.is_pickle),
    of_bytes("ubjson", partial(ubjson.value, position=0), allowed=(FormatError,)),
    of_bytes("safetensors-header", safetensors_json.read_header, allowed=(FormatError,)),
    of_bytes("spacy-meta", spacy.parse_meta, allowed=(FormatError,)),
    Target("debug-offsets", _offsets, (layouts.from_debug_offsets,), (InterpreterError,)),
    Target("cpython-memory", _interpreter, (modules.read,), (InterpreterError,), encode=_image),
    Target(
        "cpython-elf",
        _elf,
        (elf.bias, elf.symbols),
        (InterpreterError,),
        encode=lambda arguments: _whole(arguments.get("reader")),
    ),
)


def _whole(reader: Any) -> bytes | None:
    data = getattr(getattr(reader, "_memory", None), "data", None)
    return None if data is None else bytes(data).rstrip(b"\0")
