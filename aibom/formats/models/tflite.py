"""TensorFlow Lite (LiteRT) models.

Source: schema.fbs of TensorFlow Lite (tensorflow/compiler/mlir/lite/schema/schema.fbs). A field's
index is its place in its table there.
"""

from itertools import islice

from aibom.formats.models.flatbuffer import Table, Tables, root
from aibom.formats.models.header import Tally, elements, joined, properties
from aibom.formats.models.paged import Paged
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import ModelHeader

_IDENTIFIER = b"TFL3"  # schema.fbs, file_identifier; it lies behind the offset of the root table

# table Model
_VERSION = 0
_OPERATOR_CODES = 1
_SUBGRAPHS = 2
_DESCRIPTION = 3
_BUFFERS = 4
_METADATA = 6

# table SubGraph
_TENSORS = 0
_OPERATORS = 3

# table Tensor
_SHAPE = 0
_TYPE = 1
_BUFFER = 2
_SPARSITY = 6

# table Buffer
_DATA = 0
_DATA_OFFSET = 1  # of data that lies outside the flatbuffer; 0 and 1 mean that there is none
_DATA_SIZE = 2

# table Metadata
_METADATA_NAME = 0

# enum TensorType: name, bits of an element (of 1 where that is not fixed, the least it can take).
_TENSOR_TYPES = (
    ("FLOAT32", 32),
    ("FLOAT16", 16),
    ("INT32", 32),
    ("UINT8", 8),
    ("INT64", 64),
    ("STRING", 1),
    ("BOOL", 8),
    ("INT16", 16),
    ("COMPLEX64", 64),
    ("INT8", 8),
    ("FLOAT64", 64),
    ("COMPLEX128", 128),
    ("UINT64", 64),
    ("RESOURCE", 1),
    ("VARIANT", 1),
    ("UINT32", 32),
    ("UINT16", 16),
    ("INT4", 4),
    ("BFLOAT16", 16),
    ("INT2", 2),
    ("UINT4", 4),
    ("FLOAT8_E4M3FN", 8),
    ("FLOAT8_E5M2", 8),
)

# Several subgraphs may point to the same tables, so that work is bounded by a count and not by
# the file's size. Real models have up to a few thousand tensors.
_MAX_TENSORS = 50_000
_MAX_SUBGRAPHS = 10_000
_MAX_DIMENSIONS = 32  # real tensors have up to six
_MAX_METADATA = 50


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long is TFLite.

    The file identifier decides.
    """
    return size >= 8 and head[4:8] == _IDENTIFIER


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the structure of a TFLite model, not the data of its tensors.

    Counted are tensors with data in the file, each buffer once. Returns None when the file is
    not TFLite. Raises FormatError when an offset or a size lies beyond the file, when a tensor
    is larger than its data and on more than our caps.
    """
    if exactly(source, 0, min(8, source.size), "the header")[4:] != _IDENTIFIER:
        return None
    model = root(Paged(source))
    subgraphs = model.tables(_SUBGRAPHS)
    if len(subgraphs) > _MAX_SUBGRAPHS:
        raise FormatError(f"{len(subgraphs)} subgraphs")
    tally, operators = _walk(subgraphs, model.tables(_BUFFERS), source.size)
    return ModelHeader(
        format="tflite",
        format_version=str(model.number(_VERSION, 4)),
        description=model.text(_DESCRIPTION),
        parameters=tally.parameters,
        quantization=tally.dominating,
        tensors=tally.tensors,
        properties=properties(
            {
                "metadata": _metadata_names(model),
                "operator_codes": len(model.tables(_OPERATOR_CODES)),
                "operators": operators,
                "subgraphs": len(subgraphs),
            }
        ),
    )


def _walk(subgraphs: Tables, buffers: Tables, size: int) -> tuple[Tally, int]:
    """Count the tensors with data, and the operators."""
    tally = Tally()
    counted: set[int] = set()
    visited = operators = 0
    for subgraph in subgraphs:
        operators += len(subgraph.tables(_OPERATORS))
        tensors = subgraph.tables(_TENSORS)
        visited += len(tensors)
        if visited > _MAX_TENSORS:
            raise FormatError("too many tensors")
        for tensor in tensors:
            buffer = tensor.number(_BUFFER, 4)
            if buffer and buffer not in counted:  # buffer 0 is empty by definition
                counted.add(buffer)
                _count(tally, tensor, _data_length(buffers, buffer, size))
    return tally, operators


def _data_length(buffers: Tables, index: int, size: int) -> int:
    """Return the bytes of a buffer's data."""
    if index >= len(buffers):
        raise FormatError("tensor of a missing buffer")
    buffer = buffers[index]
    offset, length = buffer.number(_DATA_OFFSET, 8), buffer.number(_DATA_SIZE, 8)
    if offset > 1:
        if offset + length > size:
            raise FormatError("buffer beyond the file")
        return length
    return buffer.vector(_DATA, 1)[1]


def _count(tally: Tally, tensor: Table, data_length: int) -> None:
    if not data_length:
        return
    number = tensor.number(_TYPE, 1)
    known = number < len(_TENSOR_TYPES)
    name, bits = _TENSOR_TYPES[number] if known else (f"tensor_type_{number}", 1)
    count = elements(tensor.numbers(_SHAPE, _MAX_DIMENSIONS))
    held = data_length * 8 // bits
    if tensor.has(_SPARSITY):  # its shape is that of the dense tensor; the zeros are not held
        count = min(count, held)
    if count > held:
        raise FormatError("tensor larger than its data")
    tally.add(name, count)


def _metadata_names(model: Table) -> str | None:
    found = (entry.text(_METADATA_NAME) for entry in islice(model.tables(_METADATA), _MAX_METADATA))
    return joined({name for name in found if name})
