"""JSON that somebody else wrote, read without surprises."""

import json
from typing import Any

from aibom.formats.text import printable


def load_object(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object in ``data``, or None when it is none.

    Truncated, wrongly encoded, too deeply nested and duplicate-keyed input gives None: two
    readers of a document with a duplicate key may see two different documents.
    """
    document = _load(data)
    return document if isinstance(document, dict) else None


def load_objects(data: bytes, limit: int = 1_000) -> tuple[dict[str, Any], ...] | None:
    """Return the first ``limit`` objects of a JSON array of objects, or None as load_object."""
    document = _load(data)
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        return None
    return tuple(document[:limit])


def _load(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's members, as json's ``object_pairs_hook``. Raises ValueError on a twin."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"duplicate key {name[:100]!r}")
        result[name] = value
    return result


def text_of(document: dict[str, Any], key: str) -> str:
    """Return a string member fit to be shown, or an empty string when it is missing or other."""
    value = document.get(key)
    return printable(value.strip(), 1000) if isinstance(value, str) else ""


def object_of(document: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object member, or an empty one when it is missing or other."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def number_of(document: dict[str, Any], key: str) -> int | None:
    """Return a whole, non-negative number member below 2^63, or None."""
    value = document.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    return None


def strings(value: object, limit: int = 100) -> tuple[str, ...]:
    """Return the strings of a JSON array, sorted, each once; an empty tuple when it is none."""
    if not isinstance(value, list):
        return ()
    return tuple(sorted({printable(v, 500) for v in value[:limit] if isinstance(v, str)}))
