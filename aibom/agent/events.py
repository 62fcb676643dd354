"""What an agent has to say: new findings, and new versions of BOMs."""

from dataclasses import dataclass
from typing import Literal

from aibom.types.findings import Finding
from aibom.types.inventory import Component, Workload


def key_of(workload: Workload) -> str:
    """Return what tells a workload from every other one on the node, for as long as it lives.

    A pod's and a container's identifier are never given twice; a service or a session is told by
    its name.
    """
    if workload.kind in ("pod", "container") and workload.uid:
        return f"{workload.kind}:{workload.uid}"
    return f"{workload.kind}:{workload.namespace}/{workload.name}"


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A finding that was not told of before.

    ``id`` is the same whenever it is told again, after a crash for one: receivers may use it as
    an idempotency key. ``component`` is what it is about, None where that is no component.
    ``first_seen`` is in seconds since the epoch.
    """

    id: str
    node: str
    workload: Workload
    finding: Finding
    component: Component | None
    first_seen: float


#: Of a BOM: its workload lives, or is gone and this is its last one.
BomStatus = Literal["running", "ended"]


@dataclass(frozen=True, slots=True)
class NewBom:
    """A workload's BOM whose content is new.

    ``id`` is told by node, workload, content and the version before: what comes back is new.
    ``name`` is its file's name, ``text`` the document.
    """

    id: str
    node: str
    workload: Workload
    name: str
    text: str
    status: BomStatus = "running"
