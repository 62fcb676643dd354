"""Numbers and names of TensorFlow's graphs.

Sources, in the tensorflow repository: core/protobuf/saved_model.proto and meta_graph.proto;
core/framework/graph.proto, node_def.proto, function.proto, attr_value.proto, tensor.proto,
tensor_shape.proto, versions.proto and types.proto.
"""

from typing import Final

from aibom.formats.protobuf import BYTES, VARINT
from aibom.types.concerns import ConcernLevel


class SavedModel:
    """Fields of the message that a saved_model.pb is."""

    VERSION: Final = 1
    META_GRAPHS: Final = 2
    WIRE_TYPES: Final = {1: VARINT, 2: BYTES}


class MetaGraphDef:
    """Fields of a graph with its tags and signatures."""

    META_INFO: Final = 1
    GRAPH: Final = 2
    SIGNATURES: Final = 5  # a map
    ASSETS: Final = 6
    WIRE_TYPES: Final = dict.fromkeys(range(1, 8), BYTES)


class MetaInfoDef:
    """Fields of what is said about a graph."""

    TAGS: Final = 4
    TENSORFLOW_VERSION: Final = 5
    WIRE_TYPES: Final = dict.fromkeys((1, 2, 3, 4, 5, 6, 8), BYTES) | {7: VARINT}


class AssetFileDef:
    """Fields of a file that a graph reads as it is initialised."""

    FILENAME: Final = 2  # below the model's folder assets


class GraphDef:
    """Fields of a graph, which a frozen .pb is."""

    NODE: Final = 1
    LIBRARY: Final = 2
    VERSIONS: Final = 4
    WIRE_TYPES: Final = {1: BYTES, 2: BYTES, 3: VARINT, 4: BYTES, 5: BYTES}


class VersionDef:
    """Fields of the versions of a graph."""

    PRODUCER: Final = 1


class FunctionDefLibrary:
    """Fields of a graph's functions."""

    FUNCTION: Final = 1


class FunctionDef:
    """Fields of a function."""

    NODE: Final = 3


class NodeDef:
    """Fields of a node."""

    NAME: Final = 1
    OP: Final = 2
    ATTR: Final = 5  # a map
    WIRE_TYPES: Final = dict.fromkeys(range(1, 8), BYTES)


class AttrValue:
    """Fields of an attribute's value."""

    LIST: Final = 1
    TEXT: Final = 2
    TYPE: Final = 6
    SHAPE: Final = 7
    TENSOR: Final = 8


class TensorProto:
    """Fields of a tensor."""

    DTYPE: Final = 1
    SHAPE: Final = 2


class TensorShapeProto:
    """Fields of a shape, and of each of its dimensions. A size of -1 is not known."""

    DIM: Final = 2
    DIM_SIZE: Final = 1


# types.proto, enum DataType. Above 100 are references to one of these, of TensorFlow 1.
DATA_TYPES = {
    1: "DT_FLOAT",
    2: "DT_DOUBLE",
    3: "DT_INT32",
    4: "DT_UINT8",
    5: "DT_INT16",
    6: "DT_INT8",
    7: "DT_STRING",
    8: "DT_COMPLEX64",
    9: "DT_INT64",
    10: "DT_BOOL",
    11: "DT_QINT8",
    12: "DT_QUINT8",
    13: "DT_QINT32",
    14: "DT_BFLOAT16",
    15: "DT_QINT16",
    16: "DT_QUINT16",
    17: "DT_UINT16",
    18: "DT_COMPLEX128",
    19: "DT_HALF",
    20: "DT_RESOURCE",
    21: "DT_VARIANT",
    22: "DT_UINT32",
    23: "DT_UINT64",
    24: "DT_FLOAT8_E5M2",
    25: "DT_FLOAT8_E4M3FN",
    26: "DT_FLOAT8_E4M3FNUZ",
    27: "DT_FLOAT8_E4M3B11FNUZ",
    28: "DT_FLOAT8_E5M2FNUZ",
    29: "DT_INT4",
    30: "DT_UINT4",
}

# Types of which a tensor's elements are no numbers.
NO_NUMBERS = {"DT_STRING", "DT_RESOURCE", "DT_VARIANT"}

# Operators whose attribute ``dtype`` is the type of what they hold or take: core/ops/array_ops.cc,
# resource_variable_ops.cc and state_ops.cc. No graph does without one of them.
CONSTANT = "Const"
VARIABLES = {"VarHandleOp", "Variable", "VariableV2"}
TYPED = {CONSTANT, "Placeholder", "PlaceholderV2", "PlaceholderWithDefault", *VARIABLES}

# Operators that reach out of the graph when it runs (core/ops/io_ops.cc, debug_ops.cc,
# logging_ops.cc, script_ops.cc, rpc_ops.cc of ops or distribute/experimental). TensorFlow's
# SECURITY.md: a graph is a program. `saved_model_cli scan` denies ReadFile, WriteFile and PrintV2,
# modelscan the first two. Those that read or write what the graph names have little other use in a
# model: suspicious. The Python functions behind the others are not in the file, only a token that
# the process that made them knows (python/ops/script_ops.py): a note. Not listed are what every
# SavedModel has for its variables (SaveV2, RestoreV2) and what reads vocabularies
# (InitializeTableFromTextFileV2).
OUTSIDE: dict[str, tuple[ConcernLevel, str]] = {
    "DebugIdentityV2": ("suspicious", "writes tensors to a folder or a server"),
    "DebugIdentityV3": ("suspicious", "writes tensors to a folder or a server"),
    "EagerPyFunc": ("note", "calls Python"),
    "MatchingFiles": ("suspicious", "lists files"),
    "PrintV2": ("suspicious", "writes to a file"),
    "PyFunc": ("note", "calls Python"),
    "PyFuncStateless": ("note", "calls Python"),
    "ReadFile": ("suspicious", "reads files"),
    "RpcCall": ("suspicious", "calls a server"),
    "RpcServerStart": ("suspicious", "starts a server"),
    "WriteFile": ("suspicious", "writes files"),
}

# What these do depends on an attribute: where they write. PrintV2's is "stderr", or "file://" and
# a path (core/kernels/logging_ops.cc); the debug ones have a list of URLs.
PRINT, PRINT_TARGET = "PrintV2", "output_stream"
FILE_URL = b"file://"
