"""package.json of Node.js packages (docs.npmjs.com, package.json)."""

from typing import NamedTuple

from aibom.formats.jsontext import load_object, strings, text_of


class PackageJson(NamedTuple):
    """The fields of a package.json that aibom uses; empty where they are missing or odd.

    ``mcp_name`` is the server's name in the MCP registry, where the package says one.
    """

    name: str
    version: str
    licence: str
    description: str
    dependencies: tuple[str, ...]
    keywords: tuple[str, ...]
    mcp_name: str


def parse(data: bytes) -> PackageJson | None:
    """Return the fields of a package.json, or None when it is broken or has no name."""
    document = load_object(data)
    if document is None or not text_of(document, "name"):
        return None
    dependencies = document.get("dependencies")
    licence = document.get("license")
    return PackageJson(
        name=text_of(document, "name"),
        version=text_of(document, "version"),
        licence=licence[:200] if isinstance(licence, str) else "",
        description=text_of(document, "description"),
        dependencies=tuple(sorted(map(str, dependencies)))[:1000]
        if isinstance(dependencies, dict)
        else (),
        keywords=strings(document.get("keywords")),
        mcp_name=text_of(document, "mcpName"),
    )
