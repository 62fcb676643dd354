"""The operations of a Core ML program, and the weights that it keeps in another file."""

from aibom.formats.models.coreml_schema import (
    DATA_TYPES,
    MODEL_PATH,
    Block,
    Function,
    Operation,
    Program,
    TensorType,
    Value,
)
from aibom.formats.models.header import Tally, elements
from aibom.formats.models.messages import MAX_DIMENSIONS, Messages
from aibom.formats.protobuf import Span
from aibom.formats.source import FormatError
from aibom.types.concerns import Concern

_MAX_DEPTH = 16  # blocks within operations: bodies of loops and branches
_MAX_FILES = 100


class ProgramWalk:
    """What was found in ML programs: operations, and weights in files.

    ``tally`` counts values in files; a few small ones are in the program itself.
    """

    def __init__(self, messages: Messages) -> None:
        """Walk messages of one file."""
        self._messages = messages
        self.tally = Tally()
        self.operations = 0
        self._files: set[str] = set()

    def program(self, span: Span) -> None:
        """Walk the Program at ``span``; FormatError when it is none."""
        for entry in self._messages.children(span, Program.FUNCTIONS):
            function = self._messages.pair(entry)[1]
            if function:
                for block in self._messages.children(function, Function.BLOCKS):
                    self._block(self._messages.pair(block)[1], 0)

    def references(self) -> tuple[str, ...]:
        """Return the files with weights, relative to the model file's folder."""
        return tuple(sorted(name.removeprefix(MODEL_PATH) for name in self._files))

    def concerns(self) -> tuple[Concern, ...]:
        """Return a concern for each file outside of the model's folder."""
        return tuple(
            Concern("outside-reference", "dangerous", f"weights in {name}")
            for name in self.references()
            if name.startswith("/") or ".." in name.split("/")
        )

    def _block(self, span: Span | None, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise FormatError("blocks nested too deeply")
        if span:
            for operation in self._messages.children(span, Block.OPERATIONS):
                self._operation(operation, depth)

    def _operation(self, span: Span, depth: int) -> None:
        self.operations += 1
        for number, part in self._messages.parts(span):
            if number == Operation.BLOCKS:
                self._block(part, depth + 1)
            elif number == Operation.ATTRIBUTES:
                value = self._messages.pair(part)[1]
                if value:
                    self._value(dict(self._messages.parts(value)))

    def _value(self, fields: dict[int, Span]) -> None:
        if Value.BLOB not in fields or Value.TYPE not in fields:
            return
        for name in self._messages.children(fields[Value.BLOB], Value.BLOB_FILE):
            shown = self._messages.text(name)
            if shown and len(self._files) < _MAX_FILES:
                self._files.add(shown)
        for tensor in self._messages.children(fields[Value.TYPE], Value.TYPE_TENSOR):
            self._tensor(tensor)

    def _tensor(self, span: Span) -> None:
        data_type = 0
        dims: list[int] = []
        for number, value in self._messages.fields(span):
            if number == TensorType.DATA_TYPE and isinstance(value, int):
                data_type = value
            elif number == TensorType.DIMENSIONS and isinstance(value, Span):
                dims.append(self._size(value))
                if len(dims) > MAX_DIMENSIONS:
                    raise FormatError("tensor of too many dimensions")
        self.tally.add(DATA_TYPES.get(data_type, f"data_type_{data_type}"), elements(dims))

    def _size(self, dimension: Span) -> int:
        """Return a constant dimension's size; 0, which protobuf leaves out, otherwise."""
        for constant in self._messages.children(dimension, 1):
            size = dict(self._messages.fields(constant)).get(1, 0)
            return size if isinstance(size, int) else 0
        return 0
