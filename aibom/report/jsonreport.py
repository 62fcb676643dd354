"""The whole run as JSON for programs. ``schema`` changes when a field changes its meaning."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aibom.formats.text import printable
from aibom.types.declared import Document
from aibom.types.diff import Diff
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Inventory
from aibom.types.unseen import Unseen

SCAN_SCHEMA = "aibom.scan/1"
#: Described by schemas/aibom-diff.schema.json.
DIFF_SCHEMA = "aibom.diff/2"


def scan_report(
    workloads: Sequence[tuple[Inventory, Assessment]], unseen: Sequence[Unseen]
) -> dict[str, Any]:
    """Return every workload with components, verdicts, findings and blind spots."""
    report: dict[str, Any] = {
        "schema": SCAN_SCHEMA,
        "workloads": [
            {"inventory": _inventory(inventory), **_assessment(assessment)}
            for inventory, assessment in workloads
        ],
        "unseen": [asdict(u) for u in unseen],
    }
    return {name: _clean(value) for name, value in report.items()}


def diff_report(diff: Diff) -> dict[str, Any]:
    """Return the comparison of one observed BOM with what was declared."""
    report: dict[str, Any] = {
        "schema": DIFF_SCHEMA,
        "observed": diff.observed,
        "workload": asdict(diff.inventory.workload),
        "documents": [_document(d) for d in diff.documents],
        "fail_on": diff.fail_on or "never",
        "failing": len(diff.failing),
        "baseline": _baseline(diff),
        "verdicts": [asdict(v) for v in diff.assessment.verdicts],
        "findings": [_finding(diff, f) for f in diff.assessment.findings],
        "unseen": [asdict(u) for u in diff.inventory.unseen],
    }
    return {name: _clean(value) for name, value in report.items()}


def _document(document: Document) -> dict[str, Any]:
    return {
        "name": document.name,
        "kind": document.kind,
        "form": document.form,
        "subject": document.subject,
        "digests": sorted(document.digests),
        "claims": len(document.claims),
        "files": len(document.files),
        "notes": document.notes,
        "built_from": dict(document.built_from),
    }


def _baseline(diff: Diff) -> dict[str, Any] | None:
    if diff.baseline is None:
        return None
    return {"name": diff.baseline.name, "gone": sorted(diff.gone)}


def _finding(diff: Diff, finding: Finding) -> dict[str, Any]:
    return _plain(finding) | {"state": diff.state(finding)}


def _plain(finding: Finding) -> dict[str, Any]:
    found = asdict(finding)
    del found["earlier"]  # is for a running agent alone
    return found


def _inventory(inventory: Inventory) -> dict[str, Any]:
    found = asdict(inventory)
    for component in found["components"]:
        del component["provisional"]  # likewise
    return found


def _assessment(assessment: Assessment) -> dict[str, Any]:
    return {
        "verdicts": [asdict(v) for v in assessment.verdicts],
        "findings": [_plain(f) for f in assessment.findings],
    }


def _clean(value: Any) -> Any:
    """Return JSON values with every string fit to be written (see printable)."""
    if isinstance(value, dict):
        return {printable(str(k)): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(v) for v in value]
    return printable(value, 16_384) if isinstance(value, str) else value
