"""A finding as properties of what it is about, and back: so that a BOM alone can tell of it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, cast, get_args

from aibom.formats.text import printable
from aibom.types.findings import Closest, Finding, FindingKind, Reference, Severity

_START = "aibom:finding"
_TEXTS = ("evidence", "reason", "because", "remedy", "document", "accepted")


def written(finding: Finding) -> list[tuple[str, str]]:
    """Return a finding as properties; the first one is its kind, which begins it."""
    pairs = [
        (_START, finding.kind.name),
        ("aibom:finding:fingerprint", finding.fingerprint),
        ("aibom:finding:id", finding.kind.id),
        ("aibom:finding:severity", finding.severity),
    ]
    pairs += [(f"aibom:finding:{name}", getattr(finding, name)) for name in _TEXTS]
    pairs += [("aibom:finding:line", str(finding.line or ""))]
    pairs += [("aibom:finding:step", step) for step in finding.chain]
    pairs += [("aibom:finding:brings", ref) for ref in finding.brings]
    pairs += [("aibom:finding:reference", _record(asdict(one))) for one in finding.references]
    if finding.closest is not None:
        pairs.append(("aibom:finding:closest", _record(asdict(finding.closest))))
    return [(name, printable(value)) for name, value in pairs if value]


def sentence(finding: Finding) -> str:
    """Return a finding as one paragraph, for the annotation of what it is about."""
    seen = "; ".join(filter(None, (finding.evidence, finding.reason)))
    return (
        f"{finding.kind.name} ({finding.kind.id}, {finding.severity}): {finding.component}:"
        f" {seen}. Remedy: {finding.remedy}"
    )


def _record(values: dict[str, Any]) -> str:
    # each part cut, so that the whole stays what it is when it is read again
    cut = {k: printable(v, 900) if isinstance(v, str) else v for k, v in values.items()}
    return json.dumps(cut, sort_keys=True)


def read(pairs: Iterable[tuple[str, str]], ref: str, component: str) -> Iterator[Finding]:
    """Yield the findings that properties tell, of the component ``ref`` that is so called."""
    group: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == _START:
            yield from _finding(group, ref, component)
            group = []
        if name == _START or name.startswith(f"{_START}:"):
            group.append((name.removeprefix(_START).removeprefix(":"), value))
    yield from _finding(group, ref, component)


def _finding(group: list[tuple[str, str]], ref: str, component: str) -> Iterator[Finding]:
    said = dict(reversed(group))
    severity = said.get("severity", "")
    if "" not in said or severity not in get_args(Severity):
        return
    closest = _values(said.get("closest", ""))
    references = (_values(value) for name, value in group if name == "reference")
    yield Finding(
        kind=FindingKind(said[""], said.get("id", ""), ""),
        severity=cast("Severity", severity),
        ref=ref,
        component=component,
        evidence=said.get("evidence", ""),
        reason=said.get("reason", ""),
        remedy=said.get("remedy", ""),
        fingerprint=said.get("fingerprint", ""),
        because=said.get("because", ""),
        chain=tuple(value for name, value in group if name == "step"),
        closest=Closest(**_closest(closest)) if closest else None,
        references=tuple(Reference(**_reference(r)) for r in references if r),
        brings=tuple(value for name, value in group if name == "brings"),
        document=said.get("document", ""),
        line=_line(said.get("line", "")),
        accepted=said.get("accepted", ""),
    )


def _values(text: str) -> dict[str, Any]:
    """Return the object in ``text``, or an empty one for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _line(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _closest(values: dict[str, Any]) -> dict[str, Any]:
    names = ("document", "name", "version", "purl", "differs")
    line = values.get("line")
    texts = {name: str(values.get(name, "")) for name in names}
    return texts | {"line": line if isinstance(line, int) else 0}


def _reference(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(values.get(name, "")) for name in ("catalogue", "id", "title", "url")}
