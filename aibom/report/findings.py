"""How findings are ordered, counted and said, the same in every format."""

from collections import Counter
from collections.abc import Iterable

from aibom.types.diff import Diff, State
from aibom.types.findings import SEVERITIES, Closest, Finding

_STATES: tuple[State, ...] = ("failing", "below", "known", "accepted")
_WHAT: dict[State, str] = {
    "failing": "failing",
    "below": "below the limit",
    "known": "known from the baseline",
    "accepted": "accepted by the policy",
}


def ordered(diff: Diff) -> tuple[Finding, ...]:
    """Return the findings as a person should read them: what fails first, then by severity."""

    def rank(finding: Finding) -> tuple[int, int, str, str, str]:
        return (
            _STATES.index(diff.state(finding)),
            -SEVERITIES.index(finding.severity),
            finding.kind.id,
            finding.component,
            finding.fingerprint,
        )

    return tuple(sorted(diff.assessment.findings, key=rank))


def verdict(diff: Diff) -> str:
    """Return the outcome in words: ``2 findings fail this run``."""
    failing = len(diff.failing)
    if failing:
        return f"{counted(failing, 'finding')} {'fails' if failing == 1 else 'fail'} this run"
    if diff.assessment.findings:
        return "no finding fails this run"
    return "nothing found that was not declared"


def by_state(diff: Diff) -> str:
    """Return the number of findings of each state: ``1 failing, 2 known from the baseline``."""
    counts = Counter(diff.state(f) for f in diff.assessment.findings)
    return ", ".join(f"{counts[s]} {_WHAT[s]}" for s in _STATES if counts[s])


def declared_share(diff: Diff) -> str:
    """Return how much of what was observed is declared."""
    verdicts = diff.assessment.verdicts
    declared = sum(v.declared == "true" for v in verdicts)
    return f"{declared} of {len(verdicts)} observed components are declared"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 finding``, ``2 findings``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def said_of(closest: Closest) -> str:
    """Return the closest declared thing in words: ``chat 1.0 in sbom.json, line 7 (version)``."""
    name = closest.purl or f"{closest.name} {closest.version}".strip()
    line = f", line {closest.line}" if closest.line else ""
    differs = f" ({closest.differs})" if closest.differs else ""
    return f"{name} in {closest.document}{line}{differs}"


def sentences(finding: Finding) -> Iterable[tuple[str, str]]:
    """Yield what a person should know of a finding, each with the word that introduces it."""
    yield "where", finding.evidence
    yield "why", "; ".join(filter(None, (finding.reason, finding.because)))
    if finding.closest is not None:
        yield "closest declared", said_of(finding.closest)
    if finding.accepted:
        yield "accepted", finding.accepted
    yield "do", finding.remedy
