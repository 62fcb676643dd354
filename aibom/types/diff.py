"""A comparison as it is written out: everything that a format may want to say."""

from dataclasses import dataclass, field
from typing import Literal

from aibom.types.declared import Document
from aibom.types.findings import SEVERITIES, Assessment, Finding, FindingKind, Severity
from aibom.types.inventory import Inventory

#: What becomes of a finding: it fails the run, it is below the limit, the baseline has it, or an
#: exception of the policy covers it.
State = Literal["failing", "below", "known", "accepted"]


@dataclass(frozen=True, slots=True)
class KindHelp:
    """What a kind of finding means and what to do about it, each in a sentence or two.

    ``severity`` is the one that findings of the kind usually have.
    """

    kind: FindingKind
    severity: Severity
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The fingerprints of an earlier run's findings. ``name`` is the file's, as it was typed."""

    name: str
    fingerprints: frozenset[str]


@dataclass(frozen=True, slots=True)
class Diff:
    """One observed BOM compared with what was declared.

    ``observed`` is the name of the observed document as it was typed, and ``content`` its bytes.
    ``fail_on`` is the lowest severity that fails the run, None where none does. ``kinds`` are all
    kinds of finding that there are.
    """

    observed: str
    content: bytes = field(repr=False)
    inventory: Inventory
    documents: tuple[Document, ...]
    assessment: Assessment
    fail_on: Severity | None = "medium"
    baseline: Baseline | None = None
    kinds: tuple[KindHelp, ...] = field(default=(), repr=False)

    def state(self, finding: Finding) -> State:
        """Return what becomes of a finding in this run."""
        if finding.accepted:
            return "accepted"
        if self.baseline is not None and finding.fingerprint in self.baseline.fingerprints:
            return "known"
        limit = len(SEVERITIES) if self.fail_on is None else SEVERITIES.index(self.fail_on)
        return "failing" if SEVERITIES.index(finding.severity) >= limit else "below"

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that fail the run."""
        return tuple(f for f in self.assessment.findings if self.state(f) == "failing")

    @property
    def gone(self) -> frozenset[str]:
        """The fingerprints of the baseline that this run did not find again."""
        if self.baseline is None:
            return frozenset()
        return self.baseline.fingerprints - {f.fingerprint for f in self.assessment.findings}
