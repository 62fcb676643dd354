"""JSON documents that people hand over: read strictly, and told what is wrong where."""

import json
from typing import Any

from aibom.formats.jsontext import unique
from aibom.formats.source import FormatError

_HEAD = 64 << 10


def load(data: bytes) -> dict[str, Any]:
    """Return the object in ``data``. Raises FormatError saying what is wrong and where."""
    if not data.strip():
        raise FormatError("the file is empty")
    try:
        document = json.loads(decoded(data), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise FormatError("nested too deeply") from None
    except ValueError as error:
        raise FormatError(str(error)) from None
    if not isinstance(document, dict):
        raise FormatError("JSON, but not an object")
    return document


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
