"""Word vectors in the binary format of word2vec.

Source: word2vec.c of the original program, and gensim/models/keyedvectors.py: a line with the
number of words and their width, then each word, a space and its numbers (float32, little-endian);
the original writes a line feed behind each. There is no magic: the first records must hold words
and plausible numbers, and the file must be as long as all of them.
"""

import math
import re
import struct

from aibom.formats.models.header import properties
from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader

_LINE = re.compile(rb"([1-9]\d{0,8}) ([1-9]\d{0,4})\n")
_RECORDS = 4  # that are looked at
_LONGEST = 400  # bytes of a word; gensim joins phrases
_LEAST_WIDTH = 8  # numbers: fewer may be anything
_FLOAT = 4  # bytes
# Absolute values of a trained word's numbers: around 0.1. Text that is read as numbers has smaller
# ones, or consists of printable characters only.
_SMALLEST, _LARGEST = 1e-12, 1e3


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be such vectors."""
    return _sizes(head, size) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the number of words and their width, or None when the file holds something else."""
    head = source.read(0, 32)
    sizes = _sizes(head, source.size)
    if sizes is None:
        return None
    start, words, width = sizes
    records = min(words, _RECORDS)
    data = source.read(start, records * (width * _FLOAT + _LONGEST))
    if not _holds_records(data, records, width):
        return None
    return ModelHeader(
        format="word2vec",
        parameters=words * width,
        tensors=1,
        properties=properties({"dim": width, "words": words}),
    )


def _sizes(head: bytes, size: int) -> tuple[int, int, int] | None:
    """Return where the records begin, their number and their width, if the file can hold them."""
    line = _LINE.match(head)
    if line is None:
        return None
    words, width = int(line[1]), int(line[2])
    least = words * (width * _FLOAT + 2)  # a word of one character, and a space
    fits = least <= size - line.end() <= least + words * _LONGEST
    return (line.end(), words, width) if fits and width >= _LEAST_WIDTH else None


def _holds_records(data: bytes, records: int, width: int) -> bool:
    at = 0
    for _ in range(records):
        if data[at : at + 1] == b"\n":
            at += 1
        space = data.find(b" ", at, at + _LONGEST)
        numbers = data[space + 1 : space + 1 + width * _FLOAT]
        if space <= at or not (_is_word(data[at:space]) and _is_vector(numbers, width)):
            return False
        at = space + 1 + width * _FLOAT
    return True


def _is_word(word: bytes) -> bool:
    try:
        return word.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _is_vector(data: bytes, width: int) -> bool:
    if len(data) < width * _FLOAT or all(0x09 <= byte < 0x7F for byte in data):
        return False
    values = [abs(value) for (value,) in struct.iter_unpack("<f", data)]
    # zeros are no evidence either way
    used = [value for value in values if value]
    return bool(used) and all(
        math.isfinite(value) and _SMALLEST < value < _LARGEST for value in used
    )
