"""The parts of CycloneDX that cyclonedx-python-lib does not write: added to its JSON by bom-ref."""

from collections.abc import Mapping
from typing import Any

from aibom import __version__
from aibom.formats.text import printable
from aibom.report import findingparts
from aibom.types.findings import Finding
from aibom.types.inventory import Component, Inventory, ModelDetails
from aibom.types.model import ChatTemplate
from aibom.types.words import magnitude, said

# CycloneDX property taxonomy, namespace cdx:ai-ml
_PARAMETERS = "cdx:ai-ml:model:parameter:count"
_TUNING = "cdx:ai-ml:model:parameter:tune_methods"
_CONTEXT = "cdx:ai-ml:model:hyperparameter:context_length"
_QUANTIZATION = "cdx:ai-ml:model:hyperparameter:quantization"
_CHAT_TEMPLATE = "cdx:ai-ml:model:template:chat"


def settle_order(document: dict[str, Any]) -> None:
    """Sort what the library leaves in an order that differs from run to run."""
    for component in document.get("components", []):
        occurrences = component.get("evidence", {}).get("occurrences", [])
        occurrences.sort(key=lambda o: (o["location"], o.get("additionalContext", "")))
        ancestors = component.get("pedigree", {}).get("ancestors", [])
        ancestors.sort(key=lambda a: a["name"])


def add_model_cards(document: dict[str, Any], inventory: Inventory) -> None:
    """Give every model component of ``document`` its modelCard."""
    models = {printable(c.ref): c for c in inventory.components if c.model is not None}
    for entry in document.get("components", []):
        component = models.get(entry.get("bom-ref"))
        if component is not None and component.model is not None:
            entry["modelCard"] = _model_card(component, component.model)


def _model_card(component: Component, model: ModelDetails) -> dict[str, Any]:
    card: dict[str, Any] = {}
    if parameters := _model_parameters(model):
        card["modelParameters"] = parameters
    pairs = [
        (_PARAMETERS, magnitude(model.parameters) if model.parameters is not None else ""),
        (_TUNING, _tuning(component, model)),
        (_CONTEXT, str(model.context_length or "")),
        (_QUANTIZATION, model.quantization),
        (_CHAT_TEMPLATE, next((t.sha256 for t in model.templates if t.name == "default"), "")),
        ("aibom:format", model.format),
        ("aibom:format:version", model.format_version),
        ("aibom:parameters", "" if model.parameters is None else str(model.parameters)),
        ("aibom:tensors", "" if model.tensors is None else str(model.tensors)),
    ]
    pairs += [(f"aibom:header:{name}", value) for name, value in model.properties]
    pairs += [("aibom:pickle:global", name) for name in model.unsafe_globals]
    pairs += [("aibom:chat-template", _template(t)) for t in model.templates]
    card["properties"] = [
        {"name": printable(name), "value": printable(value)} for name, value in pairs if value
    ]
    return card


def _model_parameters(model: ModelDetails) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    if model.task:
        parameters["task"] = printable(model.task)
    if model.architecture:
        parameters["modelArchitecture"] = printable(model.architecture)
    if model.datasets:
        names = sorted(set(model.datasets))
        parameters["datasets"] = [{"type": "dataset", "name": printable(n)} for n in names]
    return parameters


def _template(template: ChatTemplate) -> str:
    place = f" in {template.path}" if template.path else ""
    return f"{template.name} sha256:{template.sha256}, {template.length} bytes{place}"


def _tuning(component: Component, model: ModelDetails) -> str:
    if component.kind != "adapter":
        return ""
    peft = dict(model.properties).get("peft.type", "").lower()
    return peft if peft in ("lora", "alora", "qlora", "prompt") else peft or "adapter"


def add_dependencies(document: dict[str, Any], inventory: Inventory, root: str) -> None:
    """Write the dependency graph: the workload on everything in it, then the links."""
    within = {c.ref for c in inventory.components if c.within}
    targets: dict[str, set[str]] = {printable(c.ref): set() for c in inventory.components}
    targets |= {printable(s.ref): set() for s in inventory.services}
    top = {printable(c.ref) for c in inventory.components if c.ref not in within}
    top |= {printable(s.ref) for s in inventory.services}
    for link in inventory.links:
        targets[printable(link.source)].add(printable(link.target))
    # a part whose package is not here hangs from the workload after all
    linked = {target for found in targets.values() for target in found}
    top |= {printable(ref) for ref in within} - linked
    graph = {root: top} | targets
    document["dependencies"] = [
        {"ref": ref, "dependsOn": sorted(found)} if found else {"ref": ref}
        for ref, found in sorted(graph.items())
    ]


def add_unseen(document: dict[str, Any], inventory: Inventory, root: str, when: str) -> None:
    """Say what could not be seen: the assembly is incomplete, and why, one note per record."""
    aggregate = "incomplete" if inventory.unseen else "unknown"
    document["compositions"] = [{"aggregate": aggregate, "assemblies": [root]}]
    # of several processes the same may be said
    for text in dict.fromkeys(f"unseen: {said(record)}" for record in inventory.unseen):
        _annotate(document, [root], text, when)


def add_findings(
    document: dict[str, Any], findings: tuple[Finding, ...], root: str, when: str
) -> None:
    """Annotate the component or service of each finding with it, for people and for tools.

    What concerns the workload as a whole goes to ``root``.
    """
    entries: Mapping[str, dict[str, Any]] = {
        entry["bom-ref"]: entry
        for entry in (
            document["metadata"]["component"],
            *document.get("components", []),
            *document.get("services", []),
        )
    }
    for finding in findings:
        ref = printable(finding.ref) or root
        _annotate(document, [ref], findingparts.sentence(finding), when)
        entries[ref].setdefault("properties", []).extend(
            {"name": name, "value": value} for name, value in findingparts.written(finding)
        )


def _annotate(document: dict[str, Any], subjects: list[str], text: str, when: str) -> None:
    document.setdefault("annotations", []).append(
        {
            "subjects": subjects,
            "annotator": {
                "component": {"type": "application", "name": "aibom", "version": __version__}
            },
            "timestamp": when,
            "text": printable(text, 16_384),
        }
    )
