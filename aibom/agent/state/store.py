"""The memory of an agent: what was seen, since when, and what was told of it."""

import time
from collections.abc import Callable, Iterable, Mapping

from aibom.agent.events import NewFinding, key_of
from aibom.agent.log import Log
from aibom.agent.state import rows
from aibom.agent.state.ages import Clocks
from aibom.agent.state.keeper import Bounds, Keeper
from aibom.agent.state.known import REFRESH_SECONDS
from aibom.agent.state.loads import image_loads
from aibom.agent.state.news import ToldOf, news
from aibom.agent.state.place import Place
from aibom.agent.state.watches import Watched
from aibom.compare.missing import Seen
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload

_DAY = 86_400.0


class State:
    """What is remembered, in memory and in a database that may fail at any time.

    Memory leads and the database follows: what cannot be written waits and is tried again, so
    that within one run nothing is told twice, and nothing that lives is forgotten. All times that
    are given are those of the wall clock, in seconds since the epoch. Only one thread uses it.
    """

    def __init__(self, keeper: Keeper) -> None:
        """Use what ``keeper`` keeps. ``State.open`` is what callers want."""
        self._keeper = keeper

    @classmethod
    def open(
        cls,
        folder: str,
        log: Log,
        *,
        clock: Callable[[], float] = time.time,
        days: float = 30.0,
        max_bytes: int = 256 * 2**20,
    ) -> "State":
        """Open the state in a folder, which is made where it is missing.

        What was not seen for ``days`` is forgotten, and the file stays below ``max_bytes``.
        Raises AgentError when the folder is not ours alone, or another agent uses it.
        """
        place = Place(folder)
        try:
            limits = Bounds(days * _DAY, max_bytes)
            return cls(Keeper(place, log, Clocks(clock, time.monotonic), limits))
        except BaseException:
            place.close()
            raise

    def reload(self, days: float, max_bytes: int) -> None:
        """Keep so much from now on; see ``open``."""
        self._keeper.limit(Bounds(days * _DAY, max_bytes))

    def take(
        self, node: str, inventory: Inventory, assessment: Assessment, now: float
    ) -> list[NewFinding]:
        """Remember what is seen of a workload, and return what is new of its findings.

        A finding is returned once. It is untold until ``told``, also when the agent is killed.
        """
        return self.take_all(node, ((inventory, assessment),), now)

    def take_all(
        self, node: str, workloads: Iterable[tuple[Inventory, Assessment]], now: float
    ) -> list[NewFinding]:
        """Take several workloads in one transaction: one wait for the disk, not one for each.

        Each workload should be taken once an hour at least, also when nothing of it changed:
        that is what says how long its components were there.
        """
        keeper = self._keeper
        moment = keeper.moment(now)
        new: list[NewFinding] = []
        for inventory, assessment in workloads:
            known = keeper.known(key_of(inventory.workload), inventory.workload)
            keeper.memory.meet(known, inventory, moment, keeper.image)
            new += news(node, known, (inventory, assessment), moment[:2], self._told_of())
        # a finding that is in the output and not here would be told again after a power cut
        keeper.save(now, durable=bool(new))
        return new

    def _told_of(self) -> ToldOf:
        keeper = self._keeper
        rows_of = keeper.database.rows
        return ToldOf(
            keeper.untold,
            lambda finding_id: keeper.untold.is_adopted(finding_id, rows_of),
            keeper.limits.seconds,
        )

    def untold(self) -> list[NewFinding]:
        """Return the findings that were new and of which ``told`` was not called, oldest first."""
        return self._keeper.untold.all()

    def told(self, ids: Iterable[str]) -> None:
        """Note that findings are written where nothing loses them."""
        self._keeper.untold.told(ids)
        self._keeper.save(self._keeper.clocks.wall())

    def adopt(self, ids: Iterable[str]) -> None:
        """Note what an output has told, which only counts for a state that began without it."""
        self._keeper.untold.adopt(ids)
        self._keeper.save(self._keeper.clocks.wall())

    def recall(self, key: str) -> Inventory | None:
        """Return what was last remembered of a workload, None when it is not known.

        Nor is what another version of aibom remembered, if this one does not understand it.
        """
        known = self._keeper.memory.knowns.get(key)
        if known is not None and known.unsaved is not None:
            return known.unsaved
        return self._keeper.database.read(lambda file: rows.inventory_of(file, key))

    def living(self) -> dict[str, Workload]:
        """Return the workloads that have not ended; at the start, those that lived at the stop."""
        return {known.key: known.workload for known in self._keeper.memory.living}

    def ended(self, key: str, now: float) -> None:
        """Note that a workload is gone: its findings hold no more."""
        keeper = self._keeper
        known = keeper.memory.knowns.get(key)
        if known is not None and known.ended is None:
            keeper.memory.end(known, keeper.moment(now))
            keeper.save(now)

    def watched(self, key: str) -> Watched | None:
        """Return since when and for how many seconds a workload was watched; None of no such one.

        The seconds are those of all runs of the agent together.
        """
        known = self._keeper.find(key)
        return known.watch.told(self._keeper.clocks.monotonic()) if known is not None else None

    def image_watched(self, digest: str) -> Watched | None:
        """Return since when and for how many seconds containers of an image were watched.

        ``digest`` is what ``things.image_digest`` returns of an image component. None of an
        unknown image.
        """
        image = self._keeper.image(digest)
        return image.watch.told(self._keeper.clocks.monotonic()) if image is not None else None

    def image_loads(self, digest: str, since: float) -> Seen | None:
        """Return what containers of an image loaded since a time, by all names of a claim.

        None of an unknown image, and when it cannot be read. Where it is not sure whether
        something was still loaded then, it counts as loaded.
        """
        keeper = self._keeper
        image = keeper.image(digest)
        if image is None:
            return None
        age = keeper.ages.at(since, keeper.clocks.wall())
        knowns = [keeper.memory.knowns[key] for key in image.members]
        stored = [known.refreshed for known in knowns if known.refreshed is not None]
        age = min([age, *stored]) - 2 * REFRESH_SECONDS
        return keeper.database.read(lambda file: image_loads(file, digest, age))

    def open_findings(self) -> Mapping[tuple[str, str], int]:
        """Count the findings of living workloads that hold, by (id, severity)."""
        return self._keeper.memory.open_findings()

    def prune(self, now: float) -> None:
        """Forget what is too old and what is too much; to be called once a minute."""
        self._keeper.prune(now)

    @property
    def error(self) -> str:
        """What is wrong, in one line; empty when nothing is."""
        return self._keeper.error

    def close(self) -> None:
        """Store what waits, and leave the folder to others."""
        self._keeper.close(self._keeper.clocks.wall())
