"""What lives, in memory: workloads, the images that they run, and what waits to be stored."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from aibom.agent.state.known import Image, Known
from aibom.agent.state.watches import Watch
from aibom.types.inventory import Inventory

#: How long a content that changes again and again waits until it is stored, in seconds.
SETTLE_SECONDS = 5.0
#: Most workloads that have ended and wait to be stored.
MAX_WAITING = 10_000


class Memory:
    """The living workloads by key, with those that have ended and are not stored yet."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.knowns: dict[str, Known] = {}
        self.images: dict[str, Image] = {}

    @property
    def living(self) -> Iterator[Known]:
        """The workloads that have not ended."""
        return (known for known in self.knowns.values() if known.ended is None)

    def meet(
        self,
        known: Known,
        inventory: Inventory,
        moment: tuple[float, float, float],
        find: Callable[[str], Image | None],
    ) -> None:
        """Take what is seen of a workload; ``moment`` is wall clock, age and monotonic clock.

        ``find`` returns what is stored of an image.
        """
        now, age, monotonic = moment
        before = known.images
        known.meet(inventory, now, age, monotonic)
        for digest in known.images:
            image = self.images.get(digest)
            if image is None:
                image = find(digest) or Image(digest, Watch(now, now, age))
                self.images[digest] = image
            image.members.add(known.key)
            image.watch.meet(now, age, monotonic)
        self._leave(known.key, before - known.images, monotonic)

    def end(self, known: Known, moment: tuple[float, float, float]) -> None:
        """Note that a workload is gone; see ``meet``."""
        now, age, monotonic = moment
        for digest in known.images:
            if digest in self.images:
                self.images[digest].watch.meet(now, age, monotonic)
        known.end(now, age, monotonic)
        self._leave(known.key, known.images, monotonic)

    def _leave(self, key: str, digests: Iterable[str], monotonic: float) -> None:
        for digest in digests:
            image = self.images.get(digest)
            if image is not None:
                image.members.discard(key)
                if not image.members:
                    image.watch.leave(monotonic)

    def pulse(self, now: float, age: float, monotonic: float) -> list[Known]:
        """Note that what is watched is still there, and return it."""
        found = [k for k in self.living if k.watch.since is not None]
        for watch in (*(k.watch for k in found), *(i.watch for i in self.images.values())):
            if watch.since is not None:
                watch.meet(now, age, monotonic)
        return found

    def due(self, monotonic: float, *, everything: bool) -> list[Known]:
        """Return what has to be stored now; inventories that change all the time wait a little."""
        return [
            known
            for known in self.knowns.values()
            if known.dirty or (known.unsaved is not None and (everything or ripe(known, monotonic)))
        ]

    def saved(self, knowns: Iterable[Known]) -> None:
        """Note what is stored; what has ended is not kept in memory then."""
        for known in knowns:
            known.dirty = False
            if known.ended is not None and self.knowns.get(known.key) is known:
                del self.knowns[known.key]
        self.images = {d: i for d, i in self.images.items() if i.members}

    def merge(self, stored: Known) -> None:
        """Take over what a database has of a workload."""
        known = self.knowns.setdefault(stored.key, stored)
        if known is stored:
            return
        known.watch.first = min(known.watch.first, stored.watch.first)
        known.watch.seconds += stored.watch.seconds
        for fingerprint, old in stored.findings.items():
            held = known.findings.setdefault(fingerprint, old)
            held.told = max(held.told, old.told)
            held.first = min(held.first, old.first)

    def bound(self) -> None:
        """Give up what waits to be stored and has become too much: the oldest ends first."""
        ended = [known for known in self.knowns.values() if known.ended is not None]
        for known in ended[: max(len(ended) - MAX_WAITING, 0)]:
            del self.knowns[known.key]

    def open_findings(self) -> Counter[tuple[str, str]]:
        """Count the findings that hold now, by id and severity."""
        return Counter(
            (held.kind, held.severity)
            for known in self.living
            for held in known.findings.values()
            if held.closed is None
        )


def ripe(known: Known, monotonic: float) -> bool:
    """Say whether a workload's inventory has waited long enough to be stored."""
    return known.age_of_saved(monotonic) >= SETTLE_SECONDS
