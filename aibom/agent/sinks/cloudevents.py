"""Findings and BOMs as CloudEvents, in JSON (CloudEvents 1.0.2, JSON Event Format)."""

import json
import re
from urllib.parse import quote

from aibom.agent.events import NewBom, NewFinding
from aibom.agent.sinks.item import key_for
from aibom.formats.text import printable
from aibom.types.inventory import Workload
from aibom.types.words import moment

#: Media type of one event (HTTP Protocol Binding, 3.2, structured content mode).
MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
FINDING, BOM = "aibom.finding", "aibom.bom"

_VERSION = re.compile(r'"specVersion": ?"(\d\.\d)"')


def finding_event(new: NewFinding, line: str) -> bytes:
    """Return a finding as an event; ``line`` is the finding in JSON.

    ``severity`` is an extension attribute, for those who route by attributes.
    """
    attributes = _common(FINDING, new.id, new.node, new.workload, new.first_seen)
    attributes["severity"] = new.finding.severity
    return _with_data(attributes, "application/json", line)


def bom_event(new: NewBom, when: float) -> bytes:
    """Return a BOM as an event of a time, in seconds since the epoch.

    ``status`` is an extension attribute: ``ended`` of a workload that is gone.
    """
    attributes = _common(BOM, new.id, new.node, new.workload, when)
    attributes["status"] = new.status
    version = spec_version(new.text)
    media_type = "application/vnd.cyclonedx+json"  # cyclonedx.org, "Recognized Media Types"
    return _with_data(
        attributes, f"{media_type}; version={version}" if version else media_type, new.text
    )


def spec_version(text: str) -> str:
    """Return the version of CycloneDX that a BOM is in, as far as one of ours tells."""
    match = _VERSION.search(text, max(0, len(text) - 4096)) or _VERSION.search(text)
    return match[1] if match else ""


def _common(kind: str, key: str, node: str, workload: Workload, when: float) -> dict[str, str]:
    names = (workload.kind, workload.namespace, workload.name)
    return {
        "specversion": "1.0",
        "type": kind,
        "id": key_for(key),
        "source": f"/aibom/nodes/{quote(node.encode(errors='replace'), safe='')}",
        "subject": printable("/".join(filter(None, names)), 1000),
        "time": moment(when),
    }


def _with_data(attributes: dict[str, str], media_type: str, data: str) -> bytes:
    # the data are JSON already, and a BOM of some megabytes is not read again for it
    head = json.dumps(attributes | {"datacontenttype": media_type})
    return (head[:-1] + ', "data": ' + data.strip() + "}").encode(errors="replace")
