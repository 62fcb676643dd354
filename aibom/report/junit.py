"""Findings as JUnit XML, which every CI system shows as tests.

There is no standard; what is written here is what Jenkins' schema and GitLab's documentation of
unit test reports have in common.
"""

import re
import xml.etree.ElementTree as ET

from aibom.formats.text import printable
from aibom.report.findings import ordered, sentences
from aibom.report.table import name_of
from aibom.types.diff import Diff
from aibom.types.findings import Finding
from aibom.types.words import said

# XML 1.0, 2.2: the characters that there are; printable has escaped most others
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(diff: Diff) -> str:
    """Return one suite for the workload: a case for each finding, and for each thing without one.

    A finding that fails the run is a failure; one that is known or accepted is skipped.
    """
    findings = ordered(diff)
    suite = ET.Element("testsuite", name=_text(name_of(diff.inventory.workload)))
    for finding in findings:
        _case(suite, diff, finding)
    accused = {finding.ref for finding in findings}
    for component in diff.inventory.components:
        if component.ref not in accused:
            name = f"{component.kind} {component.name} {component.version}".strip()
            _element(suite, "testcase", classname=component.kind, name=name, time="0")
    if unseen := [said(record) for record in diff.inventory.unseen]:
        out = ET.SubElement(suite, "system-out")
        out.text = "\n".join(_text(f"unseen: {line}") for line in dict.fromkeys(unseen))
    counts = {
        "tests": len(suite.findall("testcase")),
        "failures": len(diff.failing),
        "errors": 0,
        "skipped": sum(diff.state(f) in ("known", "accepted") for f in findings),
    }
    root = ET.Element("testsuites", name="aibom diff")
    root.append(suite)
    for element in (root, suite):
        for name, count in counts.items():
            element.set(name, str(count))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, diff: Diff, finding: Finding) -> None:
    kind = finding.kind
    name = f"{kind.name} {finding.component} [{finding.fingerprint[:8]}]"
    case = _element(suite, "testcase", classname=f"{kind.id} {kind.name}", name=name, time="0")
    if finding.document:
        case.set("file", _text(finding.document))
        if finding.line:
            case.set("line", str(finding.line))
    told = [f"{word}: {text}" for word, text in sentences(finding) if text]
    told += [f"evidence: {step}" for step in finding.steps]
    told += [f"here for the same cause: {name}" for name in finding.brings[:20]]
    title = f"{kind.title}: {finding.component}"
    state = diff.state(finding)
    if state == "failing":
        found = _element(case, "failure", type=kind.name, message=f"{finding.severity}: {title}")
    elif state == "below":
        found = ET.SubElement(case, "system-out")
        told.insert(0, f"{finding.severity}: {title}")
    else:
        why = finding.accepted or "the baseline has it"
        found = _element(case, "skipped", message=f"{state}: {why}")
    found.text = "\n".join(map(_text, told))


def _element(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, {name: _text(v) for name, v in attributes.items()})


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", printable(text, 2_000))
