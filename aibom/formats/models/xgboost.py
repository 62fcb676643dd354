"""XGBoost's boosters, as JSON and as UBJSON.

Names of members are those of doc/model.schema in the xgboost repository. Both writers sort them
(std::map), so what a model is stands before its trees and behind them: the file's first and last
64 KiB are read, whatever its size.
"""

import json
import re
from typing import Any, Literal

from aibom.formats.models import ubjson
from aibom.formats.models.header import properties, text
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

_WINDOW = 64 << 10
_JSON_START = re.compile(rb'\s*\{\s*"learner"\s*:\s*\{\s*"attributes"\s*:\s*\{')
_UBJSON_START = b"{" + ubjson.key(b"learner") + b"{" + ubjson.key(b"attributes") + b"{"

_Encoding = Literal["xgboost-json", "xgboost-ubj"]


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be a booster."""
    return size > len(head[:50]) - 1 and _encoding(head) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Return what a booster says of itself, or None when the file is other JSON or UBJSON.

    Raises FormatError when it is a booster that is cut off, or is without what each has.
    """
    head = source.read(0, _WINDOW)
    encoding = _encoding(head)
    if encoding is None:
        return None
    tail = source.read(max(0, source.size - _WINDOW), _WINDOW)
    model = _find(encoding, tail, "learner_model_param", last=True)
    if not isinstance(model, dict):
        if _position(encoding, head, "gradient_booster") is None:
            return None
        raise FormatError("booster without its parameters")
    version = _version(_find(encoding, tail, "version", last=True))
    if version is None:
        raise FormatError("booster without a version")
    return _header(encoding, head, tail, model, version)


def _header(
    encoding: _Encoding, head: bytes, tail: bytes, model: dict[str, Any], version: str
) -> ModelHeader:
    # the booster's own name is the last one before its parameters: dart's stands behind gbtree's
    end = _position(encoding, tail, "learner_model_param", last=True)
    booster = _find(encoding, tail[:end], "name", last=True)
    trees = _find(encoding, head, "gbtree_model_param")
    names = _find(encoding, head, "feature_names")
    shown: dict[str, str | float | None] = {
        "feature_names": len(names) if isinstance(names, list) and names else None,
        "num_class": _number(model, "num_class") or None,  # 0: no classes
        "num_feature": _number(model, "num_feature"),
        "num_target": _number(model, "num_target"),
        "num_trees": _number(trees, "num_trees"),
        "objective": _text(_find(encoding, tail, "objective", last=True), "name"),
        "xgboost_version": version,
    }
    return ModelHeader(
        format=encoding,
        architecture=text(booster) if isinstance(booster, str) else None,
        properties=properties(shown),
    )


def _encoding(head: bytes) -> _Encoding | None:
    if head.startswith(_UBJSON_START):
        return "xgboost-ubj"
    return "xgboost-json" if _JSON_START.match(head) else None


def _find(encoding: _Encoding, data: bytes, name: str, *, last: bool = False) -> Any:
    """Return the value of the first or last member called ``name``; None when it is not whole."""
    at = _position(encoding, data, name, last=last)
    if at is None:
        return None
    try:
        if encoding == "xgboost-ubj":
            return ubjson.value(data, at)
        return json.JSONDecoder().raw_decode(data[at:].decode("utf-8", "replace"))[0]
    except (ValueError, RecursionError):  # FormatError is one
        return None


def _position(encoding: _Encoding, data: bytes, name: str, *, last: bool = False) -> int | None:
    """Return where the value of a member begins. In a string its name's quotes are escaped."""
    if encoding == "xgboost-json":
        found = [m.end() for m in re.finditer(rb'(?<!\\)"%b"\s*:\s*' % name.encode(), data)]
        return found[-1 if last else 0] if found else None
    mark = ubjson.key(name.encode())
    at = data.rfind(mark) if last else data.find(mark)
    return None if at < 0 else at + len(mark)


def _version(value: object) -> str | None:
    """Return the version of the library that wrote the file: three numbers."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(isinstance(n, int) and 0 <= n < 1 << 16 for n in value):
        return None
    return ".".join(map(str, map(int, value)))


def _number(model: object, name: str) -> int | None:
    """Return a number, which both encodings write as text."""
    value = model.get(name) if isinstance(model, dict) else None
    short = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
    return int(value) if isinstance(value, str) and short else None


def _text(model: object, name: str) -> str | None:
    value = model.get(name) if isinstance(model, dict) else None
    return text(value) if isinstance(value, str) else None
