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
UNDECLARED_API = FindingKind(
    "undeclared-model-api", "AIBOM-108", "API of a model that nobody declared"
)
UNDECLARED_SOURCE = FindingKind(
    "undeclared-download-source", "AIBOM-109", "Download from a place that nobody declared"
)

NOT_IN_SBOM = FindingKind("not-in-sbom", "AIBOM-201", "In the image, but not in its SBOM")
DIFFERENT_VERSION = FindingKind("different-version", "AIBOM-202", "Declared in another version")
DIFFERENT_REVISION = FindingKind(
    "different-revision", "AIBOM-203", "Declared at another commit of its repository"
)
DIFFERENT_CONTENT = FindingKind("different-content", "AIBOM-204", "Declared with another content")
DIFFERENT_LICENCE = FindingKind("different-licence", "AIBOM-205", "Declared with another licence")
DIFFERENT_BASE = FindingKind(
    "different-base-model", "AIBOM-206", "Declared as made of another base model"
)
OUTSIDE_IMAGE = FindingKind("outside-image", "AIBOM-301", "Declared, but not from the image")

MODIFIED = FindingKind(
    "modified-in-container", "AIBOM-305", "Not the content that the image has at this path"
)

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

NOT_LOADED = FindingKind("declared-not-loaded", "AIBOM-601", "Declared, and not seen to be loaded")
UNVERIFIABLE = FindingKind("unverifiable", "AIBOM-602", "Could not be compared")

FORBIDDEN = FindingKind("forbidden", "AIBOM-701", "Forbidden by the policy")
NOT_ALLOWED = FindingKind("not-allowed", "AIBOM-702", "Not among what the policy allows")
EXCEPTION_EXPIRED = FindingKind("exception-expired", "AIBOM-703", "Exception that has expired")
EXCEPTION_UNUSED = FindingKind(
    "exception-unused", "AIBOM-704", "Exception that covers nothing any more"
)


def every() -> tuple[FindingKind, ...]:
    """Return every kind of finding, by id."""
    known = [kind for kind in globals().values() if isinstance(kind, FindingKind)]
    return tuple(sorted((*known, *UNDECLARED.values(), *CONCERNS.values()), key=lambda k: k.id))
