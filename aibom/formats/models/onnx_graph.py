"""The graph of an ONNX model: its tensors and operators, in bounded work."""

from aibom.formats.models.header import Tally, elements
from aibom.formats.models.messages import MAX_DIMENSIONS, Messages
from aibom.formats.models.onnx_schema import (
    DATA_TYPES,
    DEFAULT_DOMAIN,
    AttributeProto,
    FunctionProto,
    GraphProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
)
from aibom.formats.protobuf import Span
from aibom.formats.source import FormatError

# Graphs within attributes of nodes. Exporters write up to a handful of levels.
MAX_DEPTH = 16

_MAX_NAMES = 100  # distinct operator domains, and distinct external files, that are kept

# Elements that one byte can hold: four of the narrowest types, UINT2 and INT2. Twice that is
# beyond doubt, whatever the way in which a tensor's data is written.
_MAX_ELEMENTS_PER_BYTE = 8


class GraphWalk:
    """What was found in graphs and functions: tensors, nodes, operator domains, external files.

    ``defined`` are the domains of which the model itself defines operators, as functions.
    ``tally`` counts the initializers, those of subgraphs included; ``nodes`` likewise. Tensors
    in attributes (of Constant nodes, say) are looked at for external files only.
    """

    def __init__(self, messages: Messages) -> None:
        """Walk messages of one file."""
        self._messages = messages
        self.tally = Tally()
        self.nodes = 0
        self.name: str | None = None
        self.domains: set[str] = set()
        self.defined: set[str] = set()
        self.external: set[str] = set()

    def graph(self, span: Span, depth: int = 0) -> None:
        """Walk the GraphProto at ``span`` and the graphs within; FormatError when it is none."""
        if depth > MAX_DEPTH:
            raise FormatError("graphs nested too deeply")
        for number, part in self._messages.parts(span):
            if number == GraphProto.NODE:
                self._node(part, depth)
            elif number == GraphProto.INITIALIZER:
                self._initializer(part)
            elif number == GraphProto.SPARSE_INITIALIZER:
                for values in self._messages.children(part, SparseTensorProto.VALUES):
                    self._initializer(values)
            elif number == GraphProto.NAME and depth == 0:
                self.name = self._messages.text(part)

    def function(self, span: Span) -> None:
        """Walk the FunctionProto at ``span``."""
        for number, part in self._messages.parts(span):
            if number == FunctionProto.NODE:
                self._node(part, 0)
            elif number == FunctionProto.DOMAIN:
                _keep(self.defined, self._messages.text(part) or DEFAULT_DOMAIN)

    def _node(self, span: Span, depth: int) -> None:
        self.nodes += 1
        domain = None
        for number, part in self._messages.parts(span):
            if number == NodeProto.ATTRIBUTE:
                self._attribute(part, depth)
            elif number == NodeProto.DOMAIN:
                domain = self._messages.text(part)
        _keep(self.domains, domain or DEFAULT_DOMAIN)

    def _attribute(self, span: Span, depth: int) -> None:
        for number, value in self._messages.fields(span):
            # It has one value. Lists may have millions of elements: no tensor follows, no graph.
            if number in AttributeProto.LISTS:
                return
            if isinstance(value, Span):
                self._attribute_value(number, value, depth)

    def _attribute_value(self, number: int, span: Span, depth: int) -> None:
        if number in AttributeProto.GRAPHS:
            self.graph(span, depth + 1)
        elif number in AttributeProto.TENSORS:
            self._tensor(span)
        elif number in AttributeProto.SPARSE_TENSORS:
            for values in self._messages.children(span, SparseTensorProto.VALUES):
                self._tensor(values)

    def _initializer(self, span: Span) -> None:
        dims, data_type, external = self._tensor(span)
        count = elements(dims)
        if not external and count > span.length * _MAX_ELEMENTS_PER_BYTE:
            raise FormatError("tensor larger than its data")
        known = data_type < len(DATA_TYPES)
        self.tally.add(DATA_TYPES[data_type] if known else f"data_type_{data_type}", count)

    def _tensor(self, span: Span) -> tuple[list[int], int, bool]:
        """Return dims, data type and whether the data lies in another file, which is noted."""
        dims: list[int] = []
        data_type = 0
        external = False
        for number, value in self._messages.fields(span):
            if number == TensorProto.DIMS:
                dims += self._messages.numbers(value)
            elif number == TensorProto.DATA_TYPE and isinstance(value, int):
                data_type = value
            elif number == TensorProto.EXTERNAL_DATA and isinstance(value, Span):
                external = True
                self._location(value)
            if len(dims) > MAX_DIMENSIONS:
                raise FormatError("tensor of too many dimensions")
        return dims, data_type, external

    def _location(self, span: Span) -> None:
        key, location = self._messages.entry(span)
        if key == "location" and location:  # onnx.proto: the key that is required
            _keep(self.external, location)


def _keep(names: set[str], name: str) -> None:
    if len(names) < _MAX_NAMES:
        names.add(name)
