"""What a reader of a policy would stumble over: words that mean nothing, entries that are dead."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from aibom.compare import kinds
from aibom.compare.policy.saying import key
from aibom.types.policy import Entry, Policy, Waiver

#: What ``aibom policy init`` writes where a person has to say something.
TODO = "TODO"


class Problem(NamedTuple):
    """Something to mend. ``wrong`` is what makes a policy mean something else than it says."""

    line: int
    place: str
    message: str
    wrong: bool = False


def problems(policy: Policy, today: date) -> list[Problem]:
    """Return what is odd about a policy on a day (UTC), by line."""
    found = (*_kinds(policy), *_dead(policy, today), *_twins(policy), *_unsaid(policy))
    return sorted(found)


def _kinds(policy: Policy) -> Iterator[Problem]:
    known = {word for kind in kinds.every() for word in (kind.name, kind.id)}
    own = {kinds.EXCEPTION_EXPIRED.name, kinds.EXCEPTION_EXPIRED.id}
    asked = [(s.line, f"severities.{s.kind}", s.kind) for s in policy.severities]
    asked += [(w.line, w.place, word) for w in policy.exceptions for word in w.findings]
    for line, place, word in asked:
        if word not in known:
            yield Problem(line, place, f"no kind of finding is called {word}", wrong=True)
    for setting in policy.severities:
        if setting.kind in own and setting.severity == "off":
            message = "what has expired is said loudly: it cannot be off"
            yield Problem(setting.line, f"severities.{setting.kind}", message, wrong=True)
    for waiver in policy.exceptions:
        if own & set(waiver.findings):
            message = "what has expired is said loudly: there is no exception from that"
            yield Problem(waiver.line, waiver.place, message, wrong=True)


def _said(policy: Policy) -> tuple[Entry | Waiver, ...]:
    return (*policy.allow, *policy.forbid, *policy.exceptions)


def _dead(policy: Policy, today: date) -> Iterator[Problem]:
    for said in _said(policy):
        if said.expires is not None and said.expires < today:
            yield Problem(said.line, said.place, f"expired on {said.expires} ({said.owner})")


def _twins(policy: Policy) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Entry | Waiver] = {}
    for said in _said(policy):
        part = said.place.partition(".")[0]
        first = seen.setdefault((part, key(said)), said)
        if first is not said:
            yield Problem(said.line, said.place, f"says what {first.place} says")
    settings: dict[str, str] = {}
    ids = {word: kind.id for kind in kinds.every() for word in (kind.name, kind.id)}
    for setting in policy.severities:
        kind = ids.get(setting.kind, setting.kind)
        if kind in settings:
            message = f"is {settings[kind]} by its other name, which counts"
            yield Problem(setting.line, f"severities.{setting.kind}", message, wrong=True)
        settings.setdefault(kind, setting.kind)


def _unsaid(policy: Policy) -> Iterator[Problem]:
    for said in _said(policy):
        if said.reason.lstrip().startswith(TODO):
            yield Problem(said.line, said.place, "the reason is still to be written")
