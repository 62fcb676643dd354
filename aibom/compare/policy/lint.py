"""What a reader of a policy would stumble over: words that mean nothing, entries that are dead."""

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from aibom.compare import kinds
from aibom.compare.policy.saying import key
from aibom.formats.modelfolder.licences import expression
from aibom.types.policy import Entry, Policy, Waiver

# patterns of shells and of regular expressions, which mean nothing here
_ELSEWHERE = re.compile(r"\*\*|\.\*|[?\[\]^$|\\]")
_OPERATOR = re.compile(r"\s(?:AND|OR)\s", re.IGNORECASE)

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
    checks = (_kinds(policy), _dead(policy, today), _twins(policy), _unsaid(policy), _odd(policy))
    return sorted(problem for found in checks for problem in found)


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


def _odd(policy: Policy) -> Iterator[Problem]:
    for said in _said(policy):
        for value in said.patterns:
            if _ELSEWHERE.search(value):
                message = f"{value}: only * is a pattern, and it stays within a part of the name"
                yield Problem(said.line, said.place, message)
    for entry in (*policy.allow, *policy.forbid):
        for licence in entry.licence:
            if "*" not in licence and not _is_one_licence(licence):
                message = f"{licence} is no id of SPDX, and is compared as it is written"
                yield Problem(entry.line, entry.place, message)


def _is_one_licence(text: str) -> bool:
    return bool(expression(text)) and not _OPERATOR.search(text)
