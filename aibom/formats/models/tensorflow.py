"""TensorFlow models: saved_model.pb and frozen graphs, protobuf messages without a magic.

Both are told by nodes that hold or take tensors of a type, which no other message has. Fields
that are not known are passed over, as TensorFlow does, so that none can hide a graph. A
SavedModel keeps its variables in other files of its folder
(tensorflow/python/saved_model/constants.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aibom.formats.models.header import HEAD, joined, properties
from aibom.formats.models.messages import Messages
from aibom.formats.models.paged import Paged
from aibom.formats.models.tensorflow_graph import NAME, OP, GraphWalk
from aibom.formats.models.tensorflow_schema import (
    AssetFileDef,
    MetaGraphDef,
    MetaInfoDef,
    NodeDef,
    SavedModel,
)
from aibom.formats.protobuf import BYTES, Span
from aibom.formats.source import ByteSource, FormatError
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader

# constants.py: SAVED_MODEL_SCHEMA_VERSION has always been 1; then comes a MetaGraphDef.
_SAVED_MODEL = b"\x08\x01\x12"

# constants.py: VARIABLES_DIRECTORY, VARIABLES_FILENAME, ASSETS_DIRECTORY. Variables may be in
# several shards, which only the index says; one is usual.
_VARIABLES = ("variables/variables.index", "variables/variables.data-00000-of-00001")
_ASSETS = "assets/"
_MAX_NAMES = 100  # tags, signatures and assets that are kept


def recognise_saved_model(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long may be a SavedModel.

    Not more, for other messages begin so too.
    """
    return head.startswith(_SAVED_MODEL) and size > len(_SAVED_MODEL)


def recognise_graph(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long may be a graph.

    It begins with a node, and that with its name and its operator.
    """
    node = _field(head, 0, NodeDef.NAME)  # GraphDef's first field has the number of the name's
    if node is None or node[1] > size:
        return False
    name = _field(head, node[0], NodeDef.NAME)
    op = _field(head, name[1], NodeDef.OP) if name else None
    if not name or not op or op[1] > node[1]:
        return False
    return bool(NAME.fullmatch(head[slice(*name)]) and OP.fullmatch(head[slice(*op)]))


def _field(data: bytes, at: int, number: int) -> tuple[int, int] | None:
    """Return where the content of the field at ``at`` begins and ends, if it has this number."""
    if data[at : at + 1] != bytes([number << 3 | BYTES]):
        return None
    length = 0
    for place, byte in enumerate(data[at + 1 : at + 6]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return at + 2 + place, at + 2 + place + length
    return None


def parse_graph(source: ByteSource) -> ModelHeader | None:
    """Read the structure of a graph, not the data of its tensors.

    Returns None for any other message. Raises FormatError when a graph is broken, and on more
    than our caps.
    """
    walk = GraphWalk(Messages(Paged(source)))
    if not recognise_graph(source.read(0, HEAD), source.size) or not _walked(
        walk, lambda: walk.graph(Span(0, source.size))
    ):
        return None
    return ModelHeader(
        format="tensorflow-graph",
        parameters=walk.tally.parameters,
        quantization=walk.tally.dominating,
        tensors=walk.tally.tensors,
        properties=properties(walk.shown()),
        concerns=walk.concerns(),
    )


def _walked(walk: GraphWalk, read: Callable[[], None]) -> bool:
    """Tell whether what was read is TensorFlow's; a break after that is known is damage."""
    try:
        read()
    except FormatError:
        if walk.typed:
            raise
    return walk.typed > 0


@dataclass(slots=True)
class _Said:
    """What a SavedModel's meta graphs say besides their graphs."""

    version: str | None = None
    tags: set[str] = field(default_factory=set)
    signatures: set[str] = field(default_factory=set)
    assets: set[str] = field(default_factory=set)


def parse_saved_model(source: ByteSource) -> ModelHeader | None:
    """Read what a SavedModel says, and the structure of its graphs; see ``parse_graph``."""
    if source.read(0, len(_SAVED_MODEL)) != _SAVED_MODEL:
        return None
    messages, said = Messages(Paged(source)), _Said()
    walk = GraphWalk(messages)
    if not _walked(walk, lambda: _meta_graphs(messages, Span(0, source.size), said, walk)):
        return None
    return ModelHeader(
        format="tensorflow-savedmodel",
        format_version="1",
        parameters=walk.tally.parameters,
        quantization=walk.tally.dominating,
        tensors=walk.tally.tensors,
        properties=properties(
            walk.shown()
            | {
                "signatures": joined(said.signatures),
                "tags": joined(said.tags),
                "tensorflow_version": said.version,
                "variables": walk.variables,
            }
        ),
        concerns=walk.concerns() + _outside(said.assets),
        references=(_VARIABLES if walk.variables else ())
        + tuple(_ASSETS + name for name in sorted(said.assets)),
    )


def _meta_graphs(messages: Messages, whole: Span, said: _Said, walk: GraphWalk) -> None:
    for _, meta_graph in messages.known(whole, SavedModel.WIRE_TYPES):
        if isinstance(meta_graph, Span):
            for number, part in messages.known(meta_graph, MetaGraphDef.WIRE_TYPES):
                if isinstance(part, Span):
                    _meta_graph(messages, number, part, said, walk)


def _meta_graph(messages: Messages, number: int, part: Span, said: _Said, walk: GraphWalk) -> None:
    """Read one field of a MetaGraphDef."""
    if number == MetaGraphDef.META_INFO:
        for field_number, text in messages.known(part, MetaInfoDef.WIRE_TYPES):
            if field_number == MetaInfoDef.TAGS and isinstance(text, Span):
                _keep(said.tags, messages.text(text))
            elif field_number == MetaInfoDef.TENSORFLOW_VERSION and isinstance(text, Span):
                said.version = messages.text(text)
    elif number == MetaGraphDef.GRAPH:
        walk.graph(part)
    elif number == MetaGraphDef.SIGNATURES:
        _keep(said.signatures, messages.pair(part)[0])
    elif number == MetaGraphDef.ASSETS:
        name = dict(messages.parts(part)).get(AssetFileDef.FILENAME)
        _keep(said.assets, messages.text(name) if name else None)


def _keep(names: set[str], name: str | None) -> None:
    if name and len(names) < _MAX_NAMES:
        names.add(name)


def _outside(assets: set[str]) -> tuple[Concern, ...]:
    """Return a concern for each asset that lies outside of the model's folder."""
    return tuple(
        Concern("outside-reference", "dangerous", f"asset {name}")
        for name in sorted(assets)
        if name.startswith("/") or ".." in name.split("/")
    )
