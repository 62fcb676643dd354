"""Tools of MCP servers that changed since an earlier BOM: what was reviewed is not what runs."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from aibom.compare import kinds
from aibom.formats.mcp.tools import service_key, tool_hashes
from aibom.types.declared import Claim
from aibom.types.findings import Finding, Severity
from aibom.types.inventory import Inventory, Service

_REMEDY = "review the tool's definition, then keep this BOM as the one to compare with"


def changed_tools(inventory: Inventory, claims: Iterable[Claim]) -> tuple[Finding, ...]:
    """Return a finding for each tool of a server that is not what an earlier BOM saw.

    Another definition under the old name is a finding; a tool that is new or gone is a note.
    Nothing is said of servers that were not asked now, or not then.
    """
    earlier: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for claim in claims:
        for tool, sha256 in claim.tools:
            earlier[claim.service][tool].add(sha256)
    found: list[Finding] = []
    for service in inventory.services:
        now: dict[str, set[str]] = defaultdict(set)
        for tool, sha256 in tool_hashes(service.properties):
            now[tool].add(sha256)
        before = earlier.get(service_key(service.ref, service.name))
        if before and now:
            found += _compared(service, before, now)
    return tuple(found)


def _compared(
    service: Service, before: dict[str, set[str]], now: dict[str, set[str]]
) -> list[Finding]:
    found = []
    for tool in sorted({*before, *now}):
        if tool not in now:
            found.append(_finding(service, tool, "info", "was there, and is gone"))
        elif tool not in before:
            found.append(_finding(service, tool, "info", f"is new: {_said(now[tool])}"))
        elif other := now[tool] - before[tool]:  # several processes of a server may differ
            detail = f"was {_said(before[tool])} and is {_said(other)}"
            found.append(_finding(service, tool, "medium", detail))
    return found


def _said(digests: set[str]) -> str:
    return ", ".join(f"sha256:{sha256}" for sha256 in sorted(digests))


def _finding(service: Service, tool: str, severity: Severity, detail: str) -> Finding:
    kind = kinds.TOOL_CHANGED
    parts = (kind.id, service_key(service.ref, service.name), tool, detail)
    joined = "\0".join(parts).encode("utf-8", "surrogateescape")
    return Finding(
        kind=kind,
        severity=severity,
        ref=service.ref,
        component=service.name,
        evidence=f"tool {tool} {detail}",
        reason=kind.title,
        remedy=_REMEDY,
        fingerprint=hashlib.sha256(joined).hexdigest()[:32],
    )
