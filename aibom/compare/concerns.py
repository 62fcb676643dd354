"""What deserves a look whatever was declared, as findings."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from aibom.compare import kinds
from aibom.types.concerns import Concern, ConcernKind, ConcernLevel
from aibom.types.findings import Finding, Severity
from aibom.types.inventory import Inventory

_SEVERITIES: Mapping[ConcernLevel, Severity] = {
    "dangerous": "high",
    "suspicious": "medium",
    "note": "info",
}
_REMEDIES: Mapping[ConcernKind, str] = {
    "base-mismatch": "load the adapter on the base model that it was trained for",
    "served-model-mismatch": "load what the command line names, and serve it under its own name",
    "hub-mismatch": "download it again, and find out who wrote to the cache",
    "pickle-code": "do not load it; use the same weights as safetensors",
    "layer-code": "load it with safe_mode on, or take a model without such layers",
    "custom-code": "review the code at that commit, or load without trust_remote_code",
    "chat-template": "review the template, or give the runtime one of your own",
    "outside-reference": "do not load it: it makes the runtime read files of its choice",
    "mcp-not-configured": "add it to the client's configuration, or stop it",
    "mcp-not-running": "take it out of the configuration if nobody needs it",
    "mcp-exposed": "let it listen on loopback only, or require authentication",
    "mcp-tool-text": "review the tool's description before a model reads it",
}


class _Subject(NamedTuple):
    ref: str
    name: str
    concerns: tuple[Concern, ...]
    provisional: tuple[str, ...] = ()


def concerning(inventory: Inventory, undeclared: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return a finding for each concern of the workload, its components and its services.

    ``undeclared`` are the refs of MCP servers that are a finding already, as nobody declared them:
    that a client's configuration does not name them either is the same cause.
    """
    workload = _Subject("", inventory.workload.name, inventory.concerns)
    components = (_Subject(c.ref, c.name, c.concerns, c.provisional) for c in inventory.components)
    services = (
        _Subject(s.ref, s.name, _other(s.concerns) if s.component in undeclared else s.concerns)
        for s in inventory.services
    )
    subjects: Iterable[_Subject] = (workload, *components, *services)
    return tuple(_finding(s, concern) for s in subjects for concern in s.concerns)


def _other(concerns: Iterable[Concern]) -> tuple[Concern, ...]:
    return tuple(c for c in concerns if c.kind != "mcp-not-configured")


def _finding(subject: _Subject, concern: Concern) -> Finding:
    kind = kinds.CONCERNS[concern.kind]
    return Finding(
        kind=kind,
        severity=_SEVERITIES[concern.level],
        ref=subject.ref,
        component=subject.name,
        evidence=f"{concern.path}: {concern.detail}" if concern.path else concern.detail,
        reason=kind.title,
        remedy=_REMEDIES[concern.kind],
        fingerprint=_fingerprint(kind.id, subject.ref, concern),
        earlier=tuple(
            _fingerprint(kind.id, ref, concern) for ref in subject.provisional if ref != subject.ref
        ),
    )


def _fingerprint(kind: str, ref: str, concern: Concern) -> str:
    """Return what names this finding in other runs."""
    # where a server listens may be another port in each run
    detail = "" if concern.kind == "mcp-exposed" else concern.detail
    parts = (kind, ref, detail, concern.path)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
