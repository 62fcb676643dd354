"""What was written for a setting, turned into its value."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from aibom.agent.config.fields import Setting
from aibom.agent.config.units import days_of, size_of
from aibom.formats.text import printable

_MAX_TEXT = 4096
_MAX_ITEMS = 1000
# texts may be a secret that somebody put into the wrong place
_SHOWN = (bool, int, float, Literal)


def value_of(setting: Setting, given: object) -> Any:
    """Return the value that ``given`` stands for: a text, or a list or mapping of texts.

    Lists may be written with commas, mappings as a=b,c=d; ``null`` and ``~`` stand for the
    default. Raises ValueError with what is wrong.
    """
    if given in ("null", "~"):
        return setting.default
    for text in _texts(given):
        if len(text) > _MAX_TEXT:
            raise ValueError(f"a text of more than {_MAX_TEXT} characters")
        if printable(text, _MAX_TEXT) != text:
            raise ValueError("control characters, or bytes that are no UTF-8")
    try:
        value = msgspec.convert(_prepared(setting, given), setting.type, strict=False)
    except ValueError:  # msgspec's own is one
        raise ValueError(f"{_shown(setting, given)} {setting.wanted}") from None
    if setting.base in (tuple, dict) and len(value) > _MAX_ITEMS:
        raise ValueError(f"more than {_MAX_ITEMS} entries")
    return value


def _texts(given: object) -> Iterator[str]:
    """Yield every text in what was given, as deep as settings go."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, list):
        yield from (item for item in given if isinstance(item, str))
    elif isinstance(given, dict):
        yield from (text for pair in given.items() for text in pair if isinstance(text, str))


def _prepared(setting: Setting, given: object) -> object:
    if not isinstance(given, str):
        return given
    if setting.unit:
        return size_of(given) if setting.unit == "size" else days_of(given)
    if setting.base is tuple:
        return _split(given)
    if setting.base is dict:
        return dict(_pair(item) for item in _split(given))
    return given


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise ValueError(text)
    return name.strip(), value.strip()


def _shown(setting: Setting, given: object) -> str:
    if isinstance(given, str):
        return f"'{printable(given, 60)}' is not" if setting.base in _SHOWN else "not"
    kind = "a mapping" if isinstance(given, dict) else "a list"
    return f"{kind}, and not" if setting.base not in (tuple, dict) else "not"
