"""What is held in memory of a workload and of an image."""

import math
from dataclasses import dataclass, field

from aibom.agent.state.findings import Held, close
from aibom.agent.state.things import images_of
from aibom.agent.state.watches import Watch
from aibom.types.inventory import Inventory, Workload

#: Seconds after which what did not change is stored once more, for its times.
REFRESH_SECONDS = 3600.0


@dataclass(slots=True)
class Known:
    """A workload that lives, or has ended and is not stored yet.

    ``content`` tells its content from other content in this run, ``unsaved`` is the inventory
    that waits to be stored, ``saved`` the monotonic time and ``refreshed`` the state's age when
    one was stored last. ``dirty`` is set when anything else has to be stored.
    """

    key: str
    workload: Workload
    watch: Watch
    findings: dict[str, Held] = field(default_factory=dict)
    ended: float | None = None
    images: frozenset[str] = frozenset()
    content: int | None = None
    unsaved: Inventory | None = None
    saved: float | None = None
    refreshed: float | None = None
    dirty: bool = True

    def meet(self, inventory: Inventory, now: float, age: float, monotonic: float) -> None:
        """Take what is seen of the workload at ``now``; it waits to be stored if that is new."""
        self.watch.meet(now, age, monotonic)
        self.dirty |= self.ended is not None
        self.ended = None
        self.workload = inventory.workload
        content = content_of(inventory)
        if content != self.content or self.age_of_saved(monotonic) >= REFRESH_SECONDS:
            self.content = content
            self.images = frozenset(images_of(inventory))
            self.unsaved = inventory

    def end(self, now: float, age: float, monotonic: float) -> None:
        """Note that the workload is gone, and nothing holds of it any more."""
        if self.watch.since is not None:
            self.watch.meet(now, age, monotonic)
            self.watch.leave(monotonic)
        self.ended = now
        self.dirty = True
        for held in self.findings.values():
            close(held, now, age)

    def age_of_saved(self, monotonic: float) -> float:
        """Return how many seconds ago an inventory was stored."""
        return monotonic - self.saved if self.saved is not None else math.inf

    def forget_stored(self) -> None:
        """Note that nothing is stored any more."""
        self.dirty = True
        self.content = self.saved = self.refreshed = None


@dataclass(slots=True)
class Image:
    """An image that living workloads run: it is watched while there is one."""

    digest: str
    watch: Watch
    members: set[str] = field(default_factory=set)


def content_of(inventory: Inventory) -> int:
    """Return a number that tells content from other content in this run of the program.

    When something was seen, and for how long, makes no difference.
    """
    workload = inventory.workload
    return hash(
        (
            (workload.kind, workload.name, workload.namespace, workload.uid, workload.labels),
            inventory.components,
            inventory.services,
            inventory.links,
            inventory.unseen,
            inventory.concerns,
        )
    )
