"""An assessed inventory as a CycloneDX document: the only place that puts one together."""

import json
import uuid
from datetime import datetime
from typing import Any, cast

from cyclonedx.model import component as cdx
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.tool import ToolRepository
from cyclonedx.schema.schema import SchemaVersion1Dot6, SchemaVersion1Dot7

from aibom import __version__
from aibom.formats.text import printable
from aibom.report import bomextras
from aibom.report.bomparts import component_of, properties, service_of, written
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload
from aibom.types.words import moment

VIEWS: dict[str, type[object]] = {"1.6": SchemaVersion1Dot6, "1.7": SchemaVersion1Dot7}
# the namespace of serial numbers that are derived from a document's content (RFC 9562, UUIDv5)
_SERIALS = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/aibom/serial")

_TYPES = {"container": cdx.ComponentType.CONTAINER}


def document_of(
    inventory: Inventory, assessment: Assessment, when: datetime, spec_version: str = "1.7"
) -> dict[str, Any]:
    """Return the CycloneDX document of one workload as JSON values.

    ``when`` (with a time zone) is the time of the observation. The same input gives the same
    document, its serial number included. Raises KeyError for an unknown ``spec_version``.
    """
    verdicts = {v.ref: v for v in assessment.verdicts}
    root = workload_ref(inventory.workload)
    components = [component_of(c, verdicts[c.ref]) for c in inventory.components]
    bom = Bom(
        # a placeholder; the serial number is derived from the finished document
        serial_number=uuid.UUID(int=0),
        metadata=_metadata(inventory, root, when),
        components=components,
        services=[service_of(s) for s in inventory.services],
        properties=properties([*_unseen(inventory), *written(inventory.concerns)]),
    )
    # the library's writer first registers every component in its own dependency graph by a
    # linear search each, which takes minutes for tens of thousands; ours is written below
    document: dict[str, Any] = json.loads(cast("Any", bom).as_json(view_=VIEWS[spec_version]))
    document |= {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
    }
    stamp = document["metadata"]["timestamp"]
    bomextras.settle_order(document)
    bomextras.add_model_cards(document, inventory)
    bomextras.add_dependencies(document, inventory, root)
    bomextras.add_unseen(document, inventory, root, stamp)
    bomextras.add_findings(document, assessment.findings, root, stamp)
    del document["serialNumber"]
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(_SERIALS, content).urn
    return document


def workload_ref(workload: Workload) -> str:
    """Return the bom-ref of a workload."""
    parts = [p for p in (workload.kind, workload.namespace, workload.name) if p]
    return printable("workload:" + "/".join(parts))


def _metadata(inventory: Inventory, root: str, when: datetime) -> BomMetaData:
    workload = inventory.workload
    aibom = cdx.Component(
        type=cdx.ComponentType.APPLICATION, name="aibom", version=__version__, bom_ref="aibom"
    )
    pairs = [
        ("aibom:workload:kind", workload.kind),
        ("aibom:workload:namespace", workload.namespace),
        ("aibom:workload:uid", workload.uid),
    ]
    pairs += [(f"aibom:workload:label:{name}", value) for name, value in workload.labels]
    sensors = [(f"aibom:sensor:{name}", what) for name, what in inventory.sensors]
    return BomMetaData(
        timestamp=when,
        tools=ToolRepository(components=[aibom]),
        lifecycles=[PredefinedLifecycle(LifecyclePhase.OPERATIONS)],
        component=cdx.Component(
            type=_TYPES.get(workload.kind, cdx.ComponentType.APPLICATION),
            name=printable(workload.name),
            group=printable(workload.namespace) or None,
            bom_ref=root,
            properties=properties((name, value) for name, value in pairs if value),
        ),
        properties=properties([*sensors, *_observed(inventory)]),
    )


def _observed(inventory: Inventory) -> list[tuple[str, str]]:
    """Return from when to when it was watched as properties that ``aibom diff`` reads again."""
    if inventory.period is None:
        return []
    return [
        ("aibom:observed:from", moment(inventory.period.first)),
        ("aibom:observed:to", moment(inventory.period.last)),
        ("aibom:observed:seconds", str(inventory.watched)),
    ]


def _unseen(inventory: Inventory) -> list[tuple[str, str]]:
    """Return what could not be seen as properties that ``aibom diff`` reads again."""
    return [
        (
            "aibom:unseen",
            # each part cut, so that the whole stays what it is when it is read again
            json.dumps([printable(p, 900) for p in (u.reason, u.subject, u.detail, u.remedy)]),
        )
        for u in inventory.unseen
    ]
