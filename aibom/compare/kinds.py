"""Every kind of finding, with the id by which tools know it. An id never changes its meaning."""

from aibom.types.concerns import ConcernKind
from aibom.types.findings import FindingKind
from aibom.types.inventory import ComponentKind

UNDECLARED: dict[ComponentKind, FindingKind] = {
    "model": FindingKind("undeclared-model", "AIBOM-101", "Model that nobody declared"),
    "adapter": FindingKind("undeclared-adapter", "AIBOM-102", "Adapter that nobody declared"),
    "framework": FindingKind("undeclared-framework", "AIBOM-103", "Framework nobody declared"),
    "package": FindingKind("undeclared-package", "AIBOM-104", "Package that nobody declared"),
    "mcp-server": FindingKind("undeclared-mcp-server", "AIBOM-105", "MCP server nobody declared"),
    "data": FindingKind("undeclared-data", "AIBOM-106", "AI data that nobody declared"),
    "agent": FindingKind("undeclared-agent", "AIBOM-107", "Agent that nobody declared"),
}
NOT_IN_SBOM = FindingKind("not-in-sbom", "AIBOM-201", "In the image, but not in its SBOM")
OUTSIDE_IMAGE = FindingKind("outside-image", "AIBOM-301", "Declared, but not from the image")

TOOL_CHANGED = FindingKind("mcp-tool-changed", "AIBOM-505", "MCP tool that is not what it was")

CONCERNS: dict[ConcernKind, FindingKind] = {
    "base-mismatch": FindingKind("base-mismatch", "AIBOM-302", "Adapter on another base model"),
    "served-model-mismatch": FindingKind(
        "served-model-mismatch", "AIBOM-303", "Command line and loaded model say different things"
    ),
    "hub-mismatch": FindingKind(
        "hub-mismatch", "AIBOM-304", "Not what the hub's cache says it downloaded"
    ),
    "pickle-code": FindingKind("pickle-code", "AIBOM-401", "Pickle that runs code"),
    "layer-code": FindingKind("layer-code", "AIBOM-402", "Model whose layers carry code"),
    "custom-code": FindingKind("custom-code", "AIBOM-403", "Model that brings its own code"),
    "chat-template": FindingKind("chat-template", "AIBOM-404", "Chat template that does more"),
    "outside-reference": FindingKind(
        "outside-reference", "AIBOM-405", "Model that names files outside of its folder"
    ),
    "mcp-not-configured": FindingKind(
        "mcp-not-configured", "AIBOM-501", "MCP server that no configuration names"
    ),
    "mcp-not-running": FindingKind(
        "mcp-not-running", "AIBOM-502", "MCP server that is configured and does not run"
    ),
    "mcp-exposed": FindingKind("mcp-exposed", "AIBOM-503", "MCP server open to others"),
    "mcp-tool-text": FindingKind("mcp-tool-text", "AIBOM-504", "MCP tool with hidden instructions"),
}
