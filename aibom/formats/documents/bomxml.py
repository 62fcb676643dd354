"""CycloneDX XML as the same values that CycloneDX JSON has, so that one reader takes both.

Source: the XML schemas of CycloneDX 1.0 to 1.7 (bom-1.7.xsd) beside the JSON ones. An element is
a member of its parent by its name, and attributes are members, too; ``bomxmlnames`` tells what is
an array in JSON, and what is called otherwise there. Numbers stay text.

The XML is read with expat of the standard library. The document is refused when it declares a
document type, and with that entities, so that nothing can expand and nothing outside can be named.
"""

from typing import Any
from xml.parsers import expat

from aibom.formats.documents.bomxmlnames import NAMES
from aibom.formats.documents.bomxmlvalues import Element, members, value
from aibom.formats.source import FormatError

_NAMESPACE = "http://cyclonedx.org/schema/bom/"
_CHUNK = 64 << 10
# bytes of one tag: until a tag ends, expat reads it anew with every chunk (CVE-2023-52425)
_MAX_TAG = 1 << 20
_MAX_ELEMENTS = 3_000_000  # a component has ten to thirty
_MAX_DEPTH = 200
# an element of another vocabulary, which may stand anywhere, and which JSON has no place for
_FOREIGN = ""


def is_bom(name: str, namespace: str) -> bool:
    """Say whether a document element is CycloneDX's."""
    return name == "bom" and namespace.startswith(_NAMESPACE)


def load(data: bytes) -> dict[str, Any]:
    """Return a document as CycloneDX JSON would have it; raises FormatError with the line."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.said
    parser.StartDoctypeDeclHandler = _refuse
    try:
        _feed(parser, data)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise FormatError(
            f"not XML: {what} at line {error.lineno}, column {error.offset + 1}"
        ) from None
    except FormatError as error:
        raise FormatError(f"{error} (line {parser.CurrentLineNumber})") from None
    except (ValueError, LookupError):
        # of an encoding other than XML's own, expat asks Python for a table of 256 characters
        raise FormatError("not XML: an encoding that aibom does not read (line 1)") from None
    return reader.document


def _feed(parser: expat.XMLParserType, data: bytes) -> None:
    for at in range(0, len(data), _CHUNK):
        parser.Parse(data[at : at + _CHUNK], False)
        if at + _CHUNK - parser.CurrentByteIndex > _MAX_TAG:
            raise FormatError("XML with a tag too long")
    parser.Parse(b"", True)


def _refuse(*_: object) -> None:
    raise FormatError("XML with a document type, which aibom does not read")


class _Reader:
    """Builds the value of each element when it ends, so that no tree of elements is kept."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self._open: list[Element] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) > _MAX_DEPTH:
            raise FormatError("XML of more elements, or deeper ones, than aibom reads")
        namespace, _, name = tag.rpartition(" ")
        if self._open and not namespace.startswith(_NAMESPACE):
            name = _FOREIGN
        if not self._open:
            if not is_bom(name, namespace):
                raise FormatError(f"XML, but not CycloneDX: it begins with <{name[:40]}>")
            self.document = {"specVersion": namespace.removeprefix(_NAMESPACE)}
        # attributes of other namespaces are no CycloneDX
        own = {NAMES.get(k, k): value for k, value in attributes.items() if " " not in k}
        self._open.append(Element(name, own))

    def said(self, text: str) -> None:
        """Take text."""
        self._open[-1].text.append(text)

    def end(self, _: str) -> None:
        """Take the end of an element."""
        element = self._open.pop()
        if element.name == _FOREIGN:
            return
        if self._open:
            parent = self._open[-1]
            parent.children.append((element.name, value(element, parent.name)))
        else:
            self.document = {"bomFormat": "CycloneDX"} | self.document | members(element)
