"""package.json of Node.js packages (docs.npmjs.com, package.json)."""

import re
from typing import NamedTuple

from aibom.formats.jsontext import load_object, object_of, strings, text_of

#: Most names of dependencies that are taken from one package.json.
MAX_REQUIREMENTS = 1_000
# npm's rule for names, upper case allowed as in old packages
_NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]{1,214}")


class PackageJson(NamedTuple):
    """The fields of a package.json that aibom uses; empty where they are missing or odd.

    ``mcp_name`` is the server's name in the MCP registry, where the package says one. What is
    ``private`` is in no registry, whatever its name.
    """

    name: str
    version: str
    licence: str
    description: str
    dependencies: tuple[str, ...]
    keywords: tuple[str, ...]
    mcp_name: str
    private: bool


def parse(data: bytes) -> PackageJson | None:
    """Return the fields of a package.json, or None when it is broken or has no name."""
    document = load_object(data)
    if document is None or not _NAME.fullmatch(text_of(document, "name")):
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
        private=document.get("private") is True,
    )


def requirements(data: bytes) -> tuple[str, ...] | None:
    """Return the names that a package.json says are loaded at run time, sorted.

    ``dependencies`` and ``optionalDependencies``, of a private package too, which need have no
    name. None for what only marks a folder (``{"type": "module"}``), and for a broken file.
    """
    document = load_object(data)
    if document is None or not ("name" in document or "dependencies" in document):
        return None
    said = {**object_of(document, "dependencies"), **object_of(document, "optionalDependencies")}
    return tuple(sorted(name for name in said if _NAME.fullmatch(name)))[:MAX_REQUIREMENTS]
