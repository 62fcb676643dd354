"""Which findings are new: told once for each workload, and again when they become worse."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from aibom.types.findings import SEVERITIES, Finding, Severity


@dataclass(slots=True)
class Held:
    """What is remembered of one finding of one workload.

    ``told`` is the highest rank that was told. Times are in seconds since the epoch, ``closed`` is
    None while it holds; ``seen`` is the state's age when it last held.
    """

    kind: str
    severity: Severity
    told: int
    first: float
    last: float
    seen: float
    closed: float | None = None


def rank_of(finding: Finding) -> int:
    """Return a number that grows with what a finding calls for; 0 of one that was accepted."""
    return 0 if finding.accepted else 1 + SEVERITIES.index(finding.severity)


def id_of(node: str, key: str, finding: Finding) -> str:
    """Return the id under which a finding is told: 32 hexadecimal digits of a SHA-256.

    It is made of node, workload, fingerprint and severity, so that it is the same after a crash
    and without any memory. One that the policy accepted has another id than the one that it
    becomes when the exception ends.
    """
    accepted = ("accepted",) if finding.accepted else ()
    parts = (node, key, finding.fingerprint, finding.severity, *accepted)
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]


def worst(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Return findings by fingerprint; of several with the same one, the worst."""
    found: dict[str, Finding] = {}
    for finding in findings:
        known = found.get(finding.fingerprint)
        if known is None or rank_of(finding) > rank_of(known):
            found[finding.fingerprint] = finding
    return found


def update(held: dict[str, Held], found: dict[str, Finding], now: float, age: float) -> bool:
    """Close what no longer holds and open what holds again; return whether anything changed.

    Whether a finding is new is not decided here: ``told`` is left as it is.
    """
    changed = False
    for fingerprint, known in held.items():
        finding = found.get(fingerprint)
        if finding is None:
            changed |= close(known, now, age)
            continue
        changed |= known.closed is not None or known.severity != finding.severity
        known.closed = None
        known.severity = finding.severity
        known.first, known.last = min(known.first, now), now
        known.seen = max(known.seen, age)
    return changed


def close(known: Held, now: float, age: float) -> bool:
    """Note that a finding holds no more; return whether it did until now."""
    if known.closed is not None:
        return False
    known.closed = now
    known.first, known.last = min(known.first, now), now
    known.seen = max(known.seen, age)
    return True
