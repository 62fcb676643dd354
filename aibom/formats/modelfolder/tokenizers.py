"""Tokenizers beside a model: Hugging Face's tokenizer.json, SentencePiece, tiktoken.

They are no models: what they say is how text is cut into a model's tokens.
"""

import binascii
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from aibom.formats.protobuf import fields
from aibom.formats.source import FormatError

#: Bytes of a file that are worth reading for parse(): vocabularies of 256,000 tokens take 33 MB as
#: tokenizer.json, and what is cut off leaves the size of the vocabulary unknown.
MAX_BYTES = 32 << 20

_MAX_TOKENS = 500_000  # real vocabularies have up to 262,144; more take over half a second
_HEAD = 1 << 20  # of tokenizer.json, with all but the vocabulary in it
_FORMAT = Literal["huggingface", "sentencepiece", "tiktoken"]


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """How a model's text is cut into tokens.

    ``kind`` is the algorithm: ``BPE``, ``Unigram``, ``WordPiece``, ``WordLevel``, or
    SentencePiece's ``word`` and ``char``. ``vocabulary`` counts the model's own tokens,
    ``added_tokens`` those listed beside it, which may be the same ones; each is None where the
    bytes given did not hold it whole.
    """

    format: _FORMAT
    kind: str
    vocabulary: int | None
    added_tokens: int | None = None


def parse(name: str, data: bytes) -> Tokenizer | None:
    """Return what a tokenizer's file says, or None when it is none that is known here.

    ``name`` is the file's base name; ``data`` its first MAX_BYTES bytes, at most.
    """
    if name.endswith(".json"):
        return _huggingface(data)
    if name.endswith((".model", ".spm")) and data[:1] == b"\n":
        return _sentencepiece(data)
    if name.endswith((".tiktoken", ".model")):
        return _tiktoken(data)
    return None


# Hugging Face: tokenizers/src/tokenizer/serialization.rs and models/*/serialization.rs. The
# members come in a fixed order, the vocabulary in the last one.

_START = re.compile(rb'\s*\{\s*"version"\s*:')
_MODEL = re.compile(rb'"model"\s*:\s*\{\s*"type"\s*:\s*"(BPE|Unigram|WordPiece|WordLevel)"')
_ADDED = re.compile(rb'"added_tokens"\s*:\s*(?=\[)')
_VOCABULARY = re.compile(rb'"vocab"\s*:\s*([\[{])')
# One entry of each kind of vocabulary; a string's characters are escaped with a backslash.
_STRING = rb'"(?:[^"\\]|\\.)*+"'
_ENTRIES = {
    b"{": re.compile(rb"\s*%b\s*:\s*\d+\s*([,}])" % _STRING),
    b"[": re.compile(rb"\s*\[\s*%b\s*,\s*[-+.\deE]+\s*\]\s*([,\]])" % _STRING),
}


def _huggingface(data: bytes) -> Tokenizer | None:
    model = _MODEL.search(data, 0, _HEAD)
    if model is None or not _START.match(data):
        return None
    kind = model[1].decode()
    return Tokenizer(
        "huggingface", kind, _entries(data, model.end()), _added(data[: model.start()])
    )


def _added(head: bytes) -> int | None:
    """Count the added tokens, which come before the model."""
    begin = _ADDED.search(head)
    if begin is None:
        return None
    try:
        tokens, _ = json.JSONDecoder().raw_decode(head[begin.end() :].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return len(tokens) if isinstance(tokens, list) else None


def _entries(data: bytes, start: int) -> int | None:
    """Count a vocabulary's entries without building them: a quarter of the time and no memory."""
    begin = _VOCABULARY.search(data, start, start + _HEAD)
    if begin is None:
        return None
    entry = _ENTRIES[begin[1]]
    at = begin.end()
    for count in range(1, _MAX_TOKENS):
        match = entry.match(data, at)
        if match is None:
            return None
        if match[1] != b",":
            return count
        at = match.end()
    return None


# SentencePiece: src/sentencepiece_model.proto.

_MODEL_TYPES = {1: "Unigram", 2: "BPE", 3: "word", 4: "char"}
_TRAINER_SPEC = 2  # field of ModelProto; its first are the pieces
_MODEL_TYPE = 3  # field of TrainerSpec, UNIGRAM when it is missing
_PIECE_TAG = b"\x0a"  # field 1, length-delimited
_MAX_FIELDS = 100_000  # of what is behind the pieces


def _sentencepiece(data: bytes) -> Tokenizer | None:
    pieces, at = _pieces(data)
    try:
        for number, _, value in islice(fields(data[at:]), _MAX_FIELDS):
            if number == _TRAINER_SPEC and isinstance(value, bytes):
                spec = {n: v for n, _, v in islice(fields(value), _MAX_FIELDS)}
                kind = _MODEL_TYPES.get(_whole(spec.get(_MODEL_TYPE, 1)))
                return Tokenizer("sentencepiece", kind, pieces) if kind and pieces else None
    except FormatError:
        return None
    return None


def _pieces(data: bytes) -> tuple[int, int]:
    """Count the pieces, which stand at the start, and return where they end.

    A generic reader takes ten times as long for a quarter of a million of them.
    """
    count = at = 0
    while data[at : at + 1] == _PIECE_TAG and count < _MAX_TOKENS:
        length = data[at + 1 : at + 3]
        if len(length) < 2 or length[0] & length[1] & 0x80:  # longer than 16 KiB: no piece
            return 0, 0
        long = length[0] >= 0x80  # protobuf's varint: seven bits in each byte
        at += 3 + (length[0] & 0x7F | length[1] << 7) if long else 2 + length[0]
        count += 1
    return (count, at) if at <= len(data) else (0, 0)


def _whole(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


# tiktoken: tiktoken/load.py, load_tiktoken_bpe. A line is a token in base64 and its rank.

_RANK = re.compile(rb"([A-Za-z0-9+/]+={0,2}) (\d{1,7})")


def _tiktoken(data: bytes) -> Tokenizer | None:
    lines = data[:4096].split(b"\n")[:20]
    for rank, line in enumerate(lines[:-1] or lines):
        match = _RANK.fullmatch(line)
        if match is None or int(match[2]) != rank or not _base64(match[1]):
            return None
    if len(lines) < 20:
        return None
    whole = len(data) < MAX_BYTES
    return Tokenizer("tiktoken", "BPE", len(data.rstrip(b"\n").split(b"\n")) if whole else None)


def _base64(token: bytes) -> bool:
    try:
        return bool(binascii.a2b_base64(token, strict_mode=True))
    except ValueError:
        return False
