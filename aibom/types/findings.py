"""What was promised, and where it and the observed world differ."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

Declared = Literal["true", "false", "unknown"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a document says should be there.

    ``sha256`` are lower-case hex digests, ``purl`` is normalised, ``paths`` are absolute paths
    in the image. ``document`` is the name of the file that says so. ``service`` names an MCP server
    whatever its version, and ``tools`` are those that it had, by name with the SHA-256 of their
    definition; such a claim promises no component.
    """

    document: str
    name: str
    version: str = ""
    purl: str = ""
    sha256: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    service: str = ""
    tools: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding: a word that people use, and an id that never changes."""

    name: str
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation. ``fingerprint`` names this instance across runs, ``ref`` the component."""

    kind: FindingKind
    severity: Severity
    ref: str
    component: str
    evidence: str
    reason: str
    remedy: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison says of one component, and by which claim."""

    ref: str
    declared: Declared
    reason: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The comparison of one inventory with everything that was promised."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
