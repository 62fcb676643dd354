"""A first policy from what was observed: each thing by the strongest identity that it has."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from aibom.formats.net.urls import host_of
from aibom.formats.packages import purl
from aibom.formats.text import printable
from aibom.types.inventory import Component, Inventory, Service
from aibom.types.words import PLACES

#: What stands where a person has to say why.
REASON = "TODO: why this is allowed"
# a longer list of digests says no more than the commit
_MAX_FILES = 64
# YAML's plain scalars that cannot be read as anything else (yaml.org/spec/1.2.2, 7.3.3)
_PLAIN = re.compile(r"(?:pkg:)?[A-Za-z/][A-Za-z0-9@/+.%_-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

_SCHEMA = "# yaml-language-server: $schema=aibom-policy.schema.json"
_HEAD = """\
# What may run. 'aibom policy schema' prints the schema that the line above names for editors,
# 'aibom policy check' says what is still to be written, and docs/policy.md what can be said.
# A category below is complete: what it does not name is not allowed. Remove a whole category to
# say nothing about it."""

Fields = dict[str, list[str]]


def draft(inventory: Inventory, owner: str, expires: date, source: str) -> str:
    """Return a policy in YAML that allows what ``inventory`` holds, the same for the same input.

    ``owner`` answers for all of it, until ``expires``; ``source`` is what the BOM is called.
    What nothing tells from others is left out, with a comment.
    """
    end = ["      reason: " + _text(REASON), f"      expires: {expires.isoformat()}"]
    lines = [_SCHEMA, f"# Written from {printable(source, 200)}.", _HEAD]
    lines += ["version: 1", f"owner: {_text(owner)}"]
    sections = (
        ("models", _models(inventory)),
        ("packages", _packages(inventory)),
        ("mcp-servers", _servers(inventory)),
        ("model-apis", _hosts(inventory, "model-api")),
        ("sources", _sources(inventory)),
    )
    written = [line for category, entries in sections for line in _category(category, entries, end)]
    lines += ["allow:", *written] if written else ["allow: {}"]
    return "\n".join(lines) + "\n"


def _category(name: str, entries: Iterable[tuple[str, Fields]], end: list[str]) -> list[str]:
    """Return the lines of a category; none where nothing was observed that belongs to it."""
    found = list(entries)
    if not found:
        return []
    head = f"  {name}:" if any(fields for _, fields in found) else f"  {name}: []"
    return [head, *(line for comment, fields in found for line in _entry(comment, fields, end))]


def _entry(comment: str, fields: Fields, end: list[str]) -> list[str]:
    """Return the lines of one entry; without anything to name it by only the comment."""
    lines = [f"    # {printable(comment, 150)}"]
    if not fields:
        return lines
    for key, values in fields.items():
        if len(values) == 1:
            lines.append(f"      {key}: {_text(values[0])}")
        else:
            lines += [f"      {key}:", *(f"        - {_text(value)}" for value in values)]
    lines[1] = f"    - {lines[1][6:]}"
    return [*lines, *end]


def _text(value: str) -> str:
    """Return a YAML scalar that every reader takes for this text."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    # JSON's strings are YAML's double-quoted ones, but for escapes beyond the first plane
    return json.dumps(printable(value), ensure_ascii=False)


def _exact(values: Iterable[str]) -> list[str]:
    """Return values, sorted, without those that cannot be written as they are.

    A name with an asterisk would be a pattern; one with other characters than ASCII may be meant to
    look like another.
    """
    plain = (value for value in values if value.isascii() and value.isprintable())
    return sorted({value for value in plain if value and "*" not in value})


def _models(inventory: Inventory) -> Iterator[tuple[str, Fields]]:
    for component in _of(inventory, ("model", "adapter", "data")):
        fields = _content(component)
        named = purl.parts(component.purl)
        if named is not None and named.type == "huggingface" and named.version:
            repo = _exact([named.key.removeprefix("pkg:huggingface/")])
            fields = {"repo": repo, "commit": _exact([named.version])} | fields if repo else fields
        yield _called(component, fields), fields


def _content(component: Component) -> Fields:
    digests = [f.sha256 for f in component.files] or [component.sha256]
    if not all(digests) or len(digests) > _MAX_FILES:
        return {}
    return {"sha256": sorted(set(digests))}


def _called(component: Component, fields: Fields) -> str:
    place = f"{component.kind} {component.name}, from {PLACES[component.origin.kind]}"
    return place if fields else f"{place}: left out, nothing tells it from others"


def _packages(inventory: Inventory) -> Iterator[tuple[str, Fields]]:
    """Yield packages by kind and origin, as they are many."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    rest = []
    for component in _of(inventory, ("framework", "package", "agent")):
        exact = _exact([purl.comparable(component.purl)])
        if exact:
            groups[component.kind, component.origin.kind] += exact
        else:
            rest.append(component)
    for (kind, origin), purls in sorted(groups.items()):
        yield f"{kind}s from {PLACES[origin]}", {"purl": sorted(set(purls))}  # type: ignore[index]
    for component in rest:
        fields = _content(component) or _in_image(component)
        yield _called(component, fields), fields


def _in_image(component: Component) -> Fields:
    paths = [f.path for f in component.files] or [e.path for e in component.evidence]
    exact = _exact(p for p in paths if p.startswith("/"))
    whole = component.origin.kind == "image-layer" and len(exact) == len(set(paths))
    return {"path": exact} if whole and exact else {}


def _servers(inventory: Inventory) -> Iterator[tuple[str, Fields]]:
    for component in _of(inventory, ("mcp-server",)):
        named = _exact([purl.comparable(component.purl)])
        fields = {"purl": named} if named else _content(component) or _in_image(component)
        yield _called(component, fields), fields
    yield from _hosts(inventory, "mcp-endpoint")


def _of(inventory: Inventory, kinds: tuple[str, ...]) -> list[Component]:
    whole = {c.ref for c in inventory.components}
    found = (c for c in inventory.components if c.kind in kinds and c.within not in whole)
    return sorted(found, key=lambda c: (kinds.index(c.kind), c.name, c.ref))


def _sources(inventory: Inventory) -> Iterator[tuple[str, Fields]]:
    named = {v for c in inventory.components for k, v in c.properties if k == "aibom:hub"}
    if any(c.purl.startswith("pkg:huggingface/") for c in inventory.components):
        named.add("huggingface")
    for hub in _exact(named):
        yield f"models of the hub {hub}", {"hub": [hub]}
    yield from _hosts(inventory, "model-hub")
    yield from _hosts(inventory, "package-registry")


def _hosts(inventory: Inventory, role: str) -> Iterator[tuple[str, Fields]]:
    found: dict[str, set[str]] = defaultdict(set)
    for service in inventory.services:
        if service.role == role and not service.component:
            found[service.name] |= _named(service)
    for name, hosts in sorted(found.items()):
        exact = _exact(hosts)
        yield f"{role} {name}", {"host": exact} if exact else {}


def _named(service: Service) -> set[str]:
    return {host_of(endpoint) for endpoint in service.endpoints}
