"""The kinds of finding as rules of SARIF."""

from collections.abc import Mapping
from typing import Any, Literal

from aibom.formats.text import printable
from aibom.types.diff import Diff, KindHelp
from aibom.types.findings import SEVERITIES, Severity

#: SARIF 2.1.0, 3.27.10.
LEVELS: Mapping[Severity, Literal["note", "warning", "error"]] = {
    "info": "note",
    "low": "note",
    "medium": "warning",
    "high": "error",
    "critical": "error",
}
# the middle of what GitHub calls by these words; what is only worth knowing is no security alert
_SCORES: Mapping[Severity, str] = {"low": "2.0", "medium": "5.5", "high": "8.0", "critical": "9.5"}
_TAGS = ("security", "supply-chain", "ai")


def rules(diff: Diff) -> list[dict[str, Any]]:
    """Return a rule for each kind that there is, in the order of the ids.

    GitHub takes the severity of a finding from its rule: it is the highest one that findings of
    the kind have in this run, and the usual one where there are none.
    """
    kinds = {help_.kind.id: help_ for help_ in diff.kinds}
    found: dict[str, Severity] = {}
    for finding in diff.assessment.findings:
        known = found.get(finding.kind.id, "info")
        found[finding.kind.id] = max(known, finding.severity, key=SEVERITIES.index)
        kinds.setdefault(finding.kind.id, KindHelp(finding.kind, "medium", "", finding.remedy))
    return [_rule(kinds[id_], found.get(id_, kinds[id_].severity)) for id_ in sorted(kinds)]


def _rule(help_: KindHelp, severity: Severity) -> dict[str, Any]:
    kind = help_.kind
    meaning = printable(help_.meaning or f"{kind.title}.", 1_000)
    remedy = printable(help_.remedy, 1_000)
    rule: dict[str, Any] = {
        "id": kind.id,
        "name": kind.name,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": meaning},
        "help": {
            "text": f"{meaning} {remedy}",
            "markdown": f"**{kind.name}** ({kind.id})\n\n{meaning}\n\n**What to do:** {remedy}",
        },
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {"tags": list(_TAGS), "precision": "high"},
    }
    if score := _SCORES.get(severity):
        rule["properties"]["security-severity"] = score
    return rule
