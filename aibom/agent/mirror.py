"""How the agent is, put together from its parts for everybody who asks."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aibom import __version__
from aibom.agent.containment import Containment
from aibom.agent.output.summary import summary_of
from aibom.agent.parts import Parts
from aibom.agent.sensing import sensors_of
from aibom.agent.status import Status
from aibom.agent.tracking import Tracked
from aibom.types.facts import NodeFacts


@dataclass
class Mirror:
    """Keeps the newest Status, which is one value and may be read by any thread."""

    node: str
    parts: Parts
    containment: Containment

    def __post_init__(self) -> None:
        """Begin with an agent that has seen nothing yet."""
        self.status = Status(__version__, self.node, time.time(), round_at=time.monotonic())

    def count(self, facts: NodeFacts, reported: Sequence[Tracked]) -> None:
        """Take what was seen, after it was published."""
        kept = [one.inventory for one in reported]
        everywhere = frozenset(facts.unseen)
        unseen: Counter[str] = Counter(u.reason for u in everywhere)
        for inventory in kept:
            unseen.update(u.reason for u in inventory.unseen if u not in everywhere)
        self.status = replace(
            self.status,
            ready=self.parts.watcher.sweeps > 0,
            processes=len(facts.processes),
            workloads=Counter(i.workload.kind for i in kept),
            components=Counter(c.kind for i in kept for c in i.components),
            services=Counter(s.role for i in kept for s in i.services if s.role),
            unseen=unseen,
            sensors=sensors_of(facts.sensors, facts.unseen),
        )

    def look(self) -> None:
        """Look at all parts anew; called every round."""
        parts, counts = self.parts, self.parts.watcher.counts
        files, size = parts.digests.waiting
        failures = Counter(self.containment.failures)
        failures["output"] += parts.output.failures
        failures["sinks"] += parts.sinks.crashes
        self.status = replace(
            self.status,
            round_at=time.monotonic(),
            sweeps=parts.watcher.sweeps,
            sweep_at=parts.watcher.swept_at,
            events=counts.events,
            events_lost=counts.lost,
            uses=counts.uses,
            unattributed=counts.unattributed,
            config_error=parts.reloader.error,
            state_error=parts.state.error,
            output_error=parts.output.error,
            findings=parts.state.open_findings(),
            sinks=parts.sinks.statuses(),
            failures={part: count for part, count in failures.items() if count},
            boms_written=parts.output.boms_written,
            findings_written=parts.output.findings_written,
            hashed_files=parts.digests.files,
            hashed_bytes=parts.digests.bytes,
            hashing_files=files,
            hashing_bytes=size,
        )

    def summary(self, reported: Sequence[Tracked]) -> dict[str, Any]:
        """Return the node in one document."""
        pairs = [one.compared for one in reported if one.compared is not None]
        return summary_of(self.status, pairs, self.parts.output.boms)
