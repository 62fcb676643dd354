"""Findings as SARIF 2.1.0, so that code hosts show them (OASIS, sarif-v2.1.0-os).

Where the specification leaves a choice, it is made for GitHub code scanning ("SARIF support for
code scanning" in its documentation): the limits here are those that it names.
"""

import re
from typing import Any

from aibom import __version__
from aibom.formats.documents.baseline import FINGERPRINT
from aibom.formats.text import printable
from aibom.report.findings import ordered, sentences
from aibom.report.markdowntext import is_link
from aibom.report.sarifplaces import locations
from aibom.report.sarifrules import LEVELS, rules
from aibom.types.diff import Diff
from aibom.types.findings import Finding, Reference
from aibom.types.words import said

#: Most results of a run; a file with more is rejected.
MAX_RESULTS = 25_000
#: Most characters of one message.
_MAX_TEXT = 4_000
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_NUMBER = re.compile(r"-[0-9]+$")


def sarif_report(diff: Diff) -> dict[str, Any]:
    """Return the findings as one SARIF run; the most severe ones where there are too many."""
    described = rules(diff)
    index = {rule["id"]: number for number, rule in enumerate(described)}
    shown = ordered(diff)[:MAX_RESULTS]
    catalogues = _catalogues(shown)
    driver: dict[str, Any] = {
        "name": "aibom",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": described,
    }
    if catalogues:
        driver["supportedTaxonomies"] = [
            {"name": name, "index": number} for number, name in enumerate(catalogues)
        ]
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        # the part before the last slash is the category: two workloads do not replace each other
        "automationDetails": {"id": _category(diff)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            "%SRCROOT%": {"description": {"text": "The folder that aibom was started in."}}
        },
        "invocations": [{"executionSuccessful": True, **_notifications(diff, len(shown))}],
        "results": [_result(diff, finding, index, catalogues) for finding in shown],
    }
    if catalogues:
        run["taxonomies"] = [_taxonomy(name, found) for name, found in catalogues.items()]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _category(diff: Diff) -> str:
    workload = diff.inventory.workload
    # single processes are called by name and number; the next run is of the same category
    name = _NUMBER.sub("", workload.name) if workload.kind == "processes" else workload.name
    parts = ("aibom", workload.kind, workload.namespace, name)
    return printable("/".join(filter(None, parts)), 250) + "/"


def _result(
    diff: Diff, finding: Finding, index: dict[str, int], catalogues: dict[str, list[Reference]]
) -> dict[str, Any]:
    said_all = [f"{word.capitalize()}: {said}." for word, said in sentences(finding) if said]
    if finding.steps:
        said_all.append(f"Evidence: {'; '.join(finding.steps)}.")
    text = " ".join([f"{finding.kind.title}: {finding.component}.", *said_all])
    result: dict[str, Any] = {
        "ruleId": finding.kind.id,
        "ruleIndex": index[finding.kind.id],
        "level": LEVELS[finding.severity],
        "message": {"text": message(text)},
        **locations(diff, finding),
        # GitHub looks at primaryLocationLineHash alone
        "partialFingerprints": {
            FINGERPRINT: printable(finding.fingerprint, 200),
            "primaryLocationLineHash": printable(finding.fingerprint, 200),
        },
        "properties": _properties(diff, finding),
    }
    if diff.baseline is not None:
        result["baselineState"] = "unchanged" if _is_known(diff, finding) else "new"
    if finding.accepted:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": printable(finding.accepted, 1_000),
            }
        ]
    if finding.references:
        result["taxa"] = _taxa(finding, catalogues)
    return result


def _taxa(finding: Finding, catalogues: dict[str, list[Reference]]) -> list[dict[str, Any]]:
    numbers = {name: number for number, name in enumerate(catalogues)}
    return [
        {
            "id": reference.id,
            "index": catalogues[reference.catalogue].index(reference),
            "toolComponent": {
                "name": reference.catalogue,
                "index": numbers[reference.catalogue],
            },
        }
        for reference in sorted(set(map(_shown, finding.references)))
    ]


def _shown(reference: Reference) -> Reference:
    """Return a reference as it is written; two that look the same are one (uniqueItems)."""
    return Reference(
        printable(reference.catalogue, 200),
        printable(reference.id, 200),
        message(reference.title),
        reference.url if is_link(reference.url) else "",
    )


def _is_known(diff: Diff, finding: Finding) -> bool:
    return diff.baseline is not None and finding.fingerprint in diff.baseline.fingerprints


def _properties(diff: Diff, finding: Finding) -> dict[str, Any]:
    pairs = {
        "kind": finding.kind.name,
        "severity": finding.severity,
        "state": diff.state(finding),
        "component": printable(finding.component, 1_000),
        "ref": printable(finding.ref, 1_000),
        "brings": [printable(b, 1_000) for b in finding.brings],
    }
    return {name: value for name, value in pairs.items() if value}


def message(text: str) -> str:
    """Return a plain text message in which nothing is a link or a placeholder.

    SARIF 2.1.0, 3.11.5 (braces are doubled) and 3.11.6 (``[text](target)`` is a link).
    """
    shown = printable(text, _MAX_TEXT).replace("](", "] (")
    return shown.replace("{", "{{").replace("}", "}}")


def _catalogues(findings: tuple[Finding, ...]) -> dict[str, list[Reference]]:
    """Return the references of all findings by their catalogue, both sorted."""
    every = sorted({_shown(one) for finding in findings for one in finding.references})
    found: dict[str, list[Reference]] = {}
    for reference in every:
        found.setdefault(reference.catalogue, []).append(reference)
    return found


def _taxonomy(name: str, references: list[Reference]) -> dict[str, Any]:
    return {"name": name, "taxa": [_taxon(reference) for reference in references]}


def _taxon(reference: Reference) -> dict[str, Any]:
    taxon: dict[str, Any] = {"id": reference.id, "shortDescription": {"text": reference.title}}
    return taxon | ({"helpUri": reference.url} if reference.url else {})


def _notifications(diff: Diff, shown: int) -> dict[str, Any]:
    """Return what could not be seen or read, and what was left out."""
    lines = [said(record) for record in diff.inventory.unseen]
    lines += [f"{d.name}: {note}" for d in diff.documents for note in d.notes]
    if left := len(diff.assessment.findings) - shown:
        lines.append(f"{left} findings are not in this file, which holds the most severe ones")
    found = [{"level": "warning", "message": {"text": message(line)}} for line in lines]
    return {"toolExecutionNotifications": found} if found else {}
