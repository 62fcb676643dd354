"""Core ML models: .mlmodel, which an .mlpackage has too, a protobuf message without a magic.

It is told by its one field above 200, which says what the model is, and by having no others but
the three that every model may have.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aibom.formats.models.coreml_program import ProgramWalk
from aibom.formats.models.coreml_schema import (
    CLASS_NAME,
    CUSTOM,
    NETWORKS,
    PIPELINE,
    PIPELINES_OF,
    PROGRAM,
    TYPES,
    Metadata,
    Model,
    ModelDescription,
    NeuralNetwork,
    Pipeline,
)
from aibom.formats.models.header import DESCRIPTION_LIMIT, KEY_LIMIT, joined, properties
from aibom.formats.models.messages import Messages
from aibom.formats.models.paged import Paged
from aibom.formats.protobuf import Span
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

_MAX_VERSION = 40  # 10 is the newest of coremltools 9; a release of the systems adds one
_DESCRIPTION_TAG = 0x12
_MAX_DEPTH = 8  # pipelines within pipelines
_MAX_METADATA = 50
_MAX_NAMES = 100


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long may be Core ML.

    Not more: it begins with a version and a description, as other messages do.
    """
    return (
        size > 4
        and head[:1] == b"\x08"
        and 1 <= int.from_bytes(head[1:2]) <= _MAX_VERSION
        and head[2:3] == bytes([_DESCRIPTION_TAG])
    )


@dataclass(slots=True)
class _Said:
    """What a model and the models within it are."""

    types: list[str] = field(default_factory=list)
    layers: int = 0
    custom: set[str] = field(default_factory=set)


def parse(source: ByteSource) -> ModelHeader | None:
    """Read a model's description, and the shapes of an ML program's weights.

    Returns None for any other message. Raises FormatError when what lies within is no protobuf,
    and on more than our caps.
    """
    if not recognise(source.read(0, 4), source.size):
        return None
    messages = Messages(Paged(source))
    fields = _model(messages, Span(0, source.size))
    if fields is None:
        return None
    said, walk = _Said(), ProgramWalk(messages)
    _content(messages, fields, said, walk)
    return _header(messages, fields, said, walk)


def _model(messages: Messages, span: Span) -> dict[int, int | Span] | None:
    """Return the fields of the Model at ``span``, or None when it is none."""
    if not messages.fits(span, Model.WIRE_TYPES):
        return None
    fields = dict(messages.fields(span))
    described = fields.get(Model.DESCRIPTION)
    if not isinstance(described, Span) or Model.VERSION not in fields:
        return None
    if len(fields.keys() & TYPES.keys()) != 1:
        return None
    return fields if messages.fits(described, ModelDescription.WIRE_TYPES) else None


def _content(
    messages: Messages,
    fields: dict[int, int | Span],
    said: _Said,
    walk: ProgramWalk,
    depth: int = 0,
) -> None:
    """Note what a model is made of, and likewise each model of a pipeline."""
    if depth > _MAX_DEPTH:
        raise FormatError("pipelines nested too deeply")
    (number,) = fields.keys() & TYPES.keys()
    if len(said.types) < _MAX_NAMES:
        said.types.append(TYPES[number])
    value = fields[number]
    if not isinstance(value, Span):
        return
    if number in NETWORKS:
        _layers(messages, value, said)
    elif number == PROGRAM:
        walk.program(value)
    elif number == CUSTOM:
        _class(messages, value, said)
    for pipeline in _pipelines(messages, number, value):
        for model in messages.children(pipeline, Pipeline.MODELS):
            inner = _model(messages, model)
            if inner is None:
                raise FormatError("pipeline with a model that is none")
            _content(messages, inner, said, walk, depth + 1)


def _pipelines(messages: Messages, number: int, value: Span) -> Iterable[Span]:
    """Return the Pipeline that a model is, or has."""
    if number in PIPELINES_OF:
        return messages.children(value, 1)
    return (value,) if number == PIPELINE else ()


def _layers(messages: Messages, span: Span, said: _Said) -> None:
    for layer in messages.children(span, NeuralNetwork.LAYERS):
        said.layers += 1
        for custom in messages.children(layer, NeuralNetwork.LAYER_CUSTOM):
            _class(messages, custom, said)


def _class(messages: Messages, span: Span, said: _Said) -> None:
    """Note the class that an application must have for a layer or a model."""
    for name in messages.children(span, CLASS_NAME):
        shown = messages.text(name, KEY_LIMIT)
        if shown and len(said.custom) < _MAX_NAMES:
            said.custom.add(shown)


def _header(
    messages: Messages, fields: dict[int, int | Span], said: _Said, walk: ProgramWalk
) -> ModelHeader:
    described = fields[Model.DESCRIPTION]
    texts: dict[int, str | None] = {}
    defined: dict[str, str | float | None] = {}
    for number, part in _metadata(messages, described):
        if number != Metadata.USER_DEFINED:
            texts[number] = messages.text(part, DESCRIPTION_LIMIT)
        elif len(defined) < _MAX_METADATA:
            key, value = messages.entry(part)
            defined[f"metadata.{key}"[:KEY_LIMIT]] = value
    counted = said.types == [TYPES[PROGRAM]]  # of other kinds nothing says where all weights are
    return ModelHeader(
        format="coreml",
        format_version=str(fields[Model.VERSION]),
        producer=texts.get(Metadata.AUTHOR),
        description=texts.get(Metadata.DESCRIPTION),
        licence=texts.get(Metadata.LICENSE),
        parameters=walk.tally.parameters if counted else None,
        quantization=walk.tally.dominating if counted else None,
        tensors=walk.tally.tensors if counted else None,
        properties=properties(
            defined
            | {
                "custom_classes": joined(said.custom),
                "layers": said.layers or None,
                "model_type": said.types[0],
                "model_version": texts.get(Metadata.VERSION),
                "operations": walk.operations or None,
                "pipeline": ", ".join(said.types[1:]) or None,
            }
        ),
        concerns=walk.concerns(),
        references=walk.references(),
    )


def _metadata(messages: Messages, described: int | Span) -> list[tuple[int, Span]]:
    if not isinstance(described, Span):
        return []
    found = messages.children(described, ModelDescription.METADATA)
    return [part for metadata in found for part in messages.parts(metadata)]
