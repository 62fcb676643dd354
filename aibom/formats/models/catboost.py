"""CatBoost's own format: the magic, a length, and a FlatBuffers message of that length.

Source: catboost/libs/model/flatbuffers/model.fbs and model.cpp in the catboost repository.
"""

import re
from enum import IntEnum

from aibom.formats.jsontext import load_object
from aibom.formats.models.flatbuffer import Table, root
from aibom.formats.models.header import KEY_LIMIT, properties, text
from aibom.formats.models.paged import Paged
from aibom.formats.models.window import Window
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

_MAGIC = b"CBM1"
_CORE = 8  # bytes before the message: the magic and the length
_VERSION = b"FlabuffersModel_v1"  # spelled so in model_core's FormatVersion
_VERSION_WITHIN = 256  # it stands right behind the root table
_MAX_PAIRS = 1_000
_VALUE_CAP = 256 << 10  # parameters take 4 KB, with hundreds of class names a few more
_INFO = frozenset(
    ("catboost_version_info", "class_params", "model_guid", "params", "train_finish_time")
)
# in the text on the build that wrote the model: who built what when
_RELEASE = re.compile(rb"\bBranch: tags/v(\d[\w.]{0,20})\s")


class _Core(IntEnum):
    """Fields of TModelCore by their index."""

    FORMAT_VERSION = 0
    TREES = 1
    INFO = 2


class _Trees(IntEnum):
    """Fields of TObliviousTrees by their index."""

    DIMENSION = 0
    SIZES = 2
    CATEGORICAL = 4
    FLOATS = 5
    TEXTS = 12


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be such a model."""
    return size > _CORE and head.startswith(_MAGIC) and _VERSION in head[:_VERSION_WITHIN]


def parse(source: ByteSource) -> ModelHeader | None:
    """Return what a CatBoost model says of itself, or None when the file is none.

    Raises FormatError when it is cut off or its structure is broken.
    """
    head = source.read(0, _VERSION_WITHIN)
    if not recognise(head, source.size):
        return None
    length = int.from_bytes(head[4:_CORE], "little")
    if length > source.size - _CORE:
        raise FormatError("truncated model")
    core = root(Paged(Window(source, _CORE, length)))
    trees = core.table(_Core.TREES)
    info = _info(core)
    shown: dict[str, str | float | None] = {
        "classes": _length(info.get("class_params"), "class_names"),
        "loss_function": _loss(info.get("params")),
    }
    if trees is not None:
        shown |= {
            "approx_dimension": trees.number(_Trees.DIMENSION, 4),
            "categorical_features": trees.vector(_Trees.CATEGORICAL, 4)[1],
            "float_features": trees.vector(_Trees.FLOATS, 4)[1],
            "text_features": trees.vector(_Trees.TEXTS, 4)[1],
            "trees": trees.vector(_Trees.SIZES, 4)[1],
        }
    for key in ("model_guid", "train_finish_time"):
        shown[key] = text(info.get(key, b""))
    release = _RELEASE.search(info.get("catboost_version_info", b""))
    shown["catboost_version"] = release[1].decode() if release else None
    return ModelHeader(
        format="catboost",
        format_version=core.text(_Core.FORMAT_VERSION),
        properties=properties(shown),
    )


def _info(core: Table) -> dict[str, bytes]:
    """Return the pairs of the model's info, as CatBoost and its users put them there."""
    pairs = core.tables(_Core.INFO)
    if len(pairs) > _MAX_PAIRS:
        raise FormatError("too many info pairs")
    found: dict[str, bytes] = {}
    for pair in pairs:
        key = text(pair.data(0, KEY_LIMIT))
        if key in _INFO:
            found[key] = pair.data(1, _VALUE_CAP)
    return found


def _length(value: bytes | None, name: str) -> int | None:
    """Return the length of a list in a JSON object."""
    document = load_object(value or b"") or {}
    items = document.get(name)
    return len(items) if isinstance(items, list) and items else None


def _loss(parameters: bytes | None) -> str | None:
    document = load_object(parameters or b"") or {}
    loss = document.get("loss_function")
    kind = loss.get("type") if isinstance(loss, dict) else None
    return text(kind) if isinstance(kind, str) else None
