"""What somebody means who names a finding or a component, and what comes near if nothing does."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from aibom.report.story.told import Entry, Told
from aibom.types.findings import Finding

Subject = Finding | Entry

#: Fewest digits that name a fingerprint or a digest by its start.
MIN_DIGITS = 4
#: Most names that are compared for likeness, and characters of each.
MAX_NAMES = 5_000
MAX_LENGTH = 200
_HEX = frozenset("0123456789abcdef")


def subjects(told: Told, question: str) -> tuple[Subject, ...]:
    """Return what ``question`` may mean: the first way of naming that fits decides.

    A finding by its fingerprint, id or kind; a component by bom-ref, purl, SHA-256, path or name;
    then a fingerprint or SHA-256 by its start; then the name in any case, and the last part of a
    path. Of a component and a service of one name it is the component.
    """
    wanted = question.strip()
    ways: tuple[Iterator[Sequence[Subject]], ...] = (
        _findings(told, wanted),
        _entries(told, wanted),
        # what was declared and not loaded is no component
        iter([[f for f in told.findings if f.component == wanted]]),
    )
    return next((tuple(found) for found in chain(*ways) if found), ())


def _findings(told: Told, wanted: str) -> Iterator[list[Finding]]:
    low = wanted.lower()
    yield [f for f in told.findings if f.fingerprint and f.fingerprint == low][:1]
    yield [f for f in told.findings if low in (f.kind.id.lower(), f.kind.name)]
    if len(low) >= MIN_DIGITS and set(low) <= _HEX:
        yield [f for f in told.findings if f.fingerprint.startswith(low)]


def _entries(told: Told, wanted: str) -> Iterator[list[Entry]]:
    low = wanted.lower()
    digits = low.removeprefix("sha256:")
    ways: list[Callable[[Entry], bool]] = [
        lambda e: e.ref == wanted,
        lambda e: bool(e.purl) and wanted in (e.purl, _bare(e.purl)),
        lambda e: digits in e.digests,
        lambda e: wanted in e.paths,
        lambda e: wanted in (e.name, f"{e.name}@{e.raw.get('version', '')}"),
    ]
    if len(digits) >= MIN_DIGITS and set(digits) <= _HEX:
        ways.append(lambda e: any(d.startswith(digits) for d in e.digests))
    ways += [
        lambda e: e.name.lower() == low,
        lambda e: any(path.rpartition("/")[2] == wanted for path in e.paths),
    ]
    for way in ways:
        found = [entry for entry in told.entries if way(entry)]
        components = [entry for entry in found if entry.what == "component"]
        yield components or found


def _bare(purl: str) -> str:
    """Return a purl without its qualifiers and subpath."""
    return purl.partition("?")[0].partition("#")[0]


def nearest(told: Told, question: str) -> list[str]:
    """Return the names that come nearest to ``question``, the likest first."""
    names: dict[str, str] = {}
    for name in _names(told):
        names.setdefault(name.lower()[:MAX_LENGTH], name)
        if len(names) >= MAX_NAMES:
            break
    like = difflib.get_close_matches(question.lower()[:MAX_LENGTH], list(names), n=5, cutoff=0.5)
    return [names[name] for name in like]


def _names(told: Told) -> Iterator[str]:
    for finding in told.findings:
        yield finding.kind.name
        yield finding.kind.id
    for entry in told.entries:
        yield from (text for text in (entry.name, _bare(entry.purl)) if text)
        yield from (path.rpartition("/")[2] for path in entry.paths[:20])


def label(subject: Subject) -> str:
    """Return how one of several is told from the others: by what names it alone."""
    if isinstance(subject, Finding):
        kind = subject.kind
        return f"{subject.fingerprint}  {kind.name} {kind.id} {subject.component}".strip()
    version = subject.raw.get("version")
    named = f"{subject.name} {version}" if isinstance(version, str) and version else subject.name
    kind_of = subject.first("aibom:kind") or str(subject.raw.get("type") or subject.what)
    return f"{subject.ref}  {kind_of} {named}"
