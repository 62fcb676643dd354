"""How a policy's findings are put."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import NamedTuple

from aibom.compare import kinds
from aibom.compare.making import MAX_STEPS, earlier, finding_of, fingerprint
from aibom.compare.policy.traits import Traits
from aibom.types.findings import Finding, FindingKind, Severity
from aibom.types.inventory import Component, Service
from aibom.types.policy import Entry, Waiver
from aibom.types.words import shown_by


class Said(NamedTuple):
    """Why, why so severe, what to do, and on which line of the policy it stands.

    ``cause`` tells findings of one kind about one thing from each other.
    """

    policy: str
    line: int
    reason: str
    because: str
    remedy: str
    cause: str = ""


def finding(kind: FindingKind, severity: Severity, traits: Traits, said: Said) -> Finding:
    """Return a finding about one thing."""
    if isinstance(traits.thing, Component):
        made = finding_of(traits.thing, kind, (severity, said.because), said.reason)
        told = earlier(traits.thing, kind, traits.origin, said.cause)
    else:
        told = ()
        chain = _chain(traits.thing)
        made = Finding(
            kind=kind,
            severity=severity,
            ref=traits.ref,
            component=traits.name,
            evidence=chain[0] if chain else traits.name,
            reason=said.reason,
            remedy="",
            fingerprint="",
            because=said.because,
            chain=chain,
        )
    return replace(
        made,
        remedy=said.remedy,
        fingerprint=fingerprint(kind, traits.ref, traits.origin, said.cause),
        document=said.policy,
        line=said.line,
        earlier=told,
    )


def _chain(service: Service | None) -> tuple[str, ...]:
    if service is None:
        return ()
    seen = tuple(f"{e.path} {shown_by(e)}" for e in service.evidence[:MAX_STEPS])
    return seen or (f"{service.name} at {', '.join(service.endpoints) or service.ref}",)


def expired(policy: str, said: Entry | Waiver, things: Sequence[Traits]) -> Finding:
    """Return the finding that something would cover ``things``, had it not expired."""
    others = f" and {len(things) - 1} more" if len(things) > 1 else ""
    return Finding(
        kind=kinds.EXCEPTION_EXPIRED,
        severity="medium",
        ref=things[0].ref,
        component=things[0].name,
        evidence=f"{policy} line {said.line}: {said.place}, for {things[0].name}{others}",
        reason=f"it expired on {said.expires} and covers nothing since; it said: {said.reason}",
        remedy=f"ask {said.owner} whether it still holds; then give it another day, or remove it",
        because="whoever said so has not said it again",
        fingerprint=fingerprint(kinds.EXCEPTION_EXPIRED, key(said), str(said.expires)),
        brings=tuple(traits.ref for traits in things[1:]),
        document=policy,
        line=said.line,
    )


def unused(policy: str, waiver: Waiver) -> Finding:
    """Return the finding that an exception covers nothing."""
    return Finding(
        kind=kinds.EXCEPTION_UNUSED,
        severity="info",
        ref="",
        component=waiver.place,
        evidence=f"{policy} line {waiver.line}: {waiver.place}: {waiver.reason}",
        reason="there is no finding that it would cover",
        remedy=f"remove it, or ask {waiver.owner} what it was for",
        fingerprint=fingerprint(kinds.EXCEPTION_UNUSED, key(waiver)),
        document=policy,
        line=waiver.line,
    )


def key(said: Entry | Waiver) -> str:
    """Return what names an entry wherever it stands: what it selects, not why and where."""
    return repr(astuple(replace(said, place="", line=0, reason="", owner="")))
