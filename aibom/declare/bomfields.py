"""What fields of a CycloneDX component mean, the same for an SBOM and for an observed BOM."""

from collections.abc import Iterable
from typing import Any, Literal, cast, get_args

from aibom.declare import fields
from aibom.formats.documents import bomjson
from aibom.types.inventory import ComponentKind

Kind = ComponentKind | Literal[""]

# CycloneDX component types that say what kind of thing it is (JSON reference, component.type)
_BY_TYPE: dict[str, ComponentKind] = {
    "machine-learning-model": "model",
    "framework": "framework",
    "library": "package",
    "data": "data",
    "container": "image",
    "device": "device",
}
# what other tools say of components that CycloneDX has no type for
_BY_PROPERTY: dict[tuple[str, str], ComponentKind] = {
    ("agent-bom:type", "ai-agent"): "agent",
    ("agent-bom:type", "mcp-server"): "mcp-server",
}
# property taxonomy of CycloneDX, cdx:ai-ml: a model that is tuned by an adapter
_TUNING = "cdx:ai-ml:model:parameter:tune_methods"
# k8s-aibom's word for a volume, which it lists as data, before and since its 1.7
_VOLUMES = frozenset({"volume.name", "k8s-aibom:volume:name"})


def kind(component: dict[str, Any]) -> Kind:
    """Return what kind of thing a component is, as its BOM says; "" where that is not said."""
    pairs = bomjson.properties(component)
    said = dict(pairs)
    own = said.get("aibom:kind", "")
    if own in get_args(ComponentKind):
        return cast("ComponentKind", own)
    if plain := next((_BY_PROPERTY[p] for p in pairs if p in _BY_PROPERTY), None):
        return plain
    found: Kind = _BY_TYPE.get(bomjson.text(component, "type"), "")
    if found in ("", "package"):
        return fields.kind_of(bomjson.text(component, "purl")) or found
    if found == "model" and _is_adapter(component):
        return "adapter"
    return "" if found == "data" and not _VOLUMES.isdisjoint(said) else found


def _is_adapter(component: dict[str, Any]) -> bool:
    """Say whether a model says that it is only what tunes another one.

    A model that is whole lists how it was tuned as well; an adapter names LoRA and the like.
    """
    card = bomjson.member(component, "modelCard")
    said = dict(bomjson.properties(component)) | dict(bomjson.properties(card))
    return said.get(_TUNING, "").lower() in ("lora", "alora", "qlora", "adapter")


def licence(component: dict[str, Any]) -> str:
    """Return the licence of a component, as an SPDX expression where it can be one.

    Of several, those that somebody declared count before those that somebody concluded
    (CycloneDX 1.6, license.acknowledgement).
    """
    entries = bomjson.objects(component.get("licenses"))
    declared = [e for e in entries if _acknowledged(e) == "declared"]
    return fields.licence(_licences(declared)) or fields.licence(_licences(entries))


def _acknowledged(entry: dict[str, Any]) -> str:
    return bomjson.text(bomjson.member(entry, "license"), "acknowledgement") or bomjson.text(
        entry, "acknowledgement"
    )


def _licences(entries: Iterable[dict[str, Any]]) -> Iterable[str]:
    for entry in entries:
        named = bomjson.member(entry, "license")
        yield (
            bomjson.text(entry, "expression")
            or bomjson.text(named, "id")
            or bomjson.text(named, "name")
        )


def base_models(component: dict[str, Any]) -> tuple[str, ...]:
    """Return the models that one was made of, by its pedigree: repository ids, else names."""
    ancestors = bomjson.objects(bomjson.member(component, "pedigree").get("ancestors"))
    if kind(component) not in ("model", "adapter"):
        return ()
    return tuple(dict.fromkeys(filter(None, map(model_name, ancestors))))


def model_name(ancestor: dict[str, Any]) -> str:
    """Return what an ancestor is called: the reference or repository that it names, else a name."""
    said = dict(bomjson.properties(ancestor)).get("aibom:reference", "")
    name = bomjson.text(ancestor, "name")
    group = bomjson.text(ancestor, "group")
    full = f"{group}/{name}" if group and name else name
    return said or fields.repository(bomjson.text(ancestor, "purl")) or full


def is_companion(part: dict[str, Any]) -> bool:
    """Say whether a nested file lies beside a model's weights and is not its content."""
    return any(name == "aibom:companion" for name, _ in bomjson.properties(part))


def is_content(part: dict[str, Any], parent: dict[str, Any] | None) -> bool:
    """Say whether a nested component is a file of the model that it is nested in."""
    return (
        parent is not None
        and part.get("type") == "file"
        and parent.get("type") == "machine-learning-model"
    )


def requires(document: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return by bom-ref the refs that it depends on, as the document's graph has them."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in bomjson.objects(document.get("dependencies")):
        ref = bomjson.text(entry, "ref")
        targets = bomjson.strings(entry.get("dependsOn"))
        if ref and targets:
            found[ref] = tuple(dict.fromkeys((*found.get(ref, ()), *targets)))
    return found
