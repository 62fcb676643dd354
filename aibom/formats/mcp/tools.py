"""Tools of MCP servers: their definitions hashed, their texts searched for hidden words.

Protocol: modelcontextprotocol.io, specification 2025-11-25 and 2026-07-28, server/tools.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from aibom.formats.text import printable
from aibom.types.mcp import TextRule
from aibom.types.mcpfacts import McpTool

#: Most characters of all texts of one tool that are searched; real ones have some thousand.
MAX_TEXT = 200_000
#: The property of a service that names one of its tools, as ``NAME sha256:HEX``.
TOOL = "aibom:mcp:tool"
_MAX_DEPTH = 30
_SHA256 = re.compile(r"[0-9a-f]{64}")


def tool_of(definition: dict[str, Any], texts: Iterable[TextRule]) -> McpTool:
    """Return a tool with the SHA-256 of its whole definition, and what is odd in its texts."""
    found = suspicions("\n".join(_texts(definition)), texts)
    return McpTool(printable(str(definition.get("name", "")), 200), digest(definition), found)


def digest(definition: dict[str, Any]) -> str:
    """Return the SHA-256 in hex of a definition in canonical JSON.

    Sorted keys and no white space, as RFC 8785 has it; numbers stay as Python writes them. What
    a client reads decides, so fields beside the schema count as well.
    """
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def tool_hashes(properties: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return name and SHA-256 of the tools that a service's properties in a BOM name, sorted."""
    values = (value for name, value in properties if name == TOOL)
    pairs = (value.rpartition(" sha256:") for value in values)
    return tuple(sorted({(name, sha) for name, _, sha in pairs if name and _SHA256.fullmatch(sha)}))


def service_key(ref: str, name: str) -> str:
    """Return what names an MCP server whatever its version: the purl without it, else its name.

    A script's reference is made of its content, so that it has to be known by its name.
    """
    purl = ref.removeprefix("service:")
    return purl.rpartition("@")[0] if purl.startswith("pkg:") and "@" in purl else name


def suspicions(text: str, rules: Iterable[TextRule]) -> tuple[str, ...]:
    """Return what the rules find in a text, as the rules' names with the words, sorted."""
    text = text[:MAX_TEXT]
    found = []
    for rule in rules:
        match = next((m for p in rule.patterns if (m := p.search(text))), None)
        if match is not None:
            found.append(f"{rule.name}: {printable(match[0].strip(), 80)}")
    return tuple(sorted(found))


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield all strings of a JSON value, names of members included."""
    if isinstance(value, str):
        yield value
    elif depth < _MAX_DEPTH:
        children = value if isinstance(value, list) else []
        if isinstance(value, dict):
            children = [part for pair in value.items() for part in pair]
        for child in children:
            yield from _texts(child, depth + 1)
