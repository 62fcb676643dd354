"""The metadata key/value pairs of a GGUF file: which are kept, and how the rest is passed over."""

import hashlib
import re
import struct
from collections.abc import Container
from dataclasses import dataclass, field
from typing import NamedTuple

from aibom.formats.models.gguf_cursor import CHUNK, Cursor
from aibom.formats.models.gguf_types import ARRAY, SCALAR_CODES, STRING
from aibom.formats.models.header import (
    BYTES_PER_CHARACTER,
    DESCRIPTION_LIMIT,
    KEY_LIMIT,
    TEXT_LIMIT,
    text,
)
from aibom.formats.source import FormatError

MAX_PAIRS = 65_536  # real files have fewer than 100
MAX_KEPT = 1_000  # of the keys below, whose numbered ones the file may multiply
MAX_KEY = 65_535  # docs/gguf.md: "at most 2^16-1 bytes long"
_MIN_PAIR = 9  # bytes: a key's length (4 in version 1), a value type (4), a value (1)

# Keys of docs/gguf.md and of gguf/constants.py in llama.cpp that say what a file is and whence.
_KEPT = re.compile(
    r"general\.(type|architecture|name|basename|finetune|version|author|organization|description"
    r"|quantized_by|size_label|file_type|alignment|license(\.name|\.link)?|url|doi|uuid|repo_url"
    r"|source\.[\w.]{1,100}|base_model\.[0-9]{1,4}\.(name|author|organization|version|url|repo_url)"
    r"|dataset\.[0-9]{1,4}\.(name|author|organization|version|url|repo_url))"
    r"|[\w-]{1,100}\.context_length|tokenizer\.ggml\.(model|pre)"
    r"|adapter\.(type|lora\.(alpha|task_name|prompt_prefix))|split\.(no|count|tensors\.count)"
    r"|clip\.((vision\.|audio\.)?projector_type|has_(vision_encoder|audio_encoder|llava_projector))"
)
# Arrays of strings that are kept, as one text.
_LISTS = frozenset(("general.tags", "general.languages", "imatrix.datasets"))
_MAX_LIST = 100
_TOKENS = "tokenizer.ggml.tokens"

# The template that a runtime executes (Jinja): the default one, and named ones after a dot.
_CHAT_TEMPLATE = re.compile(r"tokenizer\.(chat_template(?:\..+)?)", re.DOTALL)

# Bytes of all templates of one file that are kept to be examined: the longest real one has 30,000.
_MAX_TEMPLATES = 128 << 10

Value = str | int | float


class Template(NamedTuple):
    """A chat template: the SHA-256 of its bytes in hex, their number, and they where kept."""

    sha256: str
    length: int
    text: bytes | None


@dataclass(slots=True)
class Metadata:
    """What was kept of the pairs, and of the templates by the part of their key that names them."""

    values: dict[str, Value] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    vocabulary: int | None = None

    def text(self, key: str) -> str | None:
        """Return a string value; None when there is none, an empty one or one of another type."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str) -> int | None:
        """Return a whole number that is not negative; None when there is none."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            return None
        return value


def read_metadata(cursor: Cursor, count: int) -> Metadata:
    """Read ``count`` key/value pairs at the cursor and leave it behind them.

    Raises FormatError on a value type that GGUF does not have, on a key that appears twice and
    on more than our caps.
    """
    if count > MAX_PAIRS or count * _MIN_PAIR > cursor.left:
        raise FormatError(f"{count} metadata pairs")
    metadata = Metadata()
    for _ in range(count):
        key = cursor.string(MAX_KEY).decode("utf-8", "replace")
        kind: int = cursor.unpack("I")[0]
        _read_pair(cursor, metadata, key, kind)
        if len(metadata.values) + len(metadata.templates) > MAX_KEPT:
            raise FormatError("too many general keys")
    return metadata


def _read_pair(cursor: Cursor, metadata: Metadata, key: str, kind: int) -> None:
    if kind == ARRAY:
        _read_array(cursor, metadata, key)
    elif kind == STRING and (template := _CHAT_TEMPLATE.fullmatch(key)):
        name = text(template[1], KEY_LIMIT) or ""
        _refuse_repeated(metadata.templates, name)
        kept = sum(len(t.text or b"") for t in metadata.templates.values())
        metadata.templates[name] = _template(cursor, _MAX_TEMPLATES - kept)
    elif _KEPT.fullmatch(key):
        _refuse_repeated(metadata.values, key)
        metadata.values[key] = _value(cursor, key, kind)
    else:
        _skip_value(cursor, kind)


def _refuse_repeated(kept: Container[str], key: str) -> None:
    if key in kept:  # two readers of the file could see two different models
        raise FormatError("metadata key appears twice")


def _value(cursor: Cursor, key: str, kind: int) -> Value:
    if kind == STRING:
        limit = DESCRIPTION_LIMIT if key == "general.description" else TEXT_LIMIT
        return text(cursor.string(limit * BYTES_PER_CHARACTER), limit) or ""
    value: Value = cursor.unpack(_scalar_code(kind))[0]
    return value


def _skip_value(cursor: Cursor, kind: int) -> None:
    if kind == STRING:
        cursor.skip_strings(1)
    else:
        cursor.skip(struct.calcsize("<" + _scalar_code(kind)))


def _read_array(cursor: Cursor, metadata: Metadata, key: str) -> None:
    """Move over an array and keep what is wanted of it. Like ggml, take no array of arrays."""
    kind: int = cursor.unpack("I")[0]
    length = _read_strings(cursor, metadata, key) if kind == STRING else _skip_numbers(cursor, kind)
    if key == _TOKENS:
        metadata.vocabulary = length


def _read_strings(cursor: Cursor, metadata: Metadata, key: str) -> int:
    length = cursor.count(struct.calcsize("<" + cursor.count_code))
    kept = min(length, _MAX_LIST) if key in _LISTS else 0
    if key in _LISTS:
        _refuse_repeated(metadata.values, key)
        texts = [text(cursor.string(KEY_LIMIT), KEY_LIMIT) or "" for _ in range(kept)]
        metadata.values[key] = ", ".join(texts)[:TEXT_LIMIT]
    cursor.skip_strings(length - kept)
    return length


def _skip_numbers(cursor: Cursor, kind: int) -> int:
    width = struct.calcsize("<" + _scalar_code(kind))
    length = cursor.count(width)
    cursor.skip(length * width)
    return length


def _scalar_code(kind: int) -> str:
    code = SCALAR_CODES.get(kind)
    if code is None:
        raise FormatError(f"metadata value of type {kind}")
    return code


def _template(cursor: Cursor, limit: int) -> Template:
    """Read a template; beyond ``limit`` bytes only its digest is kept."""
    length = left = cursor.count(1)
    digest = hashlib.sha256()
    parts = []
    while left:
        part = cursor.take(min(left, CHUNK))
        digest.update(part)
        left -= len(part)
        if length <= limit:
            parts.append(part)
    return Template(digest.hexdigest(), length, b"".join(parts) if length <= limit else None)
