"""XGBoost's binary boosters, which versions before 3.1 write.

Source: LearnerModelParamLegacy and LearnerIO::Save of src/learner.cc, and GBTreeModelParam of
src/gbm/gbtree_model.h in the xgboost repository, before 3.1.
"""

import re
import struct

from aibom.formats.models.header import properties
from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader

_MAGIC = b"binf"
_PARAMETERS = struct.Struct("<fIiiiIIIi")  # of 136 bytes; the rest is reserved
_PARAMETERS_END = len(_MAGIC) + 136
_OBJECTIVE = re.compile(rb"[a-z]{2,20}:[a-z0-9_]{2,40}")
_BOOSTERS = (b"gbtree", b"dart", b"gblinear")
_HEAD = 512


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` is such a booster."""
    return size > _PARAMETERS_END and _parse(head[:_HEAD]) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Return what a booster says of itself, or None when the file is none."""
    return _parse(source.read(0, _HEAD))


def _parse(head: bytes) -> ModelHeader | None:
    if not head.startswith(_MAGIC) or len(head) < _PARAMETERS_END:
        return None
    values = _PARAMETERS.unpack_from(head, len(_MAGIC))
    _, features, classes, _, _, major, minor, targets, _ = values
    objective, at = _text(head, _PARAMETERS_END)
    booster, at = _text(head, at)
    if not _OBJECTIVE.fullmatch(objective) or booster not in _BOOSTERS:
        return None
    trees = None if booster == b"gblinear" else int.from_bytes(head[at : at + 4], "little")
    shown = {
        "num_class": classes if classes > 0 else None,
        "num_feature": features or None,
        "num_target": targets or None,  # before 1.6 there was none
        "num_trees": trees,
        "objective": objective.decode(),
        "xgboost_version": f"{major}.{minor}" if major else None,  # before 1.0 there was none
    }
    return ModelHeader(
        format="xgboost-binary",
        architecture=booster.decode(),
        properties=properties(shown),
    )


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the text at ``at``, behind its length, and where it ends."""
    length = int.from_bytes(data[at : at + 8], "little")
    start = at + 8
    return data[start : start + min(length, _HEAD)], start + length
