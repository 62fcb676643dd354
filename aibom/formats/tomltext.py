"""TOML that somebody else wrote, read without surprises."""

import re
import tomllib
from typing import Any

#: Largest TOML document that is read, in bytes: its values take a hundred times the room.
MAX_TOML = 10 << 20
# a dotted key of TOML of thirty parts and more: tomllib takes memory by the square of their number
_DEEP_KEY = re.compile(
    r"(?:(?<![\w-])[\w-]++[ \t]*+\.[ \t]*+|(?:\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){30}"
)


def load(text: str, limit: int = MAX_TOML) -> dict[str, Any]:
    """Return the document in ``text``, of at most ``limit`` characters.

    Raises ValueError for what is no TOML or too large, RecursionError where it is nested deeply.
    """
    if len(text) > limit:
        raise ValueError(f"larger than {limit} bytes")
    if _DEEP_KEY.search(text):
        raise ValueError("a key of too many parts")
    return tomllib.loads(text)
