"""The workloads of a node: what is seen of them goes in, what is new of them is published."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aibom.agent.config.settings import Selection
from aibom.agent.containment import Containment
from aibom.agent.events import NewFinding, key_of
from aibom.agent.images.own import reference_of
from aibom.agent.log import Log
from aibom.agent.naming import named
from aibom.agent.publishing import Publisher
from aibom.agent.selecting import is_selected
from aibom.agent.tracking import Living, Tracked, Tracking
from aibom.identify.unchanged import Unchanged
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
    #: have ended, and wait for their images
    ending: list[Tracked] = field(default_factory=list)
    unchanged: Unchanged = field(default_factory=Unchanged)

    @property
    def images(self) -> frozenset[str]:
        """The images of everything that is known, by the references of reference_of."""
        known = (*self.tracking, *self.ending)
        found = (reference_of(c) for one in known for c in one.inventory.components)
        return frozenset(found) - {""}

    @property
    def reported(self) -> list[Tracked]:
        """The workloads that are selected, and live."""
        return [one for one in self.tracking if self._is_selected(one)]

    def _is_selected(self, one: Tracked) -> bool:
        return is_selected(one.inventory, self.selection)

    def reload(self, selection: Selection) -> None:
        """Report other workloads from now on; for the state, those that are not have ended."""
        before = self.reported
        self.selection = selection
        for one in before:
            if not self._is_selected(one):
                self.publisher.state.ended(key_of(one.inventory.workload), time.time())
        self.publisher.output.settle([one.inventory.workload for one in self.reported])

    def take(self, facts: NodeFacts, living: Living) -> None:
        """Take what was seen of the node, and publish what is new."""
        for inventory in named(facts, self.rules, self.containment.fails, self.unchanged):
            with self.containment.of("workload"):
                self.tracking.take(inventory, living)
        self.tell()

    def tell(self) -> None:
        """Publish what is new; what waits for its images is so until it was published."""
        news = [one for one in self.reported if one.is_news()]
        if news:
            self._tell(self.publisher.publish(news))

    def tell_again(self, images: frozenset[str]) -> None:
        """Let what has one of these images be published once more."""
        keys = {
            key_of(one.inventory.workload)
            for one in self.tracking
            if not images.isdisjoint(map(reference_of, one.inventory.components))
        }
        self.tracking.tell_again(keys)

    def write(self) -> None:
        """Go on with the BOMs that lack something."""
        lacking = [one for one in self.tracking if one.unwritten]
        self.publisher.write([one for one in lacking if self._is_selected(one)])

    def write_all(self) -> None:
        """Write all BOMs that lack something, at once."""
        self.publisher.write_all(self.reported)

    def bury(self, living: Living) -> None:
        """Publish the last of what has ended, and forget it."""
        self.ending += [one for one in self.tracking.ended(living) if self._is_selected(one)]
        if self.ending:
            self._tell(self.publisher.publish(self.ending, "ended"))
            self.ending = [one for one in self.ending if one.waits]

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
