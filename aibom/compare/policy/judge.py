"""What a policy finds in an inventory: what is forbidden, what is not allowed, what expired."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from functools import lru_cache

from aibom.compare import kinds
from aibom.compare.policy.index import Index
from aibom.compare.policy.match import Allowing, belongs, covers, holds, meets
from aibom.compare.policy.saying import Said, expired, finding
from aibom.compare.policy.traits import Traits
from aibom.formats.modelfolder.licences import satisfied
from aibom.formats.patterns import matches
from aibom.types.findings import Finding
from aibom.types.policy import Category, Entry, Policy
from aibom.types.words import PLACES

_WORDS: dict[Category, str] = {
    "models": "model",
    "packages": "package",
    "mcp-servers": "MCP server",
    "model-apis": "model API",
    "sources": "source",
}


class Judge:
    """A policy asked about things, one after the other, on one day (UTC)."""

    def __init__(self, policy: Policy, today: date, undeclared: Collection[str]) -> None:
        """Prepare; ``undeclared`` are the refs of what has a finding as nobody names it."""
        self._policy, self._today, self._undeclared = policy, today, undeclared
        self._allowing = Allowing(policy, today)
        self._forbidden = Index(policy.forbid)
        self._entries: dict[Category, list[Entry]] = defaultdict(list)
        for entry in policy.allow:
            self._entries[entry.category].append(entry)
        self._expired: dict[str, list[Traits]] = defaultdict(list)

    def judged(self, traits: Traits) -> Iterator[Finding]:
        """Yield what the policy finds in one thing."""
        entry = next((e for e in self._forbidden.candidates(traits) if _forbids(e, traits)), None)
        if entry is not None:
            reason = f"forbidden by {self._policy.name} ({entry.place}): {entry.reason}"
            remedy = "take it out of the workload, or change the policy with its owner"
            said = Said(self._policy.name, entry.line, reason, "its owner forbids it", remedy)
            yield finding(kinds.FORBIDDEN, "high", traits, said)
            return
        for category in self._policy.complete:
            yield from self._not_allowed(category, traits)

    def expired(self) -> Iterator[Finding]:
        """Yield a finding for each entry that would allow something, had it not expired."""
        for entry in self._policy.allow:
            if entry.place in self._expired:
                yield expired(self._policy.name, entry, self._expired[entry.place])

    def _not_allowed(self, category: Category, traits: Traits) -> Iterator[Finding]:
        if category == "licences":
            yield from self._licence(traits)
        elif category == "origins":
            yield from self._origin(traits)
        elif not belongs(traits, category):
            return
        elif category == "sources" and traits.kind != "service":
            yield from self._hub(traits)
        elif self._allowing.of(traits) is None:
            expired = self._has_expired(self._allowing.naming(traits), traits)
            # one finding for one cause: an entry that expired, or that nobody names it at all
            if not expired and traits.ref not in self._undeclared:
                yield self._outside(category, traits, f"no {_WORDS[category]} that it allows")

    def _has_expired(self, entries: Iterable[Entry], traits: Traits) -> bool:
        """Note that a thing would be allowed by ``entries``; say whether there are any."""
        places = [entry.place for entry in entries]
        for place in places:
            self._expired[place].append(traits)
        return bool(places)

    def _outside(self, category: Category, traits: Traits, reason: str) -> Finding:
        if category == "models" and traits.sources and not traits.proven:
            repo = traits.sources[0].repo
            reason += f"; its cache names {repo}, which its content does not prove"
        remedy = f"add it to allow.{category} with a reason, or take it out of the workload"
        said = self._said(category, reason, "the policy says all that may be", remedy)
        return finding(kinds.NOT_ALLOWED, "medium", traits, said)

    def _unproven(self, category: Category, traits: Traits, reason: str) -> Finding:
        because = "what could not be seen is neither allowed nor forbidden"
        remedy = "look at it, and write what you know into the policy"
        said = self._said(category, reason, because, remedy)
        return finding(kinds.UNVERIFIABLE, "info", traits, said)

    def _said(self, category: Category, reason: str, because: str, remedy: str) -> Said:
        line = self._entries[category][0].line if self._entries[category] else 0
        reason = f"{self._policy.name} (allow.{category}): {reason}"
        return Said(self._policy.name, line, reason, because, remedy, cause=category)

    def _hub(self, traits: Traits) -> Iterator[Finding]:
        entries = self._entries["sources"]
        live = [e for e in entries if holds(e, self._today)]
        if any(meets(e, traits, proven=True) for e in live):
            return
        hubs = ", ".join(sorted(traits.hubs))
        if any(meets(e, traits, proven=False) for e in live):
            yield self._unproven("sources", traits, f"only its place in a cache says {hubs}")
            return
        if not self._has_expired((e for e in entries if meets(e, traits, proven=True)), traits):
            yield self._outside("sources", traits, f"it comes from the hub {hubs}")

    def _licence(self, traits: Traits) -> Iterator[Finding]:
        entries = [e for e in self._entries["licences"] if covers(e, traits)]
        if not entries:
            return
        live = [e for e in entries if holds(e, self._today)]
        if not traits.licence:
            yield self._unproven("licences", traits, "no licence is known")
        elif not licensed(live, traits.licence):
            dead = (e for e in entries if e not in live and licensed([*live, e], traits.licence))
            if not self._has_expired(dead, traits):
                said = f"its licence {traits.licence} is none of them"
                yield self._outside("licences", traits, said + _claim(traits))
        elif traits.claimed:
            said = f"it allows the licence {traits.licence}, which only its own files claim"
            yield self._unproven("licences", traits, said)

    def _origin(self, traits: Traits) -> Iterator[Finding]:
        entries = [e for e in self._entries["origins"] if covers(e, traits)]
        allowed = {o for e in entries if holds(e, self._today) for o in e.origins}
        if not entries or traits.origin in allowed:
            return
        if traits.origin == "unknown":
            yield self._unproven("origins", traits, "where it comes from could not be determined")
            return
        if not self._has_expired((e for e in entries if traits.origin in e.origins), traits):
            yield self._outside("origins", traits, f"it comes from {PLACES[traits.origin]}")


def _claim(traits: Traits) -> str:
    return ", as only its own files claim" if traits.claimed else ""


def _forbids(entry: Entry, traits: Traits) -> bool:
    if entry.category in ("model-apis", "sources") and traits.kind == "service":
        return meets(entry, traits, proven=False)  # whatever else is known of a destination
    if not covers(entry, traits):
        return False
    if entry.category == "licences":
        return bool(traits.licence) and not _free(entry.licence, traits.licence)
    return meets(entry, traits, proven=False)


def licensed(entries: list[Entry], licence: str) -> bool:
    """Say whether what ``entries`` accept is enough to use something under ``licence``."""
    patterns = tuple(p for e in entries for p in e.licence)
    return _accepted(patterns, licence)


@lru_cache(maxsize=10_000)
def _accepted(patterns: tuple[str, ...], licence: str) -> bool:
    return satisfied(licence, lambda one: _one_of(patterns, one))


@lru_cache(maxsize=10_000)
def _free(patterns: tuple[str, ...], licence: str) -> bool:
    """Say whether something can be used without any of the licences that ``patterns`` name."""
    return satisfied(licence, lambda one: not _one_of(patterns, one))


def _one_of(patterns: tuple[str, ...], licence: str) -> bool:
    # SPDX ids are compared without regard to case (SPDX specification, annex on expressions)
    return any(matches(p.lower(), licence.lower()) for p in patterns)
