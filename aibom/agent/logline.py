"""A line of a log, from texts that a workload may have chosen. Pure."""

import json
import math
import re
from collections.abc import Mapping
from typing import Literal

from aibom.formats.text import printable, uncommanding
from aibom.types.words import moment

Field = str | int | float

#: Longest line in bytes, with its end: what a pipe takes whole or not at all (pipe(7), PIPE_BUF).
MAX_LINE = 4096
_MAX_FIELDS = 12
# characters of a text; a line that is longer for all its escapes is made anew with the next
_LENGTHS = (1000, 300, 100, 20)
_NAME = re.compile(r"[^A-Za-z0-9_]+")
# what stands in a text line without quotes
_BARE = re.compile(r"[^\s\"'=\\]+")
_OWN = ("time", "level", "message")


def line_of(
    form: Literal["text", "json"],
    now: float,
    level: str,
    message: str,
    fields: Mapping[str, Field],
) -> str:
    """Return one line in ASCII or printable characters, with its end, of at most MAX_LINE bytes.

    ``now`` is in seconds since the epoch.
    """
    made = _json if form == "json" else _text
    line = ""
    for length in _LENGTHS:
        named = {_name(k): _value(v, length) for k, v in list(fields.items())[:_MAX_FIELDS]}
        line = made(_time(now), level, _clean(message, length), named) + "\n"
        if len(line.encode()) <= MAX_LINE:
            break
    return line


def _text(when: str, level: str, message: str, fields: Mapping[str, Field]) -> str:
    return " ".join((when, level, message, *(f"{k}={_quoted(v)}" for k, v in fields.items())))


def _json(when: str, level: str, message: str, fields: Mapping[str, Field]) -> str:
    return json.dumps({"time": when, "level": level, "message": message, **fields})


def _quoted(value: Field) -> str:
    """Return a value so that it cannot be taken for another field."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _time(now: float) -> str:
    try:
        return moment(now)
    except (OverflowError, OSError, ValueError):  # a clock gone wild
        return "0000-00-00T00:00:00Z"


def _name(name: str) -> str:
    short = _NAME.sub("_", name[:64]) or "_"
    return f"{short}_" if short in _OWN else short


def _value(value: object, length: int) -> Field:
    """Return a value as JSON may hold it, whatever it really is."""
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    return _clean(value if isinstance(value, str) else repr(value)[:length], length)


def _clean(text: str, length: int) -> str:
    return uncommanding(printable(text, length))
