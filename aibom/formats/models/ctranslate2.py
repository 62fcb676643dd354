"""CTranslate2 models: a specification's name, then variables, each before its data.

Source: python/ctranslate2/specs/model_spec.py (ModelSpec._serialize) and src/models/model.cc
(Model::load) in the CTranslate2 repository. Numbers are little-endian.
"""

import re
import struct

from aibom.formats.models.header import Tally, elements, properties
from aibom.formats.models.paged import Paged
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import ModelHeader

# Binary version 1 has no name and nothing to know it by. The newest is 6 (model_spec.py).
_VERSIONS = range(2, 21)
_ALIASES_SINCE = 3
_TYPES_SINCE = 4  # before, only the width of an element is written

# The class's name in ctranslate2.specs, or one of two old ones (src/models/model_factory.cc).
_SPEC = re.compile(rb"[A-Z][A-Za-z0-9]+Spec|TransformerBase|TransformerBig")
_WHISPER = "WhisperSpec"
_MAX_NAME = 1_000
_MAX_REVISION = 1_000
_MAX_RANK = 8
_MAX_VARIABLES = 100_000  # a model of 100 layers has some 4,000

# include/ctranslate2/types.h, enum DataType: name and bytes of an element.
_TYPES = (
    ("float32", 4),
    ("int8", 1),
    ("int16", 2),
    ("int32", 4),
    ("float16", 2),
    ("bfloat16", 2),
)
_OLD_TYPES = {4: "float32", 2: "int16", 1: "int8"}  # by width (get_dtype_from_item_size)

# The model's folder has these besides model.bin, all or some of them, and the file itself does
# not say which (ModelSpec.save, SequenceToSequenceModelSpec.save, LanguageModelSpec.save).
_CONFIG = "config.json"
_ONE_VOCABULARY = ("vocabulary.json", "vocabulary.txt")
_TWO_VOCABULARIES = tuple(
    f"{name}_vocabulary.{suffix}"
    for name in ("shared", "source", "target")
    for suffix in ("json", "txt")
)
_SEQUENCE_TO_SEQUENCE = {"TransformerSpec", "TransformerBase", "TransformerBig"}
_WITHOUT_VOCABULARY = {"Wav2Vec2Spec", "Wav2Vec2BertSpec"}


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long is CTranslate2's.

    A version, the name of a specification, a revision and a count of variables decide.
    """
    if len(head) < 16 or int.from_bytes(head[:4], "little") not in _VERSIONS:
        return False
    length = int.from_bytes(head[4:6], "little")
    end = 6 + length
    if size < end + 8 or not _SPEC.fullmatch(head[6 : end - 1]) or head[end - 1 : end] != b"\0":
        return False
    revision, variables = struct.unpack_from("<II", head.ljust(end + 8, b"\0"), end)
    return bool(1 <= revision <= _MAX_REVISION and 1 <= variables <= _MAX_VARIABLES)


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the names, shapes and types of a model's variables, not their data.

    Returns None when the file is no such model. Raises FormatError when a variable lies beyond
    the file or is larger than its data, and on more than our caps.
    """
    head = source.read(0, 4096)
    if not recognise(head, source.size):
        return None
    cursor = _Cursor(Paged(source))
    version = cursor.number("I")
    spec = cursor.name()
    revision, variables = cursor.number("I"), cursor.number("I")
    tally = Tally()
    for _ in range(variables):
        cursor.name()
        _variable(cursor, tally, typed=version >= _TYPES_SINCE)
    aliases = cursor.number("I") if version >= _ALIASES_SINCE else None
    return ModelHeader(
        format="ctranslate2-whisper" if spec == _WHISPER else "ctranslate2",
        format_version=str(version),
        parameters=tally.parameters,
        quantization=tally.dominating,
        tensors=tally.tensors,
        properties=properties({"aliases": aliases, "revision": revision, "specification": spec}),
        references=_references(spec),
    )


class _Cursor:
    """Reads one value behind another."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._at = 0

    def number(self, code: str) -> int:
        """Return the number of struct's ``code``."""
        size = struct.calcsize("<" + code)
        (value,) = struct.unpack("<" + code, exactly(self._source, self._at, size, "a number"))
        self._at += size
        return int(value)

    def name(self) -> str:
        """Return a name: its length with the zero at its end, then its bytes."""
        length = self.number("H")
        if not 1 <= length <= _MAX_NAME:
            raise FormatError(f"name of {length} bytes")
        data = exactly(self._source, self._at, length, "a name")
        self._at += length
        return data[:-1].decode("utf-8", "replace")

    def skip(self, length: int) -> None:
        """Pass over ``length`` bytes, which must be there."""
        self._at += length
        if self._at > self._source.size:
            raise FormatError("variable beyond the file")


def _variable(cursor: _Cursor, tally: Tally, *, typed: bool) -> None:
    """Read a variable's shape, type and length, and pass over its data."""
    rank = cursor.number("B")
    if rank > _MAX_RANK:
        raise FormatError("variable of too many dimensions")
    count = elements([cursor.number("I") for _ in range(rank)])
    kind, length = cursor.number("B"), cursor.number("I")
    if typed:
        if kind >= len(_TYPES):
            raise FormatError(f"variable of type {kind}")
        name, width = _TYPES[kind]
    else:
        if kind not in _OLD_TYPES:
            raise FormatError(f"variable of width {kind}")
        name, width, length = _OLD_TYPES[kind], kind, length * kind
    if count * width != length:
        raise FormatError("variable of another size than its shape")
    cursor.skip(length)
    tally.add(name, count)


def _references(spec: str) -> tuple[str, ...]:
    if spec in _WITHOUT_VOCABULARY:
        return (_CONFIG,)
    two = spec in _SEQUENCE_TO_SEQUENCE
    return (_CONFIG, *(_TWO_VOCABULARIES if two else _ONE_VOCABULARY))
