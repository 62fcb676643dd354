"""A CycloneDX BOM back to the inventory that it was written from. Pure: the caller reads."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any, cast, get_args

from aibom.formats.documents import bomjson
from aibom.formats.text import printable
from aibom.types.concerns import Concern, ConcernKind, ConcernLevel
from aibom.types.facts import FileFacts, FileKey, Origin, OriginKind, Unseen, UnseenReason
from aibom.types.inventory import (
    Component,
    ComponentKind,
    Evidence,
    Inventory,
    Service,
    Workload,
    WorkloadKind,
)
from aibom.types.words import read_first_seen

_NO_KEY = FileKey(0, 0, 0, 0, 0)
# what a component of another tool's BOM is, by its CycloneDX type
_BY_TYPE: dict[str, ComponentKind] = {
    "machine-learning-model": "model",
    "framework": "framework",
    "data": "data",
    "container": "image",
}
_NOT_COMPARED = frozenset({"file", "operating-system", "device", "firmware", "platform"})


def inventory(data: bytes) -> Inventory:
    """Return what a BOM in ``data`` observed; BOMs of other tools are read as far as they go.

    Raises FormatError saying what is wrong with the document.
    """
    document = bomjson.load(data)
    # consumes the generator's checks of nested components, too
    for _ in bomjson.components(document):
        continue
    top = bomjson.objects(document.get("components"))
    compared = [c for c in top if bomjson.text(c, "type") not in _NOT_COMPARED]
    found = [_component(c, i) for i, c in enumerate(compared)]
    # two components of one bom-ref would share a verdict
    refs = Counter(c.ref for c in found)
    found = [replace(c, ref=f"{c.ref}#{i}") if refs[c.ref] > 1 else c for i, c in enumerate(found)]
    unseen = [_unseen(v) for k, v in bomjson.properties(document) if k == "aibom:unseen"]
    services = [_service(s) for s in bomjson.objects(document.get("services"))]
    return Inventory(
        _workload(document),
        tuple(found),
        tuple(services),
        unseen=tuple(unseen),
        concerns=_concerns(document),
        watched=_watched(document),
    )


def _watched(document: dict[str, Any]) -> int:
    """Return for how many seconds a workload was watched, 0 where that is not said."""
    metadata = document.get("metadata")
    said = dict(bomjson.properties(metadata)) if isinstance(metadata, dict) else {}
    seconds = said.get("aibom:observed:seconds", "")
    # ten digits are three hundred years
    return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 10 else 0


def _service(entry: dict[str, Any]) -> Service:
    said = dict(reversed(bomjson.properties(entry)))
    return Service(
        ref=bomjson.text(entry, "bom-ref"),
        name=bomjson.text(entry, "name"),
        component=said.get("aibom:component", ""),
        transport=said.get("aibom:transport", ""),
        role=said.get("aibom:role", ""),
        rule=said.get("aibom:rule", ""),
        properties=tuple(p for p in bomjson.properties(entry) if p[0].startswith("aibom:mcp:")),
        concerns=_concerns(entry),
    )


def _concerns(entry: dict[str, Any]) -> tuple[Concern, ...]:
    """Return the concerns of a component, a service or the document; odd ones are left out."""
    found = (_concern(v) for k, v in bomjson.properties(entry) if k == "aibom:concern")
    return tuple(concern for concern in found if concern is not None)


def _concern(value: str) -> Concern | None:
    try:
        kind, level, detail, path = map(str, json.loads(value))
    except (ValueError, TypeError, RecursionError):
        return None
    if kind not in get_args(ConcernKind) or level not in get_args(ConcernLevel):
        return None
    return Concern(cast("ConcernKind", kind), cast("ConcernLevel", level), detail, path)


def _workload(document: dict[str, Any]) -> Workload:
    metadata = document.get("metadata")
    component = metadata.get("component") if isinstance(metadata, dict) else None
    if not isinstance(component, dict):
        return Workload("processes", "")
    kind = dict(bomjson.properties(component)).get("aibom:workload:kind", "")
    return Workload(
        cast("WorkloadKind", kind) if kind in get_args(WorkloadKind) else "processes",
        bomjson.text(component, "name"),
        bomjson.text(component, "group"),
    )


def _component(entry: dict[str, Any], index: int) -> Component:
    said = dict(reversed(bomjson.properties(entry)))
    origin = Origin(
        _origin_kind(said.get("aibom:origin", "")),
        said.get("aibom:origin:detail", ""),
        replaces=said.get("aibom:origin:replaces", ""),
    )
    digest = bomjson.sha256_of(entry)
    name = entry["name"]
    type_ = bomjson.text(entry, "type")
    return Component(
        ref=bomjson.text(entry, "bom-ref") or f"component:{index}:{name}",
        kind=_kind(said.get("aibom:kind", ""), type_),
        type=type_,
        name=name,
        evidence=_evidence(entry),
        origin=origin,
        version=bomjson.text(entry, "version"),
        purl=bomjson.text(entry, "purl"),
        sha256=digest,
        role=said.get("aibom:role", ""),
        within=said.get("aibom:within", ""),
        files=_files(entry, digest, origin),
        containers=tuple(v for k, v in bomjson.properties(entry) if k == "aibom:container"),
        properties=tuple(p for p in bomjson.properties(entry) if p[0] == "aibom:arrival"),
        concerns=_concerns(entry),
    )


def _kind(said: str, type_: str) -> ComponentKind:
    if said in get_args(ComponentKind):
        return cast("ComponentKind", said)
    return _BY_TYPE.get(type_, "package")


def _origin_kind(said: str) -> OriginKind:
    return cast("OriginKind", said) if said in get_args(OriginKind) else "unknown"


def _evidence(entry: dict[str, Any]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            how=bomjson.text(o, "additionalContext"),
            path=bomjson.text(o, "location"),
            process="",
            pid=0,
            technique="manifest-analysis",
            confidence=0,
            first_seen=read_first_seen(bomjson.text(o, "additionalContext")),
        )
        for o in bomjson.occurrences(entry)
    )


def _files(entry: dict[str, Any], digest: str, origin: Origin) -> tuple[FileFacts, ...]:
    parts = bomjson.objects(entry.get("components"))
    # what lies beside a model's weights is not what it is compared by
    nested = [c for c in parts if c.get("type") == "file" and not _is_companion(c)]
    if nested:
        return tuple(
            FileFacts(
                bomjson.text(c, "name"),
                _NO_KEY,
                Origin(_origin_kind(dict(bomjson.properties(c)).get("aibom:origin", ""))),
                bomjson.sha256_of(c),
            )
            for c in nested
        )
    if entry.get("type") != "machine-learning-model":
        return ()
    paths = dict.fromkeys(bomjson.text(o, "location") for o in bomjson.occurrences(entry))
    return tuple(FileFacts(path, _NO_KEY, origin, digest) for path in paths if path)


def _is_companion(entry: dict[str, Any]) -> bool:
    return any(name == "aibom:companion" for name, _ in bomjson.properties(entry))


def _unseen(value: str) -> Unseen:
    try:
        reason, subject, detail, remedy = map(str, json.loads(value))
    except (ValueError, TypeError, RecursionError):
        return Unseen("unreadable", "a record of what was not seen", printable(value, 200))
    known = reason in get_args(UnseenReason)
    return Unseen(cast("UnseenReason", reason if known else "unreadable"), subject, detail, remedy)
