"""The observed CycloneDX BOM with the findings in it. What others wrote there stays as it is."""

import json
import re
from typing import Any

from aibom import __version__
from aibom.formats.documents import bomjson, jsondoc
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.report import findingparts
from aibom.report.findings import ordered
from aibom.types.diff import Diff
from aibom.types.findings import Verdict

_Entry = dict[str, Any]

# of the comparison before: this one takes its place
_OURS = re.compile(r"aibom:(?:finding|declared)(?::.*)?")
_TOLD = re.compile(r"[a-z0-9-]+ \(AIBOM-\d+, [a-z]+\): ")
# RFC 3339, as CycloneDX asks for
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def annotated_report(diff: Diff) -> str:
    """Return the observed BOM in its own version of the specification, with what was found.

    Components and services get the properties ``aibom:declared`` and ``aibom:finding``, and, from
    CycloneDX 1.5 on and where the BOM has a time, an annotation for each finding; findings of the
    workload go to the BOM's own component. What aibom itself said there of an earlier comparison is
    replaced. Raises FormatError where the BOM cannot hold it: properties came with CycloneDX 1.3.
    """
    if not jsondoc.decoded(diff.content).lstrip().startswith("{"):
        raise FormatError("only an observed BOM in CycloneDX JSON can be annotated")
    document = jsondoc.load(diff.content)
    version = _numbers(bomjson.checked(document))
    if version < (1, 3):
        raise FormatError("CycloneDX before 1.3 has no properties that could hold findings")
    _forget(document)
    entries = _entries(document)
    for verdict in diff.assessment.verdicts:
        if verdict.ref in entries:
            _add(entries[verdict.ref], _verdict_pairs(verdict))
    notes = []
    for finding in ordered(diff):
        ref = finding.ref if finding.ref in entries else ""
        pairs = [*findingparts.written(finding), ("aibom:finding:state", diff.state(finding))]
        _add(entries.get(ref) or _root(document), pairs)
        subject = ref or bomjson.text(_root(document), "bom-ref")
        notes.append((subject, findingparts.sentence(finding)))
    if version >= (1, 5):
        _annotate(document, notes)
    document["version"] = _next(document.get("version"))
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise FormatError("it holds a number that JSON does not have (NaN or Infinity)") from None
    return text + "\n"


def _numbers(version: str) -> tuple[int, ...]:
    """Return ``1.10`` as (1, 10); anything odd is the oldest version that there is."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(p.isdecimal() and len(p) < 5 for p in parts) else (1,)


def _next(version: object) -> int:
    """Return the version of a changed BOM (CycloneDX, JSON reference: ``version``)."""
    return version + 1 if isinstance(version, int) and not isinstance(version, bool) else 2


def _root(document: _Entry) -> _Entry:
    """Return what stands for the workload: the BOM's own component, or its metadata."""
    metadata: _Entry = document.setdefault("metadata", {})
    component = metadata.get("component")
    return component if isinstance(component, dict) else metadata


def _holders(document: _Entry) -> list[_Entry]:
    """Return all components and services."""
    parts = [part.value for part in bomjson.parts(document)]
    return bomjson.objects([*parts, *bomjson.objects(document.get("services"))])


def _entries(document: _Entry) -> dict[str, _Entry]:
    """Return components and services by their bom-ref; of two with the same the first one."""
    found: dict[str, _Entry] = {}
    for entry in _holders(document):
        if ref := bomjson.text(entry, "bom-ref"):
            found.setdefault(ref, entry)
    return found


def _forget(document: _Entry) -> None:
    if not isinstance(document.setdefault("metadata", {}), dict):
        raise FormatError("metadata is not an object")
    for holder in [document, document["metadata"], _root(document), *_holders(document)]:
        if not isinstance(holder.get("properties", []), list):
            raise FormatError("properties is not a list")
        kept = [p for p in holder.get("properties", []) if not _is_ours(p)]
        if len(kept) < len(holder.get("properties", [])):
            holder["properties"] = kept
    notes = document.get("annotations", [])
    kept = [note for note in notes if not _is_told(note)]
    if len(kept) < len(notes):
        document["annotations"] = kept


def _is_ours(entry: object) -> bool:
    return isinstance(entry, dict) and bool(_OURS.fullmatch(bomjson.text(entry, "name")))


def _is_told(note: object) -> bool:
    if not isinstance(note, dict):
        return False
    annotator = note.get("annotator")
    component = annotator.get("component") if isinstance(annotator, dict) else None
    named = bomjson.text(component, "name") if isinstance(component, dict) else ""
    return named == "aibom" and bool(_TOLD.match(bomjson.text(note, "text")))


def _add(entry: _Entry, pairs: list[tuple[str, str]]) -> None:
    held = entry.setdefault("properties", [])
    held += [{"name": name, "value": printable(value)} for name, value in pairs if value]


def _verdict_pairs(verdict: Verdict) -> list[tuple[str, str]]:
    return [("aibom:declared", verdict.declared), ("aibom:declared:reason", verdict.reason)]


def _annotate(document: _Entry, notes: list[tuple[str, str]]) -> None:
    """Add a note to each ref. The time is the observation's: a comparison has none of its own."""
    when = bomjson.text(document["metadata"], "timestamp")
    # the schema wants no two notes alike
    known = dict.fromkeys((ref, printable(text, 16_384)) for ref, text in notes if ref)
    if not known or not _TIME.fullmatch(when):
        return
    tool = {"type": "application", "name": "aibom", "version": __version__}
    document.setdefault("annotations", []).extend(
        {
            "subjects": [ref],
            "annotator": {"component": tool},
            "timestamp": when,
            "text": text,
        }
        for ref, text in known
    )
