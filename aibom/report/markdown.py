"""Findings as Markdown, for a pull request's comment and for a job's summary."""

from collections.abc import Iterable, Iterator, Sequence

from aibom.report.findings import by_state, counted, declared_share, ordered, said_of, verdict
from aibom.report.markdowntext import code, link, prose
from aibom.types.diff import Diff, State
from aibom.types.findings import Finding, Severity
from aibom.types.words import said

#: Most bytes: GitHub takes 65,536 characters in a comment, and 1 MiB in the summary of a step.
MAX_BYTES = 65_536
# left for what says how much is not shown
_SPARE = 400
_MARKS: dict[Severity, str] = {
    "critical": "🟥 critical",
    "high": "🟥 high",
    "medium": "🟧 medium",
    "low": "🟨 low",
    "info": "⬜ info",
}
_WHAT: dict[State, str] = {
    "failing": "**fails**",
    "below": "does not fail",
    "known": "known",
    "accepted": "accepted",
}
_Block = str


def markdown_report(diff: Diff) -> str:
    """Return the verdict, a table of the findings, and what to do about each, cut to MAX_BYTES."""
    findings = [f for f in ordered(diff) if _counts(diff, f)]
    head = _head(diff)
    room = MAX_BYTES - _SPARE - _size(head)
    blocks = [head]
    if findings:
        # the table may take half of what is left: what to do matters as much
        rows = _fitting((_row(diff, f) for f in findings), room // 2)
        table = "\n".join([*_TABLE, *rows]) + _more(len(findings) - len(rows), "in this table")
        details = [f for f in findings if diff.state(f) in ("failing", "below")]
        sections = _fitting((_section(f) for f in details), room - _size(table))
        blocks += [table, *sections, _more(len(details) - len(sections), "with details").strip()]
    room = MAX_BYTES - _SPARE - sum(_size(b) for b in blocks)
    folded = (_notes(diff), _unseen(diff), _documents(diff))
    blocks += _fitting(filter(None, folded), room)
    return "\n\n".join(filter(None, blocks)) + "\n"


def _counts(diff: Diff, finding: Finding) -> bool:
    """Say whether a finding is more than a note that fails nothing."""
    return finding.severity != "info" or diff.state(finding) == "failing"


_TABLE = (
    "| severity | finding | component | state | what to do |",
    "|---|---|---|---|---|",
)


def _head(diff: Diff) -> _Block:
    workload = diff.inventory.workload
    place = "/".join(filter(None, (workload.namespace, workload.name)))
    failing = "❌" if diff.failing else "✅"
    what = f"{workload.kind} {code(place)}" if place else workload.kind
    share = declared_share(diff)
    lines = [
        f"## {failing} aibom: {verdict(diff)}",
        "",
        f"{what}, observed in {code(diff.observed)}: {share}.",
    ]
    limit = f"from {diff.fail_on} on" if diff.fail_on else "at no severity"
    counts = by_state(diff)
    lines.append(f"Findings fail {limit}" + (f"; now {counts}." if counts else "."))
    if diff.baseline is not None:
        gone = counted(len(diff.gone), "finding")
        lines.append(f"Of the baseline {code(diff.baseline.name)} {gone} did not come again.")
    return "\n".join(lines)


def _row(diff: Diff, finding: Finding) -> str:
    cells = (
        _MARKS[finding.severity],
        f"{finding.kind.name} {finding.kind.id}",
        code(finding.component, 100),
        _WHAT[diff.state(finding)],
        prose(finding.accepted or finding.remedy, 200),
    )
    return f"| {' | '.join(cells)} |"


def _section(finding: Finding) -> _Block:
    kind = finding.kind
    lines = [
        f"### {_MARKS[finding.severity]}: {prose(finding.component, 120)}",
        "",
        f"- **What:** {kind.title} ({kind.name}, {kind.id})",
        f"- **Where:** {prose(finding.evidence)}",
        f"- **Why:** {prose('; '.join(filter(None, (finding.reason, finding.because))))}",
    ]
    if finding.closest is not None:
        lines.append(f"- **Closest declared:** {prose(said_of(finding.closest))}")
    if finding.document:
        at = f", line {finding.line}" if finding.line else ""
        lines.append(f"- **Look at:** {code(finding.document)}{at}")
    lines.append(f"- **What to do:** {prose(finding.remedy)}")
    if finding.brings:
        names = ", ".join(code(b, 100) for b in finding.brings[:20])
        lines.append(f"- **Here for the same cause:** {names}{_and(len(finding.brings) - 20)}")
    if finding.references:
        shown = (link(f"{r.catalogue} {r.id} {r.title}", r.url) for r in finding.references)
        lines.append(f"- **See:** {', '.join(shown)}")
    if finding.steps:
        steps = [f"1. {prose(step)}" for step in finding.steps[:50]]
        lines += ["", *_folded("Evidence", steps)]
    return "\n".join(lines)


def _notes(diff: Diff) -> _Block:
    notes = [
        f"{f.kind.name} {f.component}: {f.accepted or f.evidence or f.reason}"
        for f in ordered(diff)
        if not _counts(diff, f)
    ]
    return _list_of("Notes", notes)


def _unseen(diff: Diff) -> _Block:
    records = dict.fromkeys(said(record) for record in diff.inventory.unseen)
    return _list_of("Could not be seen: what is missing may be there", list(records))


def _documents(diff: Diff) -> _Block:
    lines = []
    for document in diff.documents:
        about = f" of {document.subject}" if document.subject else ""
        claims = counted(len(document.claims), "claim")
        made = "".join(f"; {label} {text}" for label, text in document.built_from)
        lines.append(f"{document.name}: {document.form}{about}, {claims}{made}")
    return _list_of("What it was compared with", lines)


def _list_of(title: str, lines: Sequence[str]) -> _Block:
    if not lines:
        return ""
    shown = [f"- {prose(line, 300)}" for line in lines[:50]]
    if len(lines) > 50:
        shown.append(f"- and {len(lines) - 50} more")
    return "\n".join(_folded(f"{title} ({len(lines)})", shown))


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>\n"
    yield from lines
    yield "\n</details>"


def _fitting(blocks: Iterable[_Block], room: int) -> list[_Block]:
    """Return the first blocks that fit into ``room`` bytes."""
    found = []
    for block in blocks:
        room -= _size(block)
        if room < 0:
            break
        found.append(block)
    return found


def _size(block: _Block) -> int:
    """Return the bytes of a block, with the empty line after it."""
    return len(block.encode("utf-8", "backslashreplace")) + 2


def _more(left: int, where: str) -> str:
    noun = "more finding" if left == 1 else "more findings"
    return f"\n\n**{left} {noun} would not fit {where}.**" if left > 0 else ""


def _and(left: int) -> str:
    return f" and {left} more" if left > 0 else ""
