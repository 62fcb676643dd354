"""A BOM read raw, as an index of what can be asked about: components, services, findings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from aibom.formats.documents import bomjson
from aibom.report import findingparts
from aibom.types.findings import Assessment, Finding, Verdict


class Entry(NamedTuple):
    """Something that a BOM lists. ``what`` is ``component``, ``service`` or ``workload``."""

    ref: str
    what: str
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return bomjson.text(self.raw, "name")

    @property
    def purl(self) -> str:
        """Its package URL, empty where it has none."""
        return bomjson.text(self.raw, "purl")

    def said(self, name: str) -> tuple[str, ...]:
        """Return the values of its properties of one name, in their order."""
        return tuple(value for key, value in bomjson.properties(self.raw) if key == name)

    def first(self, name: str) -> str:
        """Return the first value of a property, empty where it has none."""
        return next(iter(self.said(name)), "")

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The files that it is made of, or that belong to it."""
        nested = bomjson.objects(self.raw.get("components"))
        return [part for part in nested if bomjson.text(part, "type") == "file"]

    @property
    def paths(self) -> list[str]:
        """The paths that it was seen at, each once."""
        seen = [bomjson.text(o, "location") for o in bomjson.occurrences(self.raw)]
        seen += [bomjson.text(part, "name") for part in self.parts]
        return [path for path in dict.fromkeys(seen) if path]

    @property
    def digests(self) -> list[str]:
        """The SHA-256 of its content and of its files."""
        return [d for d in map(bomjson.sha256_of, (self.raw, *self.parts)) if d]


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a BOM tells, with the findings on it.

    ``uses`` and ``used_by`` are its dependency graph by ref, the workload left out. ``verdicts``
    are those of a comparison that was made now, empty where the BOM's own are to be told.
    """

    document: dict[str, Any]
    entries: tuple[Entry, ...]
    by_ref: dict[str, Entry]
    findings: tuple[Finding, ...]
    uses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    used_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def findings_on(self, ref: str) -> tuple[Finding, ...]:
        """Return the findings on one component, service or the workload."""
        return tuple(f for f in self.findings if f.ref == ref)


def told(document: dict[str, Any], assessment: Assessment | None = None) -> Told:
    """Return what a CycloneDX document tells, with the findings of ``assessment`` or its own.

    Raises FormatError for too many components, or too deeply nested ones.
    """
    entries = tuple(_entries(document))
    by_ref = {entry.ref: entry for entry in reversed(entries)}
    root = next((e.ref for e in entries if e.what == "workload"), "")
    if assessment is None:
        findings = tuple(_unexplained(_own(entries), document))
    else:
        # what concerns the workload as a whole has no ref
        findings = tuple(replace(f, ref=f.ref or root) for f in assessment.findings)
    uses, used_by = _graph(document, root)
    verdicts = {v.ref: v for v in assessment.verdicts} if assessment is not None else {}
    return Told(document, entries, by_ref, findings, uses, used_by, verdicts)


def _entries(document: dict[str, Any]) -> Iterator[Entry]:
    metadata = document.get("metadata")
    root = metadata.get("component") if isinstance(metadata, dict) else None
    if isinstance(root, dict):
        yield Entry(bomjson.text(root, "bom-ref"), "workload", root)
    # a file in a component is part of that one; anything else in it can be asked about
    top = {id(c) for c in bomjson.objects(document.get("components"))}
    for part in bomjson.parts(document):
        component = part.value
        if not isinstance(component, dict):
            continue
        if id(component) in top or bomjson.text(component, "type") != "file":
            named = f"component:{part.number}:{bomjson.text(component, 'name')}"
            yield Entry(bomjson.text(component, "bom-ref") or named, "component", component)
    for service in bomjson.objects(document.get("services")):
        yield Entry(bomjson.text(service, "bom-ref"), "service", service)


def _own(entries: Sequence[Entry]) -> Iterator[Finding]:
    for entry in entries:
        yield from findingparts.read(bomjson.properties(entry.raw), entry.ref, entry.name)


def _unexplained(findings: Iterable[Finding], document: dict[str, Any]) -> Iterator[Finding]:
    """Yield findings; of those that a BOM only names, what its annotations say stands in."""
    notes = [
        (ref, bomjson.text(note, "text"))
        for note in bomjson.objects(document.get("annotations"))
        for ref in _texts(note.get("subjects"))
    ]
    for finding in findings:
        start = f"{finding.kind.name} ({finding.kind.id}, "
        said = [text for ref, text in notes if ref == finding.ref and text.startswith(start)]
        if finding.evidence or finding.reason or not said:
            yield finding
        else:
            yield _with_note(finding, said[0])


def _with_note(finding: Finding, note: str) -> Finding:
    sentence, _, remedy = note.partition(". Remedy: ")
    evidence = sentence.partition(f": {finding.component}: ")[2] or sentence
    return Finding(
        kind=finding.kind,
        severity=finding.severity,
        ref=finding.ref,
        component=finding.component,
        evidence=evidence,
        reason="",
        remedy=remedy,
        fingerprint=finding.fingerprint,
    )


def _graph(
    document: dict[str, Any], root: str
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    uses: dict[str, list[str]] = {}
    used_by: dict[str, list[str]] = {}
    for node in bomjson.objects(document.get("dependencies")):
        source = bomjson.text(node, "ref")
        for target in _texts(node.get("dependsOn")) if source != root else ():
            uses.setdefault(source, []).append(target)
            used_by.setdefault(target, []).append(source)
    return _settled(uses), _settled(used_by)


def _settled(graph: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {ref: tuple(sorted(set(found))) for ref, found in graph.items()}


def _texts(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
