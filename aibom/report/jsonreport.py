"""The whole run as JSON for programs. ``schema`` changes when a field changes its meaning."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aibom.formats.text import printable
from aibom.types.facts import Unseen
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory

SCAN_SCHEMA = "aibom.scan/1"
DIFF_SCHEMA = "aibom.diff/1"


def scan_report(
    workloads: Sequence[tuple[Inventory, Assessment]], unseen: Sequence[Unseen]
) -> dict[str, Any]:
    """Return every workload with components, verdicts, findings and blind spots."""
    report: dict[str, Any] = {
        "schema": SCAN_SCHEMA,
        "workloads": [
            {"inventory": asdict(inventory), **_assessment(assessment)}
            for inventory, assessment in workloads
        ],
        "unseen": [asdict(u) for u in unseen],
    }
    return {name: _clean(value) for name, value in report.items()}


def diff_report(inventory: Inventory, assessment: Assessment) -> dict[str, Any]:
    """Return the comparison of one observed BOM with what was declared."""
    report: dict[str, Any] = {
        "schema": DIFF_SCHEMA,
        "workload": asdict(inventory.workload),
        **_assessment(assessment),
        "unseen": [asdict(u) for u in inventory.unseen],
    }
    return {name: _clean(value) for name, value in report.items()}


def _assessment(assessment: Assessment) -> dict[str, Any]:
    return {
        "verdicts": [asdict(v) for v in assessment.verdicts],
        "findings": [asdict(f) for f in assessment.findings],
    }


def _clean(value: Any) -> Any:
    """Return JSON values with every string fit to be written (see printable)."""
    if isinstance(value, dict):
        return {printable(str(k)): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(v) for v in value]
    return printable(value, 16_384) if isinstance(value, str) else value
