"""Where what was promised and the observed world differ."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

Declared = Literal["true", "false", "unknown"]


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding: a word that people use, and an id that never changes."""

    name: str
    id: str
    title: str


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """An entry of a catalogue that people know: ``OWASP LLM Top 10``, ``LLM03:2025``."""

    catalogue: str
    id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Closest:
    """The declared thing that comes nearest to an observed one, and in what they differ.

    ``line`` is in ``document``, from 1; 0 where it has no lines.
    """

    document: str
    name: str
    version: str = ""
    purl: str = ""
    line: int = 0
    differs: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation. ``fingerprint`` names this instance across runs, ``ref`` the component.

    ``evidence`` is one sentence, ``chain`` the steps of it: which process held which file, from
    where that came, what wrote it. ``reason`` says why it is a finding, ``because`` why it has its
    severity. ``brings`` names other components that are here for the same cause. ``document`` is
    the declared document, or the observed one, that a reader should open first, with ``line`` in
    it (0: none). ``accepted`` is the reason of the policy's exception that covers it: such a
    finding is shown and fails nothing. ``earlier`` are fingerprints by which it may have been
    told while the content of what it is about was still being hashed.
    """

    kind: FindingKind
    severity: Severity
    ref: str
    component: str
    evidence: str
    reason: str
    remedy: str
    fingerprint: str
    because: str = ""
    chain: tuple[str, ...] = ()
    closest: Closest | None = None
    references: tuple[Reference, ...] = ()
    brings: tuple[str, ...] = ()
    document: str = ""
    line: int = 0
    accepted: str = ""
    earlier: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[str, ...]:
        """The chain, where it says more than ``evidence`` does."""
        return () if self.chain == (self.evidence,) else self.chain


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
