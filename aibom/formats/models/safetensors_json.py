"""The JSON header of a safetensors file, read piece by piece.

A header of 16 MiB that is parsed at once can take half a gigabyte ("[[],[],..."). Its shape is
fixed and flat, so the outer object is walked here and only small pieces of it go to ``json``.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aibom.formats.models.header import DESCRIPTION_LIMIT, KEY_LIMIT, TEXT_LIMIT, text
from aibom.formats.source import FormatError

# For the agent's memory: about 400 bytes each. The largest models have as many, but spread over
# a hundred files and more.
MAX_TENSORS = 100_000
MAX_METADATA = 100_000  # entries read; some tools write one for each tensor
KEPT_METADATA = 50  # entries kept, in the order of the file; training tools write about a hundred

# Kept even behind fifty others, because they become fields of a ModelHeader. modelspec.* keys are
# those of the Stability AI model metadata standard, ss_* those of the trainer kohya-ss.
_KNOWN = {
    "modelspec.architecture",
    "modelspec.author",
    "modelspec.description",
    "modelspec.license",
    "modelspec.title",
    "ss_base_model_version",
    "ss_sd_model_name",
}

# Tokens of RFC 8259. A possessive quantifier (*+) gives nothing back, so that no input is slow.
# A tensor's description has no object inside: README of huggingface/safetensors.
_SPACE = rb"[ \t\r\n]*+"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_INFO = re.compile(rb"\{[^{}]{0,1000}+\}")
_OPEN = re.compile(rb"\{" + _SPACE)
_CLOSE = re.compile(_SPACE + rb"\}")
_COLON = re.compile(_SPACE + rb":" + _SPACE)
_COMMA = re.compile(_SPACE + rb"," + _SPACE)
_END = re.compile(_SPACE + rb"\Z")  # spaces, as padding


class TensorInfo(NamedTuple):
    """One tensor. ``begin`` and ``end`` are bytes from the start of the data section."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(slots=True)
class Header:
    """Tensors by name, and the entries of ``__metadata__`` that are kept, fit to be shown."""

    tensors: dict[str, TensorInfo] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def read_header(data: bytes) -> Header:
    """Read the header's JSON; FormatError when it is of another shape or has a key twice."""
    walk = _Walk(data)
    header = Header()
    for name in walk.keys(MAX_TENSORS + 1):
        if name == "__metadata__":
            header.metadata = _metadata(walk)
        else:
            header.tensors[name] = _tensor_info(walk.expect(_INFO))
    walk.expect(_END)
    return header


class _Walk:
    """A position in JSON text that moves forward token by token."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def accept(self, token: re.Pattern[bytes]) -> bytes | None:
        """Move over the token and return it; stay and return None when it is not there."""
        match = token.match(self._data, self._at)
        if not match:
            return None
        self._at = match.end()
        return match[0]

    def expect(self, token: re.Pattern[bytes]) -> bytes:
        found = self.accept(token)
        if found is None:
            raise FormatError("header is no JSON of the described shape")
        return found

    def keys(self, limit: int) -> Iterator[str]:
        """Yield each key of the object at the position; the caller then moves over its value."""
        seen: set[str] = set()
        self.expect(_OPEN)
        while not self.accept(_CLOSE):
            if seen:
                self.expect(_COMMA)
            key = str(_decode(self.expect(_STRING)))
            self.expect(_COLON)
            if key in seen:  # two readers of the file could see two different tensors
                raise FormatError("key appears twice")
            if len(seen) >= limit:
                raise FormatError("too many entries")
            seen.add(key)
            yield key


def _metadata(walk: _Walk) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key in walk.keys(MAX_METADATA):
        token = walk.expect(_STRING)
        name = text(key, KEY_LIMIT)
        if name and (len(kept) < KEPT_METADATA or key in _KNOWN):
            limit = DESCRIPTION_LIMIT if key == "modelspec.description" else TEXT_LIMIT
            value = text(str(_decode(token)), limit)
            if value:
                kept[name] = value
    return kept


def _tensor_info(token: bytes) -> TensorInfo:
    match _decode(token):
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end]} if _whole(
            [*shape, begin, end]
        ):
            return TensorInfo(dtype, tuple(shape), begin, end)
        case _:
            raise FormatError("tensor description of another shape")


def _whole(values: list[Any]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)  # true is an int in Python


def _decode(token: bytes) -> Any:
    try:
        return json.loads(token.decode(), object_pairs_hook=_unique)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError("header is no JSON") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise FormatError("key appears twice")
    return result
