"""Services of a CycloneDX document to claims: MCP servers, APIs of models, places of downloads."""

from typing import Any

from aibom.declare import fields
from aibom.formats.documents import bomjson
from aibom.formats.mcp import tools as mcp_tools
from aibom.types.declared import Claim, ClaimKind

# roles of services in an earlier BOM of aibom (kinds of rules); a place that was talked to
# without a rule that names it is a place all the same
_ROLES: dict[str, ClaimKind] = {
    "mcp-server": "mcp-server",
    "mcp-endpoint": "mcp-server",
    "model-api": "model-api",
    "model-hub": "source",
    "package-registry": "source",
    "object-store": "source",
    "destination": "source",
}
# what cdxgen calls a service that speaks MCP (its properties begin with this)
_MCP = "cdx:mcp:"


def claims(document: dict[str, Any], name: str) -> list[Claim]:
    """Return what a document says of services; those that say nothing to compare are left out.

    A service of another tool is an MCP server where its properties say so, else a place with the
    hosts of its endpoints.
    """
    services = bomjson.objects(document.get("services"))
    return [claim for s in services for claim in _claims(s, name)]


def _claims(entry: dict[str, Any], document: str) -> list[Claim]:
    said = bomjson.properties(entry)
    ref, name = bomjson.text(entry, "bom-ref"), bomjson.text(entry, "name")
    hosts = fields.hosts(bomjson.strings(entry.get("endpoints")))
    found = []
    if kind := _kind(said, hosts):
        service = Claim(document=document, name=name or ref, kind=kind, ref=ref, hosts=hosts)
        found.append(service)
    if tools := mcp_tools.tool_hashes(said):
        key = mcp_tools.service_key(ref, name)
        found.append(Claim(document=document, name=name, service=key, tools=tools))
    return found


def _kind(said: list[tuple[str, str]], hosts: frozenset[str]) -> ClaimKind | None:
    role = dict(said).get("aibom:role")
    if role is not None:
        return _ROLES.get(role)
    if any(name.startswith(_MCP) for name, _ in said):
        return "mcp-server"
    return "source" if hosts else None
