"""SPDX 3 JSON-LD as elements by their id, with the relationships between them.

Source: SPDX 3.0.1, serialisation annex (one ``@context``, elements in ``@graph``, members named by
profile as ``software_packageVersion``) and the model's Core, Software, AI and Dataset profiles.
"""

import re
from collections import defaultdict
from typing import Any

from aibom.formats.documents import bomjson
from aibom.formats.source import FormatError

_CONTEXT = re.compile(r"\bspdx\.org/rdf/v?(3\.\d+(?:\.\d+)?)")


def version_of(document: dict[str, Any]) -> str:
    """Return the version of the specification that a document's context names, or ""."""
    context = document.get("@context")
    said = [context] if isinstance(context, str) else bomjson.strings(context)
    return next((m[1] for text in said if (m := _CONTEXT.search(text))), "")


# what lists elements, with the root among them (Core and Software)
_COLLECTIONS = frozenset({"SpdxDocument", "Bom", "software_Sbom"})


class Graph:
    """Elements and relationships of a document. ``elements`` keeps the document's order."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Read the graph; raises FormatError when there is none."""
        graph = document.get("@graph")
        if graph is None and "type" in document:
            graph = [document]  # a document of one element has no graph
        if not isinstance(graph, list):
            raise FormatError("@graph is not a list")
        self.elements: dict[str, dict[str, Any]] = {}
        self.odd: list[int] = []
        self._related: dict[tuple[str, str], list[str]] = defaultdict(list)
        for number, element in enumerate(graph, 1):
            if isinstance(element, dict):
                self._take(element, number)
            else:
                self.odd.append(number)

    def _take(self, element: dict[str, Any], number: int) -> None:
        kind = type_of(element)
        if kind.endswith("Relationship"):
            source, name = (bomjson.text(element, key) for key in ("from", "relationshipType"))
            self._related[source, name] += _ids(element.get("to"))
            return
        key = id_of(element) or f"element {number}"
        if key in self.elements:
            self.odd.append(number)
        self.elements.setdefault(key, element)

    def related(self, source: str, *names: str) -> tuple[str, ...]:
        """Return the ids that an element is related to in one of these ways, each once."""
        found = (target for name in names for target in self._related.get((source, name), ()))
        return tuple(dict.fromkeys(found))

    def values(self, element: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """Return the objects of a member, which may stand there or be named by their id."""
        said = element.get(name)
        entries = said if isinstance(said, list) else [said]
        found = (self.elements.get(e) if isinstance(e, str) else e for e in entries)
        return [entry for entry in found if isinstance(entry, dict)]

    def roots(self) -> list[dict[str, Any]]:
        """Return what the document is about: what its bills of materials have as their root."""
        found: dict[str, dict[str, Any]] = {}
        for collection in self.elements.values():
            if type_of(collection) not in _COLLECTIONS:
                continue
            for key in _ids(collection.get("rootElement")):
                element = self.elements.get(key, {})
                if element and type_of(element) not in _COLLECTIONS:
                    found[key] = element
        return list(found.values())


def id_of(element: dict[str, Any]) -> str:
    """Return the id of an element; blank nodes have one of JSON-LD."""
    return bomjson.text(element, "spdxId") or bomjson.text(element, "@id")


def type_of(element: dict[str, Any]) -> str:
    """Return the class of an element, as ``ai_AIPackage``."""
    return bomjson.text(element, "type") or bomjson.text(element, "@type")


def _ids(said: object) -> list[str]:
    entries = said if isinstance(said, list) else [said]
    return [e if isinstance(e, str) else id_of(e) for e in entries if isinstance(e, str | dict)]
