"""A CycloneDX BOM back to the inventory that it was written from. Pure: the caller reads."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast, get_args

from aibom.declare import bomfields, observedparts
from aibom.formats.documents import bomjson, bomxml, jsondoc
from aibom.formats.text import printable
from aibom.types.inventory import (
    Component,
    Inventory,
    Link,
    Service,
    Workload,
    WorkloadKind,
)
from aibom.types.unseen import Unseen, UnseenReason

# what describes the system that things run on, and no thing that was loaded
_NOT_COMPARED = frozenset({"file", "operating-system", "device", "firmware", "platform"})


def inventory(data: bytes) -> Inventory:
    """Return what a BOM in ``data`` observed, in JSON or XML; other tools' as far as they go.

    Raises FormatError saying what is wrong with the document.
    """
    document = load(data)
    unseen = [_unseen(v) for k, v in bomjson.properties(document) if k == "aibom:unseen"]
    components = _components(document, unseen)
    services = tuple(map(observedparts.service, bomjson.objects(document.get("services"))))
    return Inventory(
        _workload(document),
        components,
        services,
        links=_links(document, components, services),
        unseen=tuple(unseen),
        concerns=observedparts.concerns(document),
        watched=_watched(document),
    )


def _watched(document: dict[str, Any]) -> int:
    """Return for how many seconds a workload was watched, 0 where that is not said."""
    metadata = document.get("metadata")
    said = dict(bomjson.properties(metadata)) if isinstance(metadata, dict) else {}
    seconds = said.get("aibom:observed:seconds", "")
    # ten digits are three hundred years
    return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 10 else 0


def load(data: bytes) -> dict[str, Any]:
    """Return a BOM as the values of its JSON form. Raises FormatError."""
    if jsondoc.head(data).startswith("<"):
        document = bomxml.load(data)
        bomjson.checked(document)
        return document
    return bomjson.load(data)


def _components(document: dict[str, Any], unseen: list[Unseen]) -> tuple[Component, ...]:
    """Return all components, nested ones too; a file belongs to the model that it is nested in."""
    found = []
    for part in bomjson.parts(document):
        entry = part.value
        if not isinstance(entry, dict):
            subject = f"component {part.number} of the BOM"
            unseen.append(Unseen("unreadable", subject, "it is not an object"))
        elif bomjson.text(entry, "type") not in _NOT_COMPARED:
            found.append(observedparts.component(entry, part.number))
    # two components of one bom-ref would share a verdict
    refs = Counter(c.ref for c in found)
    return tuple(
        replace(c, ref=f"{c.ref}#{i}") if refs[c.ref] > 1 else c for i, c in enumerate(found)
    )


def _links(
    document: dict[str, Any], components: Iterable[Component], services: Iterable[Service]
) -> tuple[Link, ...]:
    """Return who depends on whom among what is here; the workload itself is no end."""
    known = {c.ref for c in components} | {s.ref for s in services}
    graph = bomfields.requires(document)
    return tuple(
        sorted(
            Link(source, target)
            for source, targets in graph.items()
            if source in known
            for target in targets
            if target in known
        )
    )


def _workload(document: dict[str, Any]) -> Workload:
    component = bomjson.member(bomjson.member(document, "metadata"), "component")
    said = dict(bomjson.properties(component))
    kind = said.get("aibom:workload:kind", "")
    if kind not in get_args(WorkloadKind):
        kind = "container" if component.get("type") == "container" else "processes"
    return Workload(
        cast("WorkloadKind", kind),
        bomjson.text(component, "name"),
        said.get("aibom:workload:namespace", "") or bomjson.text(component, "group"),
        said.get("aibom:workload:uid", ""),
    )


def _unseen(value: str) -> Unseen:
    try:
        reason, subject, detail, remedy = map(str, json.loads(value))
    except (ValueError, TypeError, RecursionError):
        return Unseen("unreadable", "a record of what was not seen", printable(value, 200))
    known = reason in get_args(UnseenReason)
    return Unseen(cast("UnseenReason", reason if known else "unreadable"), subject, detail, remedy)
