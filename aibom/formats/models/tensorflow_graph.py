"""The graph of a TensorFlow model: its variables, constants and operators, in bounded work."""

import re

from aibom.formats.models.header import Tally, elements, joined
from aibom.formats.models.messages import MAX_DIMENSIONS, Messages
from aibom.formats.models.tensorflow_schema import (
    CONSTANT,
    DATA_TYPES,
    FILE_URL,
    NO_NUMBERS,
    OUTSIDE,
    PRINT,
    PRINT_TARGET,
    TYPED,
    VARIABLES,
    AttrValue,
    FunctionDef,
    FunctionDefLibrary,
    GraphDef,
    NodeDef,
    TensorProto,
    TensorShapeProto,
    VersionDef,
)
from aibom.formats.protobuf import Span, signed
from aibom.formats.source import FormatError
from aibom.types.concerns import Concern

# core/framework/node_def_util.cc checks names by such patterns.
NAME = re.compile(rb"[A-Za-z0-9.][A-Za-z0-9_.>\\/-]*")
OP = re.compile(rb"_?[A-Za-z][A-Za-z0-9_>.]*")
_NAME_LIMIT = 2_000  # bytes; a name has that of every scope around it
_KEY_LIMIT = 64  # bytes of an attribute's name, an operator's name likewise where it matters
_MAX_OPERATORS = 5_000  # distinct names that are kept; TensorFlow has some 1,500


class GraphWalk:
    """What was found in graphs and their functions.

    ``tally`` counts variables, and constants that are numbers, of graphs themselves: functions
    hold the same ones many times over. ``nodes`` and ``operators`` are of functions too. ``typed``
    counts nodes that no other message has: from the first on it is TensorFlow's beyond doubt.
    """

    def __init__(self, messages: Messages) -> None:
        """Walk messages of one file."""
        self._messages = messages
        self.tally = Tally()
        self.nodes = 0
        self.functions = 0
        self.variables = 0
        self.typed = 0
        self.producer: int | None = None
        self.operators: set[bytes] = set()
        self.outside: set[str] = set()

    def graph(self, span: Span) -> None:
        """Walk the GraphDef at ``span``; FormatError when it is none."""
        for number, part in self._messages.known(span, GraphDef.WIRE_TYPES):
            if not isinstance(part, Span):
                continue
            if number == GraphDef.NODE:
                self._node(part, counted=True)
            elif number == GraphDef.LIBRARY:
                self._library(part)
            elif number == GraphDef.VERSIONS:
                producer = dict(self._messages.fields(part)).get(VersionDef.PRODUCER)
                self.producer = producer if isinstance(producer, int) else None

    def concerns(self) -> tuple[Concern, ...]:
        """Return what the operators found do outside of the graph when it runs."""
        return tuple(
            Concern("layer-code", OUTSIDE[op][0], f"operator {op} {OUTSIDE[op][1]}")
            for op in sorted(self.outside)
        )

    def shown(self) -> dict[str, str | float | None]:
        """Return the properties of the graphs."""
        return {
            "functions": self.functions or None,
            "graph_version": self.producer,
            "nodes": self.nodes,
            "operators": len(self.operators),
            "outside_operators": joined(self.outside),
        }

    def _library(self, span: Span) -> None:
        for function in self._messages.children(span, FunctionDefLibrary.FUNCTION):
            self.functions += 1
            for node in self._messages.children(function, FunctionDef.NODE):
                self._node(node, counted=False)

    def _node(self, span: Span, *, counted: bool) -> None:
        spans: dict[int, Span] = {}
        attributes: list[Span] = []
        for number, part in self._messages.known(span, NodeDef.WIRE_TYPES):
            if isinstance(part, Span):
                spans[number] = part
                if number == NodeDef.ATTR:
                    attributes.append(part)
        name, op = self._word(spans.get(NodeDef.NAME)), self._word(spans.get(NodeDef.OP))
        if not (NAME.fullmatch(name) and OP.fullmatch(op)):
            raise FormatError("node without a name or an operator")
        self.nodes += 1
        if len(self.operators) < _MAX_OPERATORS:
            self.operators.add(op)
        self._meaning(op.decode(), attributes, counted=counted)

    def _word(self, span: Span | None) -> bytes:
        return self._messages.content(span, _NAME_LIMIT) if span else b""

    def _meaning(self, op: str, attributes: list[Span], *, counted: bool) -> None:
        """Note what a node holds, and whether it reaches out of the graph."""
        if op in TYPED and counted:
            self._typed(op, self._values(attributes))
        elif op == PRINT:
            target = self._values(attributes).get(PRINT_TARGET, {}).get(AttrValue.TEXT)
            if isinstance(target, Span) and self._messages.content(target, 7) == FILE_URL:
                self.outside.add(op)
        elif op in OUTSIDE:
            self.outside.add(op)

    def _values(self, attributes: list[Span]) -> dict[str, dict[int, int | Span]]:
        """Return the fields of the attributes' values, by the attributes' names."""
        found: dict[str, dict[int, int | Span]] = {}
        for attribute in attributes:
            entry = dict(self._messages.parts(attribute))
            if 1 in entry and 2 in entry:  # a map's key and value
                key = self._messages.content(entry[1], _KEY_LIMIT).decode("ascii", "replace")
                found[key] = dict(self._messages.fields(entry[2]))
        return found

    def _typed(self, op: str, values: dict[str, dict[int, int | Span]]) -> None:
        kind = values.get("dtype", {}).get(AttrValue.TYPE)
        type_name = DATA_TYPES.get(kind) if isinstance(kind, int) else None
        if type_name is None:
            return
        self.typed += 1
        if op in VARIABLES:
            self.variables += 1
            self._count(type_name, values.get("shape", {}).get(AttrValue.SHAPE))
        elif op == CONSTANT:
            tensor = values.get("value", {}).get(AttrValue.TENSOR)
            fields = dict(self._messages.fields(tensor)) if isinstance(tensor, Span) else {}
            self._count(type_name, fields.get(TensorProto.SHAPE))

    def _count(self, type_name: str, shape: int | Span | None) -> None:
        if not isinstance(shape, Span) or type_name in NO_NUMBERS:
            return
        dims: list[int] = []
        for dim in self._messages.children(shape, TensorShapeProto.DIM):
            size = dict(self._messages.fields(dim)).get(TensorShapeProto.DIM_SIZE, 0)
            dims.append(signed(size) if isinstance(size, int) else 0)
            if len(dims) > MAX_DIMENSIONS:
                raise FormatError("tensor of too many dimensions")
        if min(dims, default=0) >= 0:  # -1 is a size that only a run tells
            self.tally.add(type_name, elements(dims))
