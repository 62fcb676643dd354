"""What a document is, told by its content; then its claims. Pure: the caller read the file."""

from collections.abc import Callable
from typing import Any

from aibom.declare import cyclonedx
from aibom.formats.documents import jsondoc
from aibom.formats.source import FormatError
from aibom.types.declared import Document

_Json = dict[str, Any]

# the first one whose test holds reads the document
_JSON: tuple[tuple[Callable[[_Json], bool], Callable[[_Json, str], Document]], ...] = (
    (lambda d: "bomFormat" in d, cyclonedx.read),
)

#: What can be read, for the error that says that something else was given.
KNOWN = "CycloneDX"


def document(data: bytes, name: str) -> Document:
    """Return what the document in ``data`` claims; ``name`` is how the user named it.

    The content decides what it is; ``name`` is for messages. Raises FormatError saying what is
    wrong with it and where.
    """
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise FormatError("the file is empty")
    if text.startswith((b"{", b"[")):
        return _json(jsondoc.load(data), name)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 text (byte {error.start})") from None
    raise FormatError(f"not a document that aibom knows ({KNOWN})")


def _json(content: _Json, name: str) -> Document:
    for matches, read in _JSON:
        if matches(content):
            return read(content, name)
    keys = ", ".join(sorted(content)[:5])
    raise FormatError(f"JSON, but no document that aibom knows ({KNOWN}); it has {keys}")
