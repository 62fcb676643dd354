"""JSON as it is written: the same bytes for the same values."""

import json
from typing import Any


def serialise(document: dict[str, Any]) -> str:
    """Return a document as text: sorted, indented, with a newline at its end."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
