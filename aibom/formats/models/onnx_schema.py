"""Numbers and names of ONNX. Source: onnx.proto in the onnx repository, IR version 14."""

from typing import Final

from aibom.formats.protobuf import BYTES, VARINT

# Version 14 is the newest of onnx.proto (enum Version); a release adds about one a year.
MAX_IR_VERSION = 20

# docs/IR.md in the onnx repository: the empty operator set domain means this one.
DEFAULT_DOMAIN = "ai.onnx"


class ModelProto:
    """Fields of the message that a file is."""

    IR_VERSION: Final = 1
    PRODUCER_NAME: Final = 2
    PRODUCER_VERSION: Final = 3
    DOMAIN: Final = 4
    MODEL_VERSION: Final = 5
    DOC_STRING: Final = 6
    GRAPH: Final = 7
    OPSET_IMPORT: Final = 8
    METADATA_PROPS: Final = 14
    TRAINING_INFO: Final = 20
    FUNCTIONS: Final = 25
    CONFIGURATION: Final = 26


MODEL_WIRE_TYPES = {
    ModelProto.IR_VERSION: VARINT,
    ModelProto.PRODUCER_NAME: BYTES,
    ModelProto.PRODUCER_VERSION: BYTES,
    ModelProto.DOMAIN: BYTES,
    ModelProto.MODEL_VERSION: VARINT,
    ModelProto.DOC_STRING: BYTES,
    ModelProto.GRAPH: BYTES,
    ModelProto.OPSET_IMPORT: BYTES,
    ModelProto.METADATA_PROPS: BYTES,
    ModelProto.TRAINING_INFO: BYTES,
    ModelProto.FUNCTIONS: BYTES,
    ModelProto.CONFIGURATION: BYTES,
}


class OperatorSetIdProto:
    """Fields of an operator set that a model imports."""

    DOMAIN: Final = 1
    VERSION: Final = 2


class GraphProto:
    """Fields of a graph: the model's own, or one within an attribute (of If, Loop, Scan)."""

    NODE: Final = 1
    NAME: Final = 2
    INITIALIZER: Final = 5
    SPARSE_INITIALIZER: Final = 15


class FunctionProto:
    """Fields of a function that a model defines."""

    NODE: Final = 7
    DOMAIN: Final = 10


class NodeProto:
    """Fields of a node."""

    ATTRIBUTE: Final = 5
    DOMAIN: Final = 7


class AttributeProto:
    """Fields of an attribute, by what they hold. An attribute has one of them."""

    TENSORS: Final = (5, 10)  # t, tensors
    GRAPHS: Final = (6, 11)  # g, graphs
    SPARSE_TENSORS: Final = (22, 23)  # sparse_tensor, sparse_tensors
    LISTS: Final = (7, 8, 9)  # floats, ints, strings


class SparseTensorProto:
    """Fields of a sparse tensor."""

    VALUES: Final = 1


class TensorProto:
    """Fields of a tensor."""

    DIMS: Final = 1
    DATA_TYPE: Final = 2
    EXTERNAL_DATA: Final = 13


# TensorProto.DataType, by number.
DATA_TYPES = (
    "UNDEFINED",
    "FLOAT",
    "UINT8",
    "INT8",
    "UINT16",
    "INT16",
    "INT32",
    "INT64",
    "STRING",
    "BOOL",
    "FLOAT16",
    "DOUBLE",
    "UINT32",
    "UINT64",
    "COMPLEX64",
    "COMPLEX128",
    "BFLOAT16",
    "FLOAT8E4M3FN",
    "FLOAT8E4M3FNUZ",
    "FLOAT8E5M2",
    "FLOAT8E5M2FNUZ",
    "UINT4",
    "INT4",
    "FLOAT4E2M1",
    "FLOAT8E8M0",
    "UINT2",
    "INT2",
    "FLOAT6E2M3",
    "FLOAT6E3M2",
)
