"""LightGBM's text model: a header of ``name=value`` lines, the trees, and the parameters.

Source: GBDT::SaveModelToString of src/boosting/gbdt_model_text.cpp in the LightGBM repository.
"""

import re

from aibom.formats.models.header import properties, text
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

_START = re.compile(rb"tree\r?\nversion=v(\d{1,3})\r?\n")
_HEADER = 4 << 20  # bytes: names, bounds of 50,000 features, and sizes of as many trees
_PARAMETERS = 64 << 10  # at the file's end
_CHUNK = 64 << 10
_LINE = re.compile(rb"^([a-z_]+)=(.*?)\r?$", re.MULTILINE)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_BOOSTING = re.compile(rb"\n\[boosting: (\w{1,20})\]")


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be such a model."""
    return size > 100 and _START.match(head) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of a LightGBM model, or None when the file is another text.

    Raises FormatError when it begins as one does and is cut off.
    """
    head = _header_lines(source)
    version = _START.match(head)
    if version is None:
        return None
    fields = {name.decode(): value for name, value in _LINE.findall(head)}
    if not {"num_class", "max_feature_idx"} <= fields.keys():
        raise FormatError("model without number of classes and features")
    tail = source.read(max(0, source.size - _PARAMETERS), _PARAMETERS)
    boosting = _BOOSTING.search(tail, max(0, tail.rfind(b"\nparameters:")))
    highest = _number(fields, "max_feature_idx")
    shown: dict[str, str | float | None] = {
        "num_class": _number(fields, "num_class"),
        "num_feature": None if highest is None else highest + 1,
        "num_trees": len(fields["tree_sizes"].split()) if "tree_sizes" in fields else None,
        "objective": text(fields.get("objective", b"")),
    }
    return ModelHeader(
        format="lightgbm",
        format_version="v" + version[1].decode(),
        architecture=boosting[1].decode() if boosting else None,
        properties=properties(shown),
    )


def _header_lines(source: ByteSource) -> bytes:
    """Return the whole lines before the first empty one, within the cap."""
    head = b""
    while len(head) < min(source.size, _HEADER):
        seen = max(0, len(head) - 4)
        head += source.read(len(head), _CHUNK)
        end = _EMPTY_LINE.search(head, seen)
        if end:
            return head[: end.start() + 1]
    return head[: head.rfind(b"\n") + 1]


def _number(fields: dict[str, bytes], name: str) -> int | None:
    value = fields.get(name, b"").strip()
    return int(value) if value.isdigit() and len(value) < 10 else None
