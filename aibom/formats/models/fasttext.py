"""fastText's binary models: word vectors and text classifiers, quantised (.ftz) or not.

Source: src/args.cc, dictionary.cc and fasttext.cc (signModel, saveModel) in the fastText
repository. Numbers are in the byte order of the machine that wrote them; all that matter here are
little-endian. What is behind the dictionary, whose length nobody wrote down, is looked up
from the file's end.
"""

import struct
from dataclasses import dataclass

from aibom.formats.models.header import properties
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import ModelHeader

_MAGIC = 793_712_314  # FASTTEXT_FILEFORMAT_MAGIC_INT32
_VERSIONS = (11, 12)  # FASTTEXT_VERSION is 12; 11 is still read
_HEADER = struct.Struct("<2i12id3i2q")  # sign, Args::save, the counts of Dictionary::save
_LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}  # args.h, loss_name
_MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}  # args.h, model_name
_SUPERVISED = 3
_ENTRY = 10  # bytes behind a word's text: a zero, its count, its type
_MAX_WALK = 50_000  # words
_DICTIONARY = 2 << 20  # bytes
_MATRIX = struct.Struct("<?2q")  # "quantised", rows, columns: before a matrix's numbers
_REAL = 4  # bytes of a number: float


@dataclass(frozen=True, slots=True)
class _Arguments:
    """How a model was trained, and how many words it knows; names are fastText's."""

    version: int
    dim: int
    loss: int
    model: int
    word_ngrams: int
    bucket: int
    minn: int
    maxn: int
    words: int
    labels: int
    pruned: int


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` is a fastText model."""
    return size > _HEADER.size <= len(head) and _arguments(head) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Return what a fastText model says of itself, or None when the file is none.

    The parameters are those of both matrices, of a quantised model before it was; they are
    counted where the matrices are found as they should be. Raises FormatError when the file is
    cut off before them.
    """
    found = _arguments(source.read(0, _HEADER.size))
    if found is None:
        return None
    rows = _matrix_rows(source, found)
    quantised = False if rows else None
    if rows is None:
        quantised, rows = _first_matrix(source, found)
    shown: dict[str, str | float | None] = {
        "bucket": found.bucket,
        "dim": found.dim,
        "labels": found.labels,
        "loss": _LOSSES[found.loss],
        "maxn": found.maxn,
        "minn": found.minn,
        "quantized": quantised,
        "word_ngrams": found.word_ngrams,
        "words": found.words,
    }
    return ModelHeader(
        format="fasttext",
        format_version=str(found.version),
        architecture=_MODELS[found.model],
        parameters=None if rows is None else rows * found.dim,
        tensors=2,  # input and output
        properties=properties(shown),
    )


def _arguments(head: bytes) -> _Arguments | None:
    """Return the arguments at a file's start; None when one of them cannot be."""
    if len(head) < _HEADER.size:
        return None
    values = _HEADER.unpack_from(head)
    dim, _ws, _epoch, _least, _neg, ngrams, loss, model, bucket, minn, maxn = values[2:13]
    size, words, labels, _tokens, pruned = values[15:]
    found = _Arguments(
        values[1], dim, loss, model, ngrams, bucket, minn, maxn, words, labels, pruned
    )
    certain = (
        values[0] == _MAGIC
        and found.version in _VERSIONS
        and 0 < dim < 1 << 20
        and loss in _LOSSES
        and model in _MODELS
        and min(bucket, words, labels) >= 0
        and size == words + labels
    )
    return found if certain else None


def _matrix_rows(source: ByteSource, found: _Arguments) -> int | None:
    """Return the rows of both matrices together, or None when they are not where they should be.

    FastText::getInputMatrix has a row for each word and each bucket, and the output one for each
    label, or each word when there is nothing to classify. Pruned and quantised ones have others.
    """
    if found.pruned >= 0:
        return None
    rows = found.words + found.bucket
    outputs = found.labels if found.model == _SUPERVISED else found.words
    output_at = source.size - outputs * found.dim * _REAL - _MATRIX.size
    input_at = output_at - rows * found.dim * _REAL - _MATRIX.size
    if input_at < _HEADER.size:
        return None
    for at, expected in ((input_at, rows), (output_at, outputs)):
        matrix = exactly(source, at, _MATRIX.size, "a matrix")
        if matrix[0] > 1 or _MATRIX.unpack(matrix) != (False, expected, found.dim):
            return None
    return rows + outputs


def _first_matrix(source: ByteSource, found: _Arguments) -> tuple[bool | None, int | None]:
    """Walk a short dictionary and return whether the matrix behind it is quantised.

    With it come the rows of both matrices together, or None where they are unclear.
    """
    if found.words + found.labels > _MAX_WALK:
        return None, None
    data = source.read(_HEADER.size, _DICTIONARY)
    at = 0
    for _ in range(found.words + found.labels):
        end = data.find(b"\0", at)
        if end < 0:
            raise FormatError("truncated in the dictionary")
        at = end + _ENTRY
    at += 8 * max(found.pruned, 0)  # pairs of int32
    matrix = data[at : at + 1 + _MATRIX.size]
    if len(matrix) <= _MATRIX.size or matrix[0] > 1:
        return None, None
    # QMatrix::save writes whether norms are quantised too, before the sizes that a Matrix has
    quantised = matrix[0] == 1
    _, rows, columns = _MATRIX.unpack_from(matrix, int(quantised))
    outputs = found.labels if found.model == _SUPERVISED else found.words
    certain = columns == found.dim and 0 < rows < 1 << 40
    return quantised, rows + outputs if certain else None
