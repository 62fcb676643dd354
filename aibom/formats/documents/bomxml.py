"""CycloneDX XML as the same values that CycloneDX JSON has, so that one reader takes both.

Source: the XML schemas of CycloneDX 1.0 to 1.7 (bom-1.7.xsd) beside the JSON ones. An element is
a member of its parent by its name; attributes are members, too; what the JSON schema has as an
array is told by a table, and so is what it has under another name. Numbers stay text.

The XML is read with expat of the standard library. The document is refused when it declares a
document type, and with that entities, so that nothing can expand and nothing outside can be named.
"""

from typing import Any
from xml.parsers import expat

from aibom.formats.source import FormatError

_NAMESPACE = "http://cyclonedx.org/schema/bom/"
_CHUNK = 64 << 10
# bytes of one tag: until a tag ends, expat reads it anew with every chunk (CVE-2023-52425)
_MAX_TAG = 1 << 20
_MAX_ELEMENTS = 5_000_000  # a component has ten to thirty
_MAX_DEPTH = 200

# what holds items, and what these are called (the sequences of bom-1.7.xsd that have no maximum);
# an element is a list when nothing else stands in it
_ITEMS = """
advisories:advisory affects:target algorithms:algorithm aliases:alias altIds:altId
ancestors:component annotations:annotation assemblies:assembly assessors:assessor
assessments:assessment attestations:attestation authors:author
certificateExtensions:certificateExtension cipherSuites:cipherSuite citations:citation
claims:claim collection:graphic commands:command commits:commit components:component
compositions:composition conditions:condition copyright:text counterClaims:counterClaim
cryptoFunctions:cryptoFunction custodians:custodian cwes:cwe datasets:dataset
dependencies:dependency descendants:component descriptions:description destination:url
endpoints:endpoint energyConsumptions:energyConsumption
ethicalConsiderations:ethicalConsideration expressions:expression externalReferences:reference
fairnessAssessments:fairnessAssessment formulation:formula frames:frame hashes:hash
identifiers:identifier individuals:individual inputs:input levels:level
licenseTypes:licenseType lifecycles:lifecycle members:ref methods:method
mitigationStrategies:mitigationStrategy notes:note occurrences:occurrence
organizations:organization outputs:output owners:owner parameters:parameter patches:patch
patentAssertions:patentAssertion patentRefs:bom-ref performanceMetrics:performanceMetric
performanceTradeoffs:performanceTradeoff pointers:pointer properties:property ratings:rating
relatedCryptographicAssets:relatedCryptographicAsset requirements:requirement resolves:issue
resourceReferences:resourceReference responses:response runtimeTopology:dependency
services:service signatories:signatory source:url standards:standard steps:step
stewards:steward subjects:subject tags:tag taskDependencies:dependency taskTypes:taskType
tasks:task technicalLimitations:technicalLimitation tools:tool useCases:useCase users:user
variants:component versions:version vulnerabilities:vulnerability workflows:workflow
workspaces:workspace
"""
_LISTS = dict(pair.split(":") for pair in _ITEMS.split())
# lists whose items are references: <subject ref="a"/> is "a"; and all those of a composition
_REFS = frozenset({"assemblies", "subjects"})
# what may stand several times without anything that holds it, an array in JSON, by its parent
_OF_ORGANIZATION = frozenset({"contact", "url"})
_REPEATED = {
    "evidence": frozenset({"identity"}),
    "manufacture": _OF_ORGANIZATION,
    "manufacturer": _OF_ORGANIZATION,
    "organization": _OF_ORGANIZATION,
    "provider": _OF_ORGANIZATION,
    "supplier": _OF_ORGANIZATION,
}
# what JSON calls an element's text where it is not "content", and attributes of other spelling
_TEXT = {"property": "value", "environmentVar": "value"}
_NAMES = {"content-type": "contentType"}
_TRUE = frozenset({"true", "1"})
_BOOLEANS = frozenset({"authenticated", "x-trust-boundary"})


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
    return reader.document


def _feed(parser: expat.XMLParserType, data: bytes) -> None:
    for at in range(0, len(data), _CHUNK):
        parser.Parse(data[at : at + _CHUNK], False)
        if at + _CHUNK - parser.CurrentByteIndex > _MAX_TAG:
            raise FormatError("XML with a tag too long")
    parser.Parse(b"", True)


def _refuse(*_: object) -> None:
    raise FormatError("XML with a document type, which aibom does not read")


class _Element:
    """An element that is open: its attributes, its children so far, and its text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[tuple[str, Any]] = []
        self.text: list[str] = []


class _Reader:
    """Builds the value of each element when it ends, so that no tree of elements is kept."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self._open: list[_Element] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) > _MAX_DEPTH:
            raise FormatError("XML of more elements, or deeper ones, than aibom reads")
        namespace, _, name = tag.rpartition(" ")
        if not self._open:
            if not is_bom(name, namespace):
                raise FormatError(f"XML, but not CycloneDX: it begins with <{name[:40]}>")
            self.document = {"specVersion": namespace.removeprefix(_NAMESPACE)}
        # attributes of other namespaces are no CycloneDX
        own = {_NAMES.get(k, k): value for k, value in attributes.items() if " " not in k}
        self._open.append(_Element(name, own))

    def said(self, text: str) -> None:
        """Take text."""
        self._open[-1].text.append(text)

    def end(self, _: str) -> None:
        """Take the end of an element."""
        element = self._open.pop()
        if self._open:
            parent = self._open[-1]
            parent.children.append((element.name, _value(element, parent.name)))
        else:
            self.document = {"bomFormat": "CycloneDX"} | self.document | _object(element)


def _value(element: _Element, parent: str) -> Any:
    special = _SPECIAL.get(element.name)
    if special is not None and (element.children or element.attributes):
        return special(element, parent)
    if _is_list(element):
        return _items(element, parent)
    if element.children or element.attributes:
        return _object(element)
    text = "".join(element.text).strip()
    return text in _TRUE if element.name in _BOOLEANS else text


def _is_list(element: _Element) -> bool:
    item = _LISTS.get(element.name)
    if item is None or element.attributes:
        return False
    if not element.children:
        return not "".join(element.text).strip()
    return all(name == item for name, _ in element.children)


def _items(element: _Element, parent: str) -> list[Any]:
    values = [value for _, value in element.children]
    if element.name in _REFS or parent == "composition":
        return [v.get("ref", "") if isinstance(v, dict) else v for v in values]
    return values


def _object(element: _Element) -> dict[str, Any]:
    found: dict[str, Any] = dict(element.attributes)
    for name, value in element.children:
        if name in _REPEATED.get(element.name, ()):
            found.setdefault(name, []).append(value)
        elif name in found:
            _again(found, name, value)
        else:
            found[name] = value
    text = "".join(element.text).strip()
    if text:
        found.setdefault(_TEXT.get(element.name, "content"), text)
    return found


def _again(found: dict[str, Any], name: str, value: Any) -> None:
    """Add a second element of a name."""
    first = found[name]
    if isinstance(first, list) and isinstance(value, list):
        first.extend(value)
    elif isinstance(first, list):
        first.append(value)
    else:
        found[name] = [first, value]


def _licences(element: _Element, _: str) -> list[Any]:
    """Return licences: JSON tells a licence from an expression by the member's name."""
    return [_expression(v) if name != "license" else {name: v} for name, v in element.children]


def _expression(value: Any) -> Any:
    if not isinstance(value, dict):
        return {"expression": value}
    rest = {key: v for key, v in value.items() if key != "content"}
    return {"expression": value.get("content", "")} | rest


def _tools(element: _Element, parent: str) -> Any:
    """Return tools: a list of them until 1.4, components and services since."""
    if any(name != "tool" for name, _ in element.children):
        return _object(element)
    values = [value for _, value in element.children]
    if parent == "identity":  # references
        return [v.get("ref", "") if isinstance(v, dict) else v for v in values]
    return values


def _dependency(element: _Element, _: str) -> dict[str, Any]:
    """Return what depends on what: nested elements of one name are references."""
    found: dict[str, Any] = dict(element.attributes)
    for name, key in (("dependency", "dependsOn"), ("provides", "provides")):
        refs = [v.get("ref", "") for n, v in element.children if n == name and isinstance(v, dict)]
        if refs:
            found[key] = refs
    return found


_SPECIAL = {"licenses": _licences, "tools": _tools, "dependency": _dependency}
