"""Licences as people write them, in SPDX's words where those are certain."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from license_expression import (
    AND,
    OR,
    ExpressionError,
    LicenseSymbol,
    Licensing,
    get_license_index,
)

from aibom.formats.text import printable

_MAX_TEXT = 500  # characters: longer ones are licence texts

# SPDX specification, annex "SPDX license expressions": licences that no list has
_OWN = re.compile(r"(?:DocumentRef-[\w.-]+:)?LicenseRef-[A-Za-z0-9.-]+")

# What is no SPDX id by itself and can only mean one: identifiers of the Hugging Face Hub
# (documentation, "Licenses") and names that package metadata uses. Those that the Hub calls a
# family (bsd, cc, gpl, lgpl, gfdl, odbl, odc-by, openrail) name no licence and stay as they are.
_SAME = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "c-uda": "C-UDA-1.0",
    "lgpl-lr": "LGPLLR",
    "mit license": "MIT",
    "mozilla public license 2.0": "MPL-2.0",
    "pddl": "PDDL-1.0",
    "the mit license": "MIT",
    "the unlicense": "Unlicense",
}

# what the library raises besides its own error for text that is no expression, as "(" and "MIT ()"
_ODD = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# the Hub's words for a licence that it has no identifier for, and for one that nobody knows
_OTHER = frozenset({"other", "unknown", ""})


def spdx(said: str, name: str = "") -> str:
    """Return a licence's SPDX id or expression, with SPDX's spelling; else what is said.

    ``name`` is the card's ``license_name``, which counts when ``said`` is ``other``. An id that
    SPDX calls deprecated stays: ``gpl-3.0`` becomes ``GPL-3.0`` and not ``GPL-3.0-only``, because
    the Hub has one identifier for both that and ``-or-later``, and so do many packages.
    """
    text = " ".join(said.split())
    if text.lower() in _OTHER and name.strip():
        text = " ".join(name.split())
    if len(text) > _MAX_TEXT:
        return printable(text, _MAX_TEXT)
    return _SAME.get(text.lower()) or _expression(text) or printable(text)


def expression(said: str) -> str:
    """Return a licence as ``spdx`` does where it is an SPDX expression; else an empty string."""
    return _expression(spdx(said)) if said else ""


def satisfied(licence: str, accepts: Callable[[str], bool]) -> bool:
    """Say whether a licence can be used by somebody who accepts some licences and no others.

    Of what ``OR`` joins one is enough, of what ``AND`` joins all are needed; a licence ``WITH`` an
    exception is one of its own. What is no SPDX expression is asked about as it is written.
    """
    text = spdx(licence)
    try:
        parsed = _licensing().parse(text) if len(text) <= _MAX_TEXT else None
        return accepts(text) if parsed is None else _holds(parsed, accepts)
    except (ExpressionError, *_ODD):
        return accepts(text)


def _holds(parsed: Any, accepts: Callable[[str], bool]) -> bool:
    if isinstance(parsed, OR | AND):
        each = (_holds(part, accepts) for part in parsed.args)
        return any(each) if isinstance(parsed, OR) else all(each)
    return accepts(str(parsed.render("{symbol.key}")))


def _expression(text: str) -> str:
    """Return an expression in SPDX's spelling; empty when it is none, or has an unknown id."""
    known = _licensing()
    try:
        parsed = known.parse(text, strict=True)
        if parsed is None or not all(map(_OWN.fullmatch, known.unknown_license_keys(parsed))):
            return ""
        return str(parsed.render("{symbol.key}"))
    except (ExpressionError, *_ODD):
        return ""


@cache
def _licensing() -> Licensing:
    """Return a parser that knows SPDX's ids and no others, the deprecated ones as themselves.

    The library's own (get_spdx_licensing) turns those into others and takes ScanCode's words too,
    and its index calls some things SPDX's that SPDX's list does not have (``GPL``).
    """
    # it takes 20 ms, which what names no licence does not need
    from cyclonedx.spdx import is_supported_id  # noqa: PLC0415

    symbols = {}
    for entry in get_license_index():
        for key in (entry.get("spdx_license_key"), *entry.get("other_spdx_license_keys", ())):
            if key and is_supported_id(key):
                symbols[key] = LicenseSymbol(key, is_exception=entry.get("is_exception", False))
    return Licensing(symbols.values())
