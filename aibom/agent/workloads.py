"""The workloads of a node: what is seen of them goes in, what is new of them is published."""

from collections.abc import Sequence
from dataclasses import dataclass

from aibom.agent.config.settings import Selection
from aibom.agent.containment import Containment
from aibom.agent.events import NewFinding, key_of
from aibom.agent.log import Log
from aibom.agent.naming import named
from aibom.agent.publishing import Publisher
from aibom.agent.selecting import is_selected
from aibom.agent.tracking import Living, Tracked, Tracking
from aibom.types.facts import NodeFacts
from aibom.types.rules import RuleSet


@dataclass
class Workloads:
    """Tracks workloads, and publishes those that are selected."""

    tracking: Tracking
    publisher: Publisher
    selection: Selection
    rules: RuleSet
    containment: Containment
    log: Log

    @property
    def reported(self) -> list[Tracked]:
        """The workloads that are selected, and live."""
        return [one for one in self.tracking if is_selected(one.inventory, self.selection)]

    def take(self, facts: NodeFacts, living: Living) -> None:
        """Take what was seen of the node, and publish what is new."""
        for inventory in named(facts, self.rules, self.containment.fails):
            with self.containment.of("workload"):
                self.tracking.take(inventory, living)
        news = [one for one in self.reported if one.is_news()]
        if news:
            self._tell(self.publisher.publish(news))

    def write(self, *, everything: bool = False) -> None:
        """Write the BOMs that are due, or all that are asked for."""
        self.publisher.write(self.reported, everything=everything)

    def bury(self, living: Living) -> None:
        """Publish the last of what has ended, and forget it."""
        ended = [
            one for one in self.tracking.ended(living) if is_selected(one.inventory, self.selection)
        ]
        if ended:
            self._tell(self.publisher.publish(ended, "ended"))

    def refresh(self) -> None:
        """Let the state know what is still there."""
        new = self.publisher.refresh(self.reported)
        self._tell(new)
        # their BOMs lack it
        self.tracking.tell_again({key_of(one.workload) for one in new})

    def settle(self, now: float) -> None:
        """Once everything that lives is known: note the end of what ended while nobody looked."""
        for key in self.publisher.state.living():
            if key not in self.tracking:
                self.publisher.state.ended(key, now)
        self.publisher.output.settle([one.inventory.workload for one in self.tracking])

    def _tell(self, new: Sequence[NewFinding]) -> None:
        for one in new:
            workload, finding = one.workload, one.finding
            self.log.info(
                "new finding",
                id=finding.kind.id,
                severity=finding.severity,
                workload="/".join(part for part in (workload.namespace, workload.name) if part),
                component=finding.component,
                evidence=finding.evidence,
            )
