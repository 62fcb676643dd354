"""Components and services of a CycloneDX BOM as what was observed; see ``observed``."""

import json
from typing import Any, cast, get_args

from aibom.declare import bomfields
from aibom.formats.documents import bomjson
from aibom.types.concerns import Concern, ConcernKind, ConcernLevel
from aibom.types.files import NO_KEY, FileFacts, Origin, OriginKind
from aibom.types.inventory import Component, Evidence, ModelDetails, Service
from aibom.types.model import BaseModel
from aibom.types.words import read_first_seen

# how it arrived, and where a hub's cache says that it is from, which policies ask about
_TOLD = ("aibom:arrival", "aibom:hub", "aibom:requested")


def component(entry: dict[str, Any], number: int) -> Component:
    """Return one component; ``number`` makes a reference for one that has none."""
    said = dict(reversed(bomjson.properties(entry)))
    origin = Origin(
        origin_kind(said.get("aibom:origin", "")),
        said.get("aibom:origin:detail", ""),
        replaces=said.get("aibom:origin:replaces", ""),
    )
    digest = bomjson.sha256_of(entry)
    name = bomjson.text(entry, "name") or bomjson.text(entry, "purl") or f"component {number}"
    type_ = bomjson.text(entry, "type")
    return Component(
        ref=bomjson.text(entry, "bom-ref") or f"component:{number}:{name}",
        kind=bomfields.kind(entry) or "package",
        type=type_,
        name=name,
        evidence=_evidence(entry),
        origin=origin,
        version=bomjson.text(entry, "version"),
        purl=bomjson.text(entry, "purl"),
        publisher=bomjson.text(entry, "publisher"),
        description=bomjson.text(entry, "description"),
        licence=bomfields.licence(entry),
        sha256=digest,
        rule=said.get("aibom:rule", ""),
        role=said.get("aibom:role", ""),
        inferred=said.get("aibom:claim") == "inferred",
        claimed=tuple(filter(None, said.get("aibom:claimed", "").split(", "))),
        within=said.get("aibom:within", ""),
        files=_files(entry, digest, origin),
        containers=tuple(v for k, v in bomjson.properties(entry) if k == "aibom:container"),
        model=_model(entry),
        properties=tuple(p for p in bomjson.properties(entry) if p[0].startswith(_TOLD)),
        concerns=concerns(entry),
    )


def service(entry: dict[str, Any]) -> Service:
    """Return one service, with what aibom said of it."""
    pairs = bomjson.properties(entry)
    said = dict(reversed(pairs))
    authenticated = entry.get("authenticated")
    return Service(
        ref=bomjson.text(entry, "bom-ref"),
        name=bomjson.text(entry, "name"),
        component=said.get("aibom:component", ""),
        transport=said.get("aibom:transport", ""),
        endpoints=tuple(bomjson.strings(entry.get("endpoints"))),
        clients=tuple(v for k, v in pairs if k == "aibom:client"),
        role=said.get("aibom:role", ""),
        rule=said.get("aibom:rule", ""),
        provider=bomjson.text(bomjson.member(entry, "provider"), "name"),
        named_by=tuple(v for k, v in pairs if k == "aibom:named-by"),
        beside=tuple(v for k, v in pairs if k == "aibom:beside"),
        outside=entry.get("x-trust-boundary") is True,
        authenticated=authenticated if isinstance(authenticated, bool) else None,
        properties=tuple(p for p in pairs if p[0].startswith("aibom:mcp:")),
        concerns=concerns(entry),
    )


def concerns(entry: dict[str, Any]) -> tuple[Concern, ...]:
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


def origin_kind(said: str) -> OriginKind:
    """Return an origin that a property names, if it is one."""
    return cast("OriginKind", said) if said in get_args(OriginKind) else "unknown"


def _model(entry: dict[str, Any]) -> ModelDetails | None:
    """Return what a model's card and pedigree say of it."""
    card = bomjson.member(entry, "modelCard")
    bases = _bases(entry)
    if not card and not bases:
        return None
    said = dict(reversed(bomjson.properties(card)))
    parameters = bomjson.member(card, "modelParameters")
    datasets = bomjson.objects(parameters.get("datasets"))
    return ModelDetails(
        format=said.get("aibom:format", ""),
        format_version=said.get("aibom:format:version", ""),
        architecture=bomjson.text(parameters, "modelArchitecture"),
        parameters=_number(said.get("aibom:parameters", "")),
        quantization=said.get("cdx:ai-ml:model:hyperparameter:quantization", ""),
        tensors=_number(said.get("aibom:tensors", "")),
        context_length=_number(said.get("cdx:ai-ml:model:hyperparameter:context_length", "")),
        base_models=bases,
        datasets=tuple(filter(None, (bomjson.text(d, "name") for d in datasets))),
        task=bomjson.text(parameters, "task"),
    )


def _bases(entry: dict[str, Any]) -> tuple[BaseModel, ...]:
    names = bomfields.base_models(entry)
    ancestors = bomjson.objects(bomjson.member(entry, "pedigree").get("ancestors"))
    relations = {
        bomfields.model_name(a): dict(bomjson.properties(a)).get("aibom:relation", "")
        for a in ancestors
    }
    return tuple(BaseModel(name, name, relations.get(name, "")) for name in names)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


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
    # what lies beside a model's weights is not what it is compared by
    nested = [
        part
        for part in bomjson.objects(entry.get("components"))
        if part.get("type") == "file" and not bomfields.is_companion(part)
    ]
    if nested:
        return tuple(_file(part) for part in nested)
    if entry.get("type") != "machine-learning-model":
        return ()
    paths = dict.fromkeys(bomjson.text(o, "location") for o in bomjson.occurrences(entry))
    return tuple(FileFacts(path, NO_KEY, origin, digest) for path in paths if path)


def _file(part: dict[str, Any]) -> FileFacts:
    origin = Origin(origin_kind(dict(bomjson.properties(part)).get("aibom:origin", "")))
    return FileFacts(bomjson.text(part, "name"), NO_KEY, origin, bomjson.sha256_of(part))
