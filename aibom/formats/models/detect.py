"""Which format a file's content is of: the parsers, asked in order, and magics from rules."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aibom.formats import sqlite
from aibom.formats.models import (
    catboost,
    coreml,
    ctranslate2,
    fasttext,
    ggml,
    gguf,
    joblib,
    keras,
    lightgbm,
    npz,
    onnx,
    openvino,
    paddle,
    pytorch,
    safetensors,
    skops,
    spacy,
    tensorflow,
    tensorrt,
    tflite,
    word2vec,
    xgboost,
    xgboost_binary,
)
from aibom.formats.source import ByteSource, FormatError
from aibom.formats.vectors import lance, usearch
from aibom.types.model import ModelHeader
from aibom.types.rules import FormatRule

#: Bytes at the start of a file that decide which parsers are asked.
HEAD = 4096


@dataclass(frozen=True, slots=True)
class Parser:
    """How a format is recognised in a file's first bytes, and how its header is read."""

    recognise: Callable[[bytes, int], bool]
    parse: Callable[[ByteSource], ModelHeader | None]


#: The parsers that a rule in rules/format may name, strict ones before optimistic ones.
PARSERS = {
    "gguf": Parser(gguf.recognise, gguf.parse),
    "safetensors": Parser(safetensors.recognise, safetensors.parse),
    "tflite": Parser(tflite.recognise, tflite.parse),
    "catboost": Parser(catboost.recognise, catboost.parse),
    "fasttext": Parser(fasttext.recognise, fasttext.parse),
    "lightgbm": Parser(lightgbm.recognise, lightgbm.parse),
    "llama-ggml": Parser(ggml.recognise, ggml.parse),
    "spacy": Parser(spacy.recognise, spacy.parse),
    "xgboost": Parser(xgboost.recognise, xgboost.parse),
    "xgboost-binary": Parser(xgboost_binary.recognise, xgboost_binary.parse),
    "word2vec": Parser(word2vec.recognise, word2vec.parse),
    "tensorrt": Parser(tensorrt.recognise, tensorrt.parse),
    "ctranslate2": Parser(ctranslate2.recognise, ctranslate2.parse),
    "paddle": Parser(paddle.recognise, paddle.parse),
    "openvino": Parser(openvino.recognise, openvino.parse),
    "keras": Parser(keras.recognise, keras.parse),
    "skops": Parser(skops.recognise, skops.parse),
    "npz": Parser(npz.recognise, npz.parse),
    "pytorch": Parser(pytorch.recognise, pytorch.parse),
    "tensorflow-savedmodel": Parser(tensorflow.recognise_saved_model, tensorflow.parse_saved_model),
    "tensorflow-graph": Parser(tensorflow.recognise_graph, tensorflow.parse_graph),
    "coreml": Parser(coreml.recognise, coreml.parse),
    "onnx": Parser(onnx.recognise, onnx.parse),
    "joblib": Parser(joblib.recognise, joblib.parse),
    "usearch-index": Parser(usearch.recognise, usearch.parse),
    "lance": Parser(lance.recognise, lance.parse),
}


@dataclass(frozen=True, slots=True)
class Detected:
    """A model file's header, or the reason why a file that claims to be one could not be read."""

    header: ModelHeader
    damage: str = ""


def detect(source: ByteSource, formats: Iterable[FormatRule]) -> Detected | None:
    """Return what a file's content says of itself, or None when it is no model.

    A file that bears a format's magic but whose header is cut off or lies is still a model
    file: it comes back with its format alone and with ``damage`` saying why. Raises OSError
    where reading fails.
    """
    head = source.read(0, HEAD)
    rules = {rule.parser or rule.id: rule for rule in formats}
    for name, parser in PARSERS.items():
        if name in rules and parser.recognise(head, source.size):
            try:
                header = parser.parse(source)
            except FormatError as error:
                return Detected(ModelHeader(format=name), str(error))
            if header is not None:
                return Detected(header)
    for rule in rules.values():
        if rule.magics and all(_holds(head, m.offset, m.data) for m in rule.magics):
            return Detected(ModelHeader(format=rule.id.rsplit("/", 1)[-1]))
    return _by_schema(source, rules.values()) if head.startswith(sqlite.MAGIC) else None


def _by_schema(source: ByteSource, rules: Iterable[FormatRule]) -> Detected | None:
    """Return what a database is by its tables; most are of no concern here, also damaged ones."""
    wanted = [rule for rule in rules if rule.statements]
    try:
        made = sqlite.statements(source) if wanted else ()
    except FormatError:
        return None
    for rule in wanted:
        if all(any(fnmatchcase(text, asked) for text in made) for asked in rule.statements):
            return Detected(ModelHeader(format=rule.id.rsplit("/", 1)[-1]))
    return None


def _holds(head: bytes, offset: int, data: bytes) -> bool:
    return head[offset : offset + len(data)] == data
