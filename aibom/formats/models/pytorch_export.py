"""Exported programs of PyTorch (.pt2): a graph in JSON beside raw weights.

Names inside the archive are those of torch/csrc/export/pt2_archive_constants.h, the JSON's those
of torch/_export/serde/schema.py.
"""

from typing import Any

from aibom.formats.jsontext import load_object, number_of
from aibom.formats.models.header import Tally, elements, properties, text
from aibom.formats.models.zipdir import Member, content
from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader

_WEIGHTS = "data/weights/"
_WEIGHTS_CONFIG = "_weights_config.json"
_JSON_CAP = 2 << 20
_MAX_CONFIGS = 16
_MAX_DIMENSIONS = 64

# torch/_export/serde/schema.py, ScalarType.
_DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    9: "complex32",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: "bfloat16",
    28: "uint16",
    29: "float8_e4m3fn",
    30: "float8_e5m2",
    31: "float8_e4m3fnuz",
    32: "float8_e5m2fnuz",
    33: "float8_e8m0fnu",
    34: "uint32",
    35: "uint64",
}


def is_exported(records: dict[str, Member]) -> bool:
    """Return whether the archive's records, by name below its folder, are an exported program."""
    models = any(name.startswith("models/") and name.endswith(".json") for name in records)
    weights = any(name.startswith(_WEIGHTS) for name in records)
    return models and ("archive_format" in records or weights)


def header(source: ByteSource, records: dict[str, Member]) -> ModelHeader:
    """Return the header of an exported program; raises FormatError when a record is broken."""
    names = [name for name in sorted(records) if name.endswith(_WEIGHTS_CONFIG)]
    tally = Tally()
    for name in names[:_MAX_CONFIGS]:
        config = load_object(content(source, records[name], _JSON_CAP)) or {}
        for dtype, count in _tensors(config):
            tally.add(dtype, count)
    # Every element takes half a byte or more: a larger sum is a lie, and not repeated.
    believable = 0 < tally.parameters <= 2 * source.size
    version = records.get("archive_version")
    return ModelHeader(
        format="pytorch",
        format_version=text(content(source, version, 16)) if version else None,
        parameters=tally.parameters if believable else None,
        quantization=tally.dominating or None,
        tensors=tally.tensors or None,
        properties=properties({"archive": "pt2"}),
    )


def _tensors(config: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the dtype, "" when unknown, and the number of elements of each weight."""
    weights = config.get("config")
    if not isinstance(weights, dict):
        return []
    metas = [entry.get("tensor_meta") for entry in weights.values() if isinstance(entry, dict)]
    return [
        (_DTYPES.get(number_of(meta, "dtype") or 0, ""), elements(_dimensions(meta)))
        for meta in metas
        if isinstance(meta, dict)
    ]


def _dimensions(meta: dict[str, Any]) -> list[int]:
    sizes = meta.get("sizes")
    if not isinstance(sizes, list):
        return [0]
    known = [number_of(size, "as_int") for size in sizes if isinstance(size, dict)]
    return [size or 0 for size in known[:_MAX_DIMENSIONS]]
