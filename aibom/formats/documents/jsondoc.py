"""JSON documents that people hand over: read strictly, and told what is wrong where."""

import json
from typing import Any

from aibom.formats.jsontext import unique
from aibom.formats.source import FormatError


def load(data: bytes) -> dict[str, Any]:
    """Return the object in ``data``. Raises FormatError saying what is wrong and where."""
    if not data.strip():
        raise FormatError("the file is empty")
    try:
        # JSON is UTF-8 (RFC 8259); some writers put a byte order mark before it
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 text (byte {error.start})") from None
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
