"""The node in one document: how it is watched, and what runs on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aibom.agent.events import key_of
from aibom.agent.findingline import severities
from aibom.agent.output.bomfiles import BomFile
from aibom.agent.status import Status
from aibom.formats.text import printable
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory
from aibom.types.words import moment

NODE_SCHEMA = "aibom.node/1"


def summary_of(
    status: Status,
    workloads: Sequence[tuple[Inventory, Assessment]],
    boms: Mapping[str, BomFile],
) -> dict[str, Any]:
    """Return the summary of a node (schemas/aibom-node.schema.json).

    ``boms`` are the newest ones by the keys of workloads. Nothing in it changes by time alone.
    """
    findings = [finding for _, assessment in workloads for finding in assessment.findings]
    return {
        "schema": NODE_SCHEMA,
        "node": printable(status.node),
        "version": status.version,
        "started": moment(status.started),
        "ready": status.ready,
        "sensors": [
            {
                "name": printable(sensor.name),
                "state": sensor.state,
                "detail": printable(sensor.detail),
                "remedy": printable(sensor.remedy),
            }
            for sensor in status.sensors
        ],
        "troubles": {
            part: printable(said)
            for part, said in (
                ("configuration", status.config_error),
                ("output", status.output_error),
                ("state", status.state_error),
            )
            if said
        },
        "unseen": dict(sorted(status.unseen.items())),
        "findings": severities(findings),
        "workloads": [_workload(i, a, boms.get(key_of(i.workload))) for i, a in workloads],
    }


def _workload(inventory: Inventory, assessment: Assessment, bom: BomFile | None) -> dict[str, Any]:
    workload = inventory.workload
    return {
        "kind": workload.kind,
        "namespace": printable(workload.namespace),
        "name": printable(workload.name),
        "uid": printable(workload.uid),
        "bom": None if bom is None else {"file": f"boms/{bom.name}", "sha256": bom.sha256},
        "components": dict(sorted(Counter(c.kind for c in inventory.components).items())),
        "services": dict(sorted(Counter(s.role for s in inventory.services if s.role).items())),
        "findings": severities(assessment.findings),
        "unseen": len(inventory.unseen),
    }
