"""Numbers and names of Core ML.

Sources, in the coremltools repository: mlmodel/format/Model.proto, MIL.proto, NeuralNetwork.proto
and CustomModel.proto.
"""

from typing import Final

from aibom.formats.protobuf import BYTES, VARINT

# Model.proto, oneof Type: what a model is. One of these is in every file.
TYPES = {
    200: "pipelineClassifier",
    201: "pipelineRegressor",
    202: "pipeline",
    300: "glmRegressor",
    301: "supportVectorRegressor",
    302: "treeEnsembleRegressor",
    303: "neuralNetworkRegressor",
    304: "bayesianProbitRegressor",
    400: "glmClassifier",
    401: "supportVectorClassifier",
    402: "treeEnsembleClassifier",
    403: "neuralNetworkClassifier",
    404: "kNearestNeighborsClassifier",
    500: "neuralNetwork",
    501: "itemSimilarityRecommender",
    502: "mlProgram",
    555: "customModel",
    556: "linkedModel",
    560: "classConfidenceThresholding",
    600: "oneHotEncoder",
    601: "imputer",
    602: "featureVectorizer",
    603: "dictVectorizer",
    604: "scaler",
    606: "categoricalMapping",
    607: "normalizer",
    609: "arrayFeatureExtractor",
    610: "nonMaximumSuppression",
    900: "identity",
    2000: "textClassifier",
    2001: "wordTagger",
    2002: "visionFeaturePrint",
    2003: "soundAnalysisPreprocessing",
    2004: "gazetteer",
    2005: "wordEmbedding",
    2006: "audioFeaturePrint",
    3000: "serializedModel",
}
PIPELINES_OF = {200, 201}  # messages whose field 1 is a Pipeline
PIPELINE = 202
NETWORKS = {303, 403, 500}
PROGRAM = 502
CUSTOM = 555


class Model:
    """Fields of the message that a file is."""

    VERSION: Final = 1
    DESCRIPTION: Final = 2
    WIRE_TYPES: Final = {1: VARINT, 2: BYTES, 10: VARINT} | dict.fromkeys(TYPES, BYTES)


class ModelDescription:
    """Fields of a model's description."""

    METADATA: Final = 100
    WIRE_TYPES: Final = dict.fromkeys((1, 10, 11, 12, 13, 20, 21, 50, 100), BYTES)


class Metadata:
    """Fields of what the author says."""

    DESCRIPTION: Final = 1
    VERSION: Final = 2
    AUTHOR: Final = 3
    LICENSE: Final = 4
    USER_DEFINED: Final = 100  # a map of strings


class Pipeline:
    """Fields of a pipeline."""

    MODELS: Final = 1


class NeuralNetwork:
    """Fields of a network, of a classifier's and a regressor's too, and of its layers."""

    LAYERS: Final = 1
    LAYER_CUSTOM: Final = 500


CLASS_NAME = 10  # of CustomLayerParams and CustomModel


class Program:
    """Fields of an ML program, MIL.proto."""

    FUNCTIONS: Final = 2  # a map


class Function:
    """Fields of a function."""

    BLOCKS: Final = 3  # a map


class Block:
    """Fields of a block."""

    OPERATIONS: Final = 3


class Operation:
    """Fields of an operation."""

    BLOCKS: Final = 4
    ATTRIBUTES: Final = 5  # a map


class Value:
    """Fields of a value, of its type (ValueType) and of its place (BlobFileValue)."""

    TYPE: Final = 2
    BLOB: Final = 5
    TYPE_TENSOR: Final = 1
    BLOB_FILE: Final = 1


class TensorType:
    """Fields of a tensor's type; each dimension has in field 1 a message with the size in 1."""

    DATA_TYPE: Final = 1
    DIMENSIONS: Final = 3


# MIL.proto, enum DataType.
DATA_TYPES = {
    1: "BOOL",
    2: "STRING",
    10: "FLOAT16",
    11: "FLOAT32",
    12: "FLOAT64",
    13: "BFLOAT16",
    21: "INT8",
    22: "INT16",
    23: "INT32",
    24: "INT64",
    25: "INT4",
    31: "UINT8",
    32: "UINT16",
    33: "UINT32",
    34: "UINT64",
    35: "UINT4",
    36: "UINT2",
    37: "UINT1",
    38: "UINT6",
    39: "UINT3",
    40: "FLOAT8E4M3FN",
    41: "FLOAT8E5M2",
}

# MIL.proto, BlobFileValue.fileName: a path that begins so lies beside the model file.
MODEL_PATH = "@model_path/"
