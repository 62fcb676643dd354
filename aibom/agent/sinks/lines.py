"""A finding as the line that every sink sends of it."""

import json
from dataclasses import asdict

from aibom.agent.events import NewFinding


def line_of(new: NewFinding, when: float) -> str:
    """Return a finding as JSON on one line; it is told at ``when``, in seconds since the epoch."""
    workload = new.workload
    return json.dumps(
        {
            "id": new.id,
            "node": new.node,
            "workload": {k: getattr(workload, k) for k in ("kind", "namespace", "name", "uid")},
            "finding": asdict(new.finding),
            "first_seen": new.first_seen,
            "time": when,
        }
    )
