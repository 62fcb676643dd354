"""A finding as one line of JSON, as schemas/aibom-finding.schema.json describes it."""

import json
from collections.abc import Iterable
from typing import Any

from aibom.agent.events import NewFinding
from aibom.formats.text import printable
from aibom.report.findingparts import sentence
from aibom.types.findings import Finding, Severity
from aibom.types.inventory import Component, Evidence, Workload
from aibom.types.words import moment

FINDING_SCHEMA = "aibom.finding/1"
#: OCSF 1.x, severity_id: Informational 1, Low 2, Medium 3, High 4, Critical 5.
SEVERITY_IDS: dict[Severity, int] = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
#: Bytes of a line at most: Fluent Bit stops reading a file with a longer one than 32 KiB
#: (its tail input, Buffer_Max_Size and Skip_Long_Lines).
LONGEST = 32_000

# characters of a text and entries of a list, from generous to what fits in any case
_LIMITS = ((4096, 50), (1024, 20), (512, 8), (128, 2))


def finding_line(new: NewFinding, when: float) -> str:
    """Return a finding as one line with its newline, of at most ``LONGEST`` bytes.

    ``when`` is when it is told, in seconds since the epoch. Texts that are too long end in ``…``,
    lists that are too long are cut and the line says ``"cut": true``.
    """
    line = ""
    for number, (characters, entries) in enumerate(_LIMITS):
        document = _document(new, when, characters, entries)
        if number:
            document["cut"] = True
        line = json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
        if len(line.encode()) <= LONGEST:
            break
    return line


def _document(new: NewFinding, when: float, characters: int, entries: int) -> dict[str, Any]:
    finding = new.finding
    document = {
        "schema": FINDING_SCHEMA,
        "id": new.id,
        "time": moment(when),
        "first_seen": moment(new.first_seen),
        "severity": finding.severity,
        "severity_id": SEVERITY_IDS[finding.severity],
        "rule": finding.kind.id,
        "name": finding.kind.name,
        "title": finding.kind.title,
        "message": sentence(finding),
        "node": new.node,
        "workload": _workload(new.workload),
        "resource": _resource(new, entries),
        "component": _component(finding, new.component, entries),
        "evidence": _evidence(finding, new.component, entries),
        "reason": "; ".join(filter(None, (finding.reason, finding.because))),
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
        **_filled(_more(finding, entries)),
    }
    fit: dict[str, Any] = _fit(document, characters)
    return fit


def _more(finding: Finding, entries: int) -> dict[str, Any]:
    closest = finding.closest
    return {
        "accepted": finding.accepted,
        "document": finding.document,
        "line": finding.line,
        "closest": _filled(
            {
                "document": closest.document,
                "line": closest.line,
                "name": closest.name,
                "version": closest.version,
                "purl": closest.purl,
                "differs": closest.differs,
            }
        )
        if closest is not None
        else None,
        "brings": list(finding.brings[:entries]),
        "references": [
            _filled({"catalogue": r.catalogue, "id": r.id, "title": r.title, "url": r.url})
            for r in finding.references[:entries]
        ],
    }


def _workload(workload: Workload) -> dict[str, Any]:
    values = {"namespace": workload.namespace, "uid": workload.uid}
    return {"kind": workload.kind, "name": workload.name, **_filled(values)}


def _resource(new: NewFinding, entries: int) -> dict[str, Any]:
    """Return where it is, in the names of OpenTelemetry's semantic conventions.

    Of their resource attributes: host, k8s (node, namespace, pod, container), container.
    """
    workload, found = new.workload, {"host.name": new.node}
    containers = new.component.containers if new.component is not None else ()
    if workload.kind == "pod":
        found["k8s.node.name"] = new.node
        found["k8s.namespace.name"] = workload.namespace
        found["k8s.pod.name"] = workload.name
        found["k8s.pod.uid"] = workload.uid
        if len(containers) == 1:
            found["k8s.container.name"] = containers[0]
        for name, value in workload.labels[:entries]:
            found[f"k8s.pod.label.{name}"] = value
    elif workload.kind == "container":
        found["container.name"] = workload.name
        found["container.id"] = workload.uid
    return _filled(found)


def _component(finding: Finding, component: Component | None, entries: int) -> dict[str, Any]:
    if component is None:
        return _filled({"ref": finding.ref, "name": finding.component})
    return {
        "ref": component.ref,
        "kind": component.kind,
        "name": component.name,
        **_filled(
            {
                "version": component.version,
                "purl": component.purl,
                "sha256": component.sha256,
                "containers": list(component.containers[:entries]),
            }
        ),
        "origin": component.origin.kind,
    }


def _evidence(finding: Finding, component: Component | None, entries: int) -> dict[str, Any]:
    telling = component.telling if component is not None else ()
    return {
        "summary": finding.evidence,
        **_filled(
            {
                "steps": list(finding.steps[:entries]),
                "seen": [_seen(one) for one in telling[:entries]],
            }
        ),
    }


def _seen(evidence: Evidence) -> dict[str, Any]:
    return _filled(
        {
            "how": evidence.how,
            "path": evidence.path,
            "host_path": evidence.origin.host_path,
            "process": evidence.process,
            "pid": evidence.pid,
            "container": evidence.container,
        }
    )


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _fit(value: Any, characters: int) -> Any:
    """Return a value with every text on one line, fit to be shown, and not too long."""
    if isinstance(value, dict):
        return {printable(k, min(characters, 256)): _fit(v, characters) for k, v in value.items()}
    if isinstance(value, list):
        return [_fit(v, characters) for v in value]
    return printable(value, characters) if isinstance(value, str) else value


def severities(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    counts = dict.fromkeys(SEVERITY_IDS, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return _filled({str(name): count for name, count in counts.items()})
