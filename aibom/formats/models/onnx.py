"""ONNX models: a Protocol Buffers message without a magic, told by its structure."""

import re
from dataclasses import dataclass, field

from aibom.formats.models.header import (
    DESCRIPTION_LIMIT,
    HEAD,
    KEY_LIMIT,
    TEXT_LIMIT,
    joined,
    properties,
)
from aibom.formats.models.messages import Messages
from aibom.formats.models.onnx_graph import GraphWalk
from aibom.formats.models.onnx_schema import (
    DEFAULT_DOMAIN,
    MAX_IR_VERSION,
    MODEL_WIRE_TYPES,
    ModelProto,
    OperatorSetIdProto,
)
from aibom.formats.models.paged import Paged
from aibom.formats.protobuf import BYTES, Span, signed, spans
from aibom.formats.source import ByteSource, FormatError
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader

_FIELD_HEAD = 20  # bytes of a field's tag and length at most

_REQUIRED = {ModelProto.GRAPH, ModelProto.OPSET_IMPORT}
_TEXTS = {ModelProto.PRODUCER_NAME, ModelProto.PRODUCER_VERSION, ModelProto.DOMAIN}

# What a field's content can begin with: the tag (number << 3 | wire type) of a field of
# GraphProto, of OperatorSetIdProto, of StringStringEntryProto. 0x82 begins GraphProto's 16.
_FIRST_BYTES = {
    ModelProto.GRAPH: bytes(n << 3 | BYTES for n in (1, 2, 5, 10, 11, 12, 13, 14, 15)) + b"\x82",
    ModelProto.OPSET_IMPORT: b"\x0a\x10",
    ModelProto.METADATA_PROPS: b"\x0a\x12",
}

# Domains of operators that runtimes bring along: ONNX's own, and ONNX Runtime's (com.microsoft).
_KNOWN_DOMAINS = ("ai.onnx", "com.microsoft", "com.ms.internal", "org.pytorch.aten")

# onnx.proto, TensorProto.external_data: "location" is relative to the model's folder. Windows
# takes both separators, and a drive.
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:|[a-z]+://")
_SEPARATORS = re.compile(r"[/\\]")

_MAX_TOP_LEVEL = 100_000  # fields of ModelProto itself: mostly functions, and metadata
_MAX_METADATA = 50  # entries kept
_MAX_OPSETS = 100

# What exporters call every graph: those of PyTorch, tf2onnx, Paddle2ONNX (two generations), Spox,
# onnx-graphsurgeon and MXNet. sklearn-onnx and onnxmltools call it by a random UUID.
_MEANINGLESS_NAMES = {
    "graph",
    "main",
    "main_graph",
    "model from paddlepaddle.",
    "mxnet_converted_model",
    "onnx_graphsurgeon_graph",
    "paddle-onnx",
    "spox_graph",
    "tf2onnx",
    "torch-jit-export",
    "torch_jit",
    "torch_jit_export",
}
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")

# Keys of metadata_props that name who made the model, and its licence: docs/MetadataProps.md in
# the onnx repository, and the spelling of Ultralytics' exporter.
_AUTHOR_KEYS = ("model_author", "author")
_LICENCE_KEYS = ("model_license", "license")


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long may be ONNX.

    There is no magic: the head must begin with ir_version, and each field in it must be one of
    ModelProto, of the right wire type, within the file and with plausible content.
    """
    if head[:1] != b"\x08" or not 1 <= int.from_bytes(head[1:2]) <= MAX_IR_VERSION:
        return False
    seen = set()
    try:
        for number, wire, value in spans(_Head(head, size), 0, size):
            if MODEL_WIRE_TYPES.get(number) != wire or not _plausible(number, value, head):
                return False
            seen.add(number)
            if isinstance(value, Span) and _beyond(value, head, size):
                return True
    except FormatError:
        return False
    return seen >= _REQUIRED


class _Head:
    """The first bytes of a file as a ByteSource of the file's size."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head = head
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        return self._head[offset : offset + length]


def _beyond(span: Span, head: bytes, size: int) -> bool:
    """Tell whether the field behind ``span`` is not to be seen in the head."""
    return len(head) < size and span.offset + span.length + _FIELD_HEAD > len(head)


def _plausible(number: int, value: int | Span, head: bytes) -> bool:
    if isinstance(value, int):
        return True
    content = head[value.offset : value.offset + value.length]
    if number in _TEXTS:
        return value.length <= TEXT_LIMIT and min(content, default=0x20) >= 0x20
    allowed = _FIRST_BYTES.get(number)
    return not content or not allowed or content[0] in allowed


@dataclass(slots=True)
class _Model:
    """What the fields of ModelProto say, apart from graph and functions."""

    numbers: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str | None] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the structure of an ONNX model, not the data of its tensors.

    Returns None when the top level is not that of ModelProto, or the graph has neither a node
    nor an initializer. Raises FormatError when what lies within is no protobuf, when a tensor is
    larger than its data and on more than our caps.
    """
    paged = Paged(source)
    if not recognise(source.read(0, HEAD), source.size) or not _is_model(paged):
        return None
    messages = Messages(paged)
    walk = GraphWalk(messages)
    model = _Model()
    for number, value in messages.fields(Span(0, source.size)):
        if isinstance(value, int):
            model.numbers[number] = signed(value)
        elif number == ModelProto.GRAPH:
            walk.graph(value)
        elif number == ModelProto.FUNCTIONS:
            walk.function(value)
        else:
            _read_part(messages, model, number, value)
    if not walk.nodes and not walk.tally.tensors:
        return None
    return _header(model, walk)


def _is_model(source: ByteSource) -> bool:
    """Tell whether the top level is that of ModelProto, to the last byte of the file."""
    seen = set()
    for count, (number, wire, _) in enumerate(spans(source, 0, source.size)):
        if MODEL_WIRE_TYPES.get(number) != wire:
            return False
        if count > _MAX_TOP_LEVEL:
            raise FormatError("too many fields")
        seen.add(number)
    return seen >= _REQUIRED


def _read_part(messages: Messages, model: _Model, number: int, span: Span) -> None:
    if number == ModelProto.OPSET_IMPORT and len(model.opsets) < _MAX_OPSETS:
        found = dict(messages.fields(span))
        domain = found.get(OperatorSetIdProto.DOMAIN)
        version = found.get(OperatorSetIdProto.VERSION)
        name = messages.text(domain) if isinstance(domain, Span) else None
        model.opsets[name or DEFAULT_DOMAIN] = version if isinstance(version, int) else 0
    elif number == ModelProto.METADATA_PROPS and len(model.metadata) < _MAX_METADATA:
        key, text = messages.entry(span)
        if key and text:
            model.metadata[key[:KEY_LIMIT]] = text
    elif number in _TEXTS:
        model.texts[number] = messages.text(span)
    elif number == ModelProto.DOC_STRING:
        model.texts[number] = messages.text(span, DESCRIPTION_LIMIT)


def _header(model: _Model, walk: GraphWalk) -> ModelHeader:
    name = walk.name
    weights = walk.tally if walk.tally.tensors else None  # else they are in nodes, uncounted
    return ModelHeader(
        format="onnx",
        format_version=str(model.numbers[ModelProto.IR_VERSION]),
        name=name if name and _tells(name.lower()) else None,
        producer=_first(model.metadata, _AUTHOR_KEYS),
        description=model.texts.get(ModelProto.DOC_STRING) or model.metadata.get("description"),
        parameters=weights.parameters if weights else None,
        quantization=walk.tally.dominating,
        tensors=weights.tensors if weights else None,
        licence=_first(model.metadata, _LICENCE_KEYS),
        properties=_properties(model, walk),
        concerns=_concerns(walk),
        references=tuple(sorted(name for name in walk.external if not _leads_out(name))),
    )


def _tells(name: str) -> bool:
    """Say whether the name of a graph, in lower case, is the model's and not its exporter's."""
    return name not in _MEANINGLESS_NAMES and not _UUID.fullmatch(name)


def _concerns(walk: GraphWalk) -> tuple[Concern, ...]:
    """Return what the model makes its runtime read or load that is not the model's."""
    found = []
    outside = joined(name for name in walk.external if _leads_out(name))
    if outside:
        detail = f"tensors are read from outside of its folder: {outside}"
        found.append(Concern("outside-reference", "dangerous", detail))
    foreign = joined(d for d in walk.domains - walk.defined if not d.startswith(_KNOWN_DOMAINS))
    if foreign:
        detail = f"needs a library with operators of {foreign}"
        found.append(Concern("custom-code", "note", detail))
    return tuple(sorted(found))


def _leads_out(location: str) -> bool:
    """Say whether a location, which is relative to the model's folder, leads out of it."""
    if _ABSOLUTE.match(location):
        return True
    depth = 0
    for part in _SEPARATORS.split(location):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


def _properties(model: _Model, walk: GraphWalk) -> tuple[tuple[str, str], ...]:
    """Return what has no field of its own. A producer in ONNX is a tool: "pytorch"."""
    shown: dict[str, str | float | None] = {
        "domain": model.texts.get(ModelProto.DOMAIN),
        "external_data": joined(walk.external),
        "model_version": model.numbers.get(ModelProto.MODEL_VERSION),
        "nodes": walk.nodes,
        "op_domains": joined(walk.domains),
        "opset_import": joined(f"{domain}={version}" for domain, version in model.opsets.items()),
        "producer_name": model.texts.get(ModelProto.PRODUCER_NAME),
        "producer_version": model.texts.get(ModelProto.PRODUCER_VERSION),
    }
    shown.update((f"metadata.{key}", value) for key, value in model.metadata.items())
    return properties(shown)


def _first(metadata: dict[str, str], keys: tuple[str, ...]) -> str | None:
    return next((metadata[key] for key in keys if key in metadata), None)
