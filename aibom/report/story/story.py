"""The story of one finding or component: sections of sentences, for any way of showing them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aibom.report.story import seen, thing
from aibom.report.story.ask import Subject
from aibom.report.story.told import Entry, Told
from aibom.types.findings import Finding

# a title, and the lines below it
_Part = tuple[str, Iterable[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """A question as a title, and the sentences that answer it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of one thing: ``about`` in a few words, its ``ref`` in the BOM."""

    about: str
    ref: str
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...] = ()


def story(told: Told, subject: Subject) -> Story:
    """Return the story of one finding, with that of its component, or of one component."""
    if isinstance(subject, Finding):
        entry = told.by_ref.get(subject.ref)
        about = f"{subject.kind.name}: {subject.component}"
        parts: list[_Part] = [("Finding", finding_lines(told, subject))]
        parts += _of_entry(told, entry, but=subject) if entry is not None else []
        return Story(about, subject.ref, _sections(parts), (subject,))
    on_it = told.findings_on(subject.ref)
    return Story(subject.name, subject.ref, _sections(_of_entry(told, subject)), on_it)


def _of_entry(told: Told, entry: Entry, but: Finding | None = None) -> list[_Part]:
    """Return the sections on one entry; the finding ``but`` is told already."""
    findings = [f for f in told.findings_on(entry.ref) if f is not but]
    listed = [line for finding in findings for line in finding_lines(told, finding)]
    return [
        ("What it is", thing.what_it_is(entry)),
        ("What it is made of", thing.made_of(told, entry)),
        ("How it was seen", seen.how_seen(told, entry)),
        ("Where it came from", seen.came_from(entry)),
        ("Who uses it", thing.users(told, entry)),
        ("Whether it was declared", seen.declared(told, entry)),
        ("Further findings on it" if but is not None else "Findings on it", listed),
        ("What could not be seen", seen.blind_spots(told, entry)),
    ]


def _sections(parts: Iterable[_Part]) -> tuple[Section, ...]:
    built = (Section(title, tuple(dict.fromkeys(lines))) for title, lines in parts)
    return tuple(section for section in built if section.lines)


def finding_lines(told: Told, finding: Finding) -> Iterator[str]:
    """Yield what a finding says: what, why, by what steps, what comes near, what to do."""
    kind = finding.kind
    title = f": {kind.title}" if kind.title else ""
    yield f"{kind.name} ({kind.id}), severity {finding.severity}{title}."
    if finding.reason:
        yield f"Why: {finding.reason}."
    if finding.because:
        yield f"Why {finding.severity}: {finding.because}."
    if finding.evidence and finding.evidence not in finding.chain:
        yield f"Seen: {finding.evidence}."
    for number, step in enumerate(finding.chain, 1):
        yield f"Step {number}: {step}."
    if finding.closest is not None:
        yield f"Closest that is declared: {_closest(finding)}."
    for ref in finding.brings:
        entry = told.by_ref.get(ref)
        yield f"Here for the same cause: {entry.name if entry is not None else ref}."
    if finding.accepted:
        yield f"Accepted by the policy: {finding.accepted}."
    if finding.remedy:
        yield f"What to do: {finding.remedy}."
    for one in finding.references:
        yield f"See {one.catalogue} {one.id} {one.title}: {one.url}"
    yield f"Fingerprint {finding.fingerprint}, the same in every run."


def _closest(finding: Finding) -> str:
    closest = finding.closest
    if closest is None:
        return ""
    name = " ".join(part for part in (closest.name, closest.version) if part)
    line = f", line {closest.line}" if closest.line else ""
    differs = f"; it differs in {closest.differs}" if closest.differs else ""
    return f"{name} in {closest.document}{line}{differs}"
