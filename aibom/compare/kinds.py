"""Every kind of finding, with the id by which tools know it. An id never changes its meaning."""

from aibom.types.findings import FindingKind
from aibom.types.inventory import ComponentKind

UNDECLARED: dict[ComponentKind, FindingKind] = {
    "model": FindingKind("undeclared-model", "AIBOM-101", "Model that nobody declared"),
    "adapter": FindingKind("undeclared-adapter", "AIBOM-102", "Adapter that nobody declared"),
    "framework": FindingKind("undeclared-framework", "AIBOM-103", "Framework nobody declared"),
    "package": FindingKind("undeclared-package", "AIBOM-104", "Package that nobody declared"),
    "mcp-server": FindingKind("undeclared-mcp-server", "AIBOM-105", "MCP server nobody declared"),
    "data": FindingKind("undeclared-data", "AIBOM-106", "AI data that nobody declared"),
}
NOT_IN_SBOM = FindingKind("not-in-sbom", "AIBOM-201", "In the image, but not in its SBOM")
OUTSIDE_IMAGE = FindingKind("outside-image", "AIBOM-301", "Declared, but not from the image")
