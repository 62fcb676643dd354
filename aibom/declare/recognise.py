"""What a document is, told by its content; then its claims. Pure: the caller read the file."""

from collections.abc import Callable
from typing import Any

from aibom.declare import cyclonedx, spdx, spdx3, syft
from aibom.formats.documents import bomxml, jsondoc, tagvalue
from aibom.formats.documents.spdx3 import version_of
from aibom.formats.source import FormatError
from aibom.types.declared import Document

_Json = dict[str, Any]

# the first one whose test holds reads the document; of a text the test gets how it begins
_JSON: tuple[tuple[Callable[[_Json], bool], Callable[[_Json, str], Document]], ...] = (
    (lambda d: "bomFormat" in d, cyclonedx.read),
    (lambda d: "spdxVersion" in d, spdx.read),
    (lambda d: bool(version_of(d)), spdx3.read),
    (syft.is_syft, syft.read),
)
_Text = tuple[Callable[[str], bool], Callable[[bytes, str], Document]]
_TEXT: tuple[_Text, ...] = (
    (
        lambda head: head.startswith("<"),
        lambda data, name: cyclonedx.read(bomxml.load(data), name, "XML"),
    ),
    (
        tagvalue.is_tag_value,
        lambda data, name: spdx.read(tagvalue.load(data), name, "tag-value"),
    ),
)

#: What can be read, for the error that says that something else was given.
KNOWN = "CycloneDX in JSON or XML, SPDX in JSON or tag-value, Syft JSON"


def document(data: bytes, name: str) -> Document:
    """Return what the document in ``data`` claims; ``name`` is how the user named it.

    The content decides what it is; ``name`` is for messages. Raises FormatError saying what is
    wrong with it and where.
    """
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise FormatError("the file is empty")
    head = jsondoc.head(data)
    if head.startswith(("{", "[")):
        return _json(jsondoc.load(data), name)
    for matches, read in _TEXT:
        if matches(head):
            return read(data, name)
    jsondoc.decoded(data)
    raise FormatError(f"not a document that aibom knows ({KNOWN})")


def _json(content: _Json, name: str) -> Document:
    for matches, read in _JSON:
        if matches(content):
            return read(content, name)
    keys = ", ".join(sorted(content)[:5])
    raise FormatError(f"JSON, but no document that aibom knows ({KNOWN}); it has {keys}")
