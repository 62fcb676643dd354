"""What a component or service is, what it is made of, and who uses it."""

from collections.abc import Iterable, Iterator
from typing import Any

from aibom.formats.documents import bomjson
from aibom.report.story.told import Entry, Told

#: Most things of one sort that are listed before the rest is counted.
MAX_LISTED = 8
_KINDS = {
    "agent": "an agent",
    "model": "a model",
    "adapter": "an adapter, which changes a model",
    "framework": "AI software",
    "package": "a package",
    "mcp-server": "an MCP server",
    "data": "data of AI software",
    "device": "hardware",
    "image": "a container image",
}
# CycloneDX component types that aibom gives no kind of its own
_TYPES = {
    "machine-learning-model": "a machine-learning model",
    "application": "an application",
    "library": "a library",
    "operating-system": "an operating system",
}
_FACTS = (
    ("aibom:format", "format"),
    ("cdx:ai-ml:model:parameter:count", "parameters"),
    ("cdx:ai-ml:model:hyperparameter:quantization", "quantization"),
    ("cdx:ai-ml:model:hyperparameter:context_length", "context length"),
)


def listed(items: Iterable[str]) -> str:
    """Return items as one list, the first few and then their number."""
    found = list(dict.fromkeys(items))
    rest = len(found) - MAX_LISTED
    shown = ", ".join(found[:MAX_LISTED])
    return f"{shown} and {rest} more" if rest > 0 else shown


def what_it_is(entry: Entry) -> Iterator[str]:
    """Yield what an entry is by itself."""
    raw = entry.raw
    version = bomjson.text(raw, "version")
    named = f"{entry.name} {version}" if version else entry.name
    yield f"{named} is {_kind(entry)}."
    if description := bomjson.text(raw, "description"):
        yield f"It is described as: {description}"
    if entry.purl:
        yield f"Its package URL is {entry.purl}"
    if digest := bomjson.sha256_of(raw):
        yield f"Its content has the SHA-256 {digest}."
    yield from _model(raw)
    if licences := listed(_licences(raw)):
        yield f"Its licence is said to be {licences}."
    if claimed := entry.first("aibom:claimed"):
        yield f"Only its own files vouch for: {claimed}."
    if entry.first("aibom:claim") == "inferred":
        yield "The evidence makes it likely, and does not prove it."
    if rule := entry.first("aibom:rule"):
        yield f"The rule {rule} names it."
    if entry.what == "service":
        yield from _service(entry)


def _kind(entry: Entry) -> str:
    if entry.what == "workload":
        kind = entry.first("aibom:workload:kind")
        return f"the workload that was observed ({kind})" if kind else "what the BOM is about"
    if entry.what == "service":
        role = entry.first("aibom:role")
        return f"a service ({role})" if role else "a service"
    said = entry.first("aibom:kind")
    type_ = bomjson.text(entry.raw, "type")
    return _KINDS.get(said) or _TYPES.get(type_) or f"a component of type {type_ or 'unknown'}"


def _model(raw: dict[str, Any]) -> Iterator[str]:
    card = bomjson.member(raw, "modelCard")
    said = dict(reversed(bomjson.properties(card)))
    parameters = bomjson.member(card, "modelParameters")
    facts = [f"{word} {said[name]}" for name, word in _FACTS if said.get(name)]
    for member, word in (("modelArchitecture", "architecture"), ("task", "task")):
        if value := bomjson.text(parameters, member):
            facts.append(f"{word} {value}")
    if facts:
        yield f"Its files say: {', '.join(facts)}."


def _licences(raw: dict[str, Any]) -> Iterator[str]:
    for choice in bomjson.objects(raw.get("licenses")):
        one = choice.get("license")
        named = (
            bomjson.text(one, "id") or bomjson.text(one, "name") if isinstance(one, dict) else ""
        )
        if text := named or bomjson.text(choice, "expression"):
            yield text


def _service(entry: Entry) -> Iterator[str]:
    endpoints = entry.raw.get("endpoints")
    if isinstance(endpoints, list) and endpoints:
        yield f"It answers at {listed(str(e) for e in endpoints)}."
    if transport := entry.first("aibom:transport"):
        yield f"It is spoken to over {transport}."
    if tools := listed(entry.said("aibom:mcp:tool")):
        yield f"Its tools: {tools}."


def made_of(told: Told, entry: Entry) -> Iterator[str]:
    """Yield what an entry was made of: bases, files, the package that it came in."""
    ancestors = bomjson.objects(bomjson.member(entry.raw, "pedigree").get("ancestors"))
    for base in ancestors[:MAX_LISTED]:
        relation = dict(bomjson.properties(base)).get("aibom:relation", "")
        how = f" ({relation})" if relation else ""
        yield f"It is made from {bomjson.text(base, 'name')}{how}, as its own files say."
    for loaded in entry.said("aibom:base:loaded")[:MAX_LISTED]:
        yield f"The base that is loaded with it is {_name(told, loaded)}."
    if within := entry.first("aibom:within"):
        yield f"It is part of {_name(told, within)}."
    parameters = bomjson.member(bomjson.member(entry.raw, "modelCard"), "modelParameters")
    names = [bomjson.text(d, "name") for d in bomjson.objects(parameters.get("datasets"))]
    if trained := listed(name for name in names if name):
        yield f"It says that it was trained on {trained}."
    yield from _files(entry)


def _files(entry: Entry) -> Iterator[str]:
    for part in entry.parts[:MAX_LISTED]:
        role = dict(bomjson.properties(part)).get("aibom:companion", "")
        what = f"Beside it lies ({role})" if role else "One of its files is"
        digest = bomjson.sha256_of(part)
        yield f"{what} {bomjson.text(part, 'name')}" + (f", SHA-256 {digest}." if digest else ".")
    if len(entry.parts) > MAX_LISTED:
        yield f"And {len(entry.parts) - MAX_LISTED} more files."


def users(told: Told, entry: Entry) -> Iterator[str]:
    """Yield who uses an entry, and what it uses."""
    if by := listed(_name(told, ref) for ref in told.used_by.get(entry.ref, ())):
        yield f"It is used by {by}."
    if used := listed(_name(told, ref) for ref in told.uses.get(entry.ref, ())):
        yield f"It uses {used}."
    for client in entry.said("aibom:client")[:MAX_LISTED]:
        yield f"It is called by {client}."
    if entry.what == "service" and (component := entry.first("aibom:component")):
        yield f"What answers is {_name(told, component)}."
    if beside := listed(_name(told, ref) for ref in entry.said("aibom:beside")):
        yield f"In the processes that talk to it were {beside}."


def _name(told: Told, ref: str) -> str:
    entry = told.by_ref.get(ref)
    if entry is None:
        return ref
    return f"{entry.name} (service)" if entry.what == "service" else entry.name
