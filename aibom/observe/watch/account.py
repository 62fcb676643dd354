"""What a watch could not see, and how much it saw: kept within bounds, said in words."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aibom.types.unseen import Unseen

#: Most records of what could not be seen that are kept.
MAX_UNSEEN = 2_000


@dataclass(slots=True)
class Counts:
    """What events told: all of them, uses of model files, how many of those are nobody's.

    ``lost`` counts the times at which events came faster than they could be read.
    """

    events: int = 0
    uses: int = 0
    unattributed: int = 0
    lost: int = 0


class Account:
    """Collects what could not be seen."""

    def __init__(self, unseen: tuple[Unseen, ...]) -> None:
        """Begin with what was found when the sensors were opened."""
        self.counts = Counts()
        self._unseen: dict[Unseen, None] = dict.fromkeys(unseen)
        self._dropped = 0

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        """What could not be seen so far."""
        return tuple(self._unseen)

    def miss(self, unseen: Unseen) -> None:
        """Take something that could not be seen."""
        if unseen in self._unseen or len(self._unseen) < MAX_UNSEEN:
            self._unseen[unseen] = None
        else:
            self._dropped += 1

    def forget(self, alive: Collection[int]) -> None:
        """Forget what could not be seen of processes that are not ``alive`` any more."""
        self._unseen = {u: None for u in self._unseen if u.pid is None or u.pid in alive}
        self._dropped = 0

    @contextmanager
    def guarded(self, pid: int) -> Iterator[None]:
        """Let what one event or process brings cost nothing but itself."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - an hour's watch is worth more than a trace
            detail = f"{type(error).__name__}: {error}"[:200]
            self.miss(Unseen("unreadable", f"an act of process {pid}", detail, "", pid or None))

    def shortfalls(self, forgotten: int) -> list[Unseen]:
        """Say in numbers what events did not tell, and what there was no room for."""
        found = []
        if self.counts.lost:
            detail = f"{self.counts.lost} times events came faster than they could be read"
            remedy = "what was still mapped, open or imported then was seen by a sweep"
            found.append(Unseen("lost", "file and process events", detail, remedy))
        if self.counts.unattributed:
            detail = (
                f"{self.counts.unattributed} of {self.counts.uses} uses of model files were by"
                " processes that ended too soon to be asked where they ran"
            )
            found.append(Unseen("unattributed", "uses of model files", detail))
        if more := forgotten + self._dropped:
            found.append(Unseen("lost", "the watch's memory", f"{more} records did not fit"))
        return found

    def summary(self) -> str:
        """Return what file events told, in numbers."""
        counts = self.counts
        return (
            f"{counts.events} seen, {counts.uses} of model files"
            f" ({counts.unattributed} not attributed), {counts.lost} losses"
        )
