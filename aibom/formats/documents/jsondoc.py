"""JSON documents that people hand over: read strictly, and told what is wrong where."""

import json
import re
from typing import Any

from aibom.formats.jsontext import unique
from aibom.formats.source import FormatError

#: Most values of a document, an object counted twice: each takes a hundred bytes of memory, what
#: is written of it two or three. An SBOM has about one for every 20 of its bytes.
MAX_VALUES = 6_000_000
_HEAD = 64 << 10
#: Most escaped halves of surrogate pairs that are looked at; a long text of emoji has thousands.
MAX_SURROGATES = 1_000_000
# such a pair, or one half of it alone (RFC 8259, section 8.2), after escaped backslashes
_SURROGATES = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)"
    r"(?:\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][\da-fA-F]{2}))"
)


def load(data: bytes) -> dict[str, Any]:
    """Return the object in ``data``. Raises FormatError saying what is wrong and where."""
    if not data.strip():
        raise FormatError("the file is empty")
    text = decoded(data)
    # signs in texts count as well: this is a bound, not a number
    if text.count(",") + text.count("[") + 2 * text.count("{") > MAX_VALUES:
        raise FormatError(f"more than {MAX_VALUES:,} values, the most that is read")
    try:
        document = json.loads(_whole(text), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise FormatError("nested too deeply") from None
    except ValueError as error:
        # Python reads no longer ones (sys.int_info) and says how to make it
        long = str(error).startswith("Exceeds")
        raise FormatError("a number of thousands of digits" if long else str(error)) from None
    if not isinstance(document, dict):
        raise FormatError("JSON, but not an object")
    return document


def _whole(text: str) -> str:
    """Return JSON with the sign for what is no character in place of halves of characters.

    Programs that cut a text off, as those in JavaScript do, write such halves. No encoding has
    them: whatever is written of them later would fail. Nothing moves to another place.
    """
    count = text.count("\\ud") + text.count("\\uD")
    if count > MAX_SURROGATES:
        raise FormatError(f"more than {MAX_SURROGATES:,} escaped surrogates, the most that is read")
    if not count:
        return text
    return _SURROGATES.sub(lambda m: f"{m['before']}\\ufffd" if m["half"] else m[0], text)


def head(data: bytes) -> str:
    """Return how a text begins, without leading space; what is no text has odd characters in it."""
    start = data[:_HEAD]
    return start.decode(json.detect_encoding(start), "replace").lstrip()


def decoded(data: bytes) -> str:
    """Return a text without its byte order mark. Raises FormatError.

    It is UTF-8 as RFC 8259 (section 8.1) wants it, or what writers on Windows make of it: UTF-16
    or UTF-32, told by the mark or by the zero bytes of the first characters (RFC 4627, section 3).
    """
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise FormatError(f"not {name} text (byte {error.start})") from None
