"""A CycloneDX document to claims: an SBOM, or an earlier BOM of aibom."""

import re
from typing import Any

from aibom.formats.documents import bomjson
from aibom.formats.mcp import tools as mcp_tools
from aibom.formats.packages import purl
from aibom.types.declared import Claim, Document

# where syft and trivy say in which file of the image they found a component
_PATH_PROPERTY = re.compile(r"^(?:syft:location:\d+:path|aquasecurity:trivy:FilePath)$")


def read(document: dict[str, Any], name: str, form: str = "JSON") -> Document:
    """Return what a CycloneDX document claims; ``name`` is how the user named its file.

    ``form`` is what it is written in. Raises FormatError saying what is wrong with it.
    """
    version = bomjson.checked(document)
    components = [_claim(component, name) for component in bomjson.components(document)]
    services = [_tools(s, name) for s in bomjson.objects(document.get("services"))]
    return Document(
        name=name,
        kind="observed" if bomjson.is_observed(document) else "sbom",
        form=f"CycloneDX {version} {form}",
        claims=(*components, *(claim for claim in services if claim.tools)),
    )


def _tools(entry: dict[str, Any], name: str) -> Claim:
    """Return the tools that an earlier BOM of aibom saw an MCP server offer."""
    said = bomjson.properties(entry)
    service = bomjson.text(entry, "bom-ref")
    return Claim(
        document=name,
        name=bomjson.text(entry, "name"),
        service=mcp_tools.service_key(service, bomjson.text(entry, "name")),
        tools=mcp_tools.tool_hashes(said),
    )


def _claim(component: dict[str, Any], name: str) -> Claim:
    digest = bomjson.sha256_of(component)
    return Claim(
        document=name,
        name=component["name"],
        version=bomjson.text(component, "version"),
        purl=purl.comparable(bomjson.text(component, "purl")),
        sha256=frozenset({digest} if digest else ()),
        paths=frozenset(_paths(component)),
    )


def _is_path(name: str) -> bool:
    return bool(_PATH_PROPERTY.match(name))


def _paths(component: dict[str, Any]) -> list[str]:
    found = [bomjson.text(o, "location") for o in bomjson.occurrences(component)]
    # trivy leaves the first slash away
    found += ["/" + v.lstrip("/") for k, v in bomjson.properties(component) if _is_path(k)]
    if component.get("type") == "file":
        found.append(component["name"])
    return [path for path in found if path.startswith("/")]
