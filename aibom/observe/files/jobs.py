"""Files that wait to be hashed: few at a time, and fair to the workloads that hold them."""

from collections import defaultdict, deque
from typing import NamedTuple

from aibom.observe.host.live import LiveFile
from aibom.types.files import FileKey

#: Most groups whose share is remembered while nothing of theirs waits.
MAX_GROUPS = 1_000
#: How many times as large a file is that does not keep another one waiting.
SMALL = 8


class Job(NamedTuple):
    """An open file to be hashed. ``group`` holds it; ``since`` is monotonic seconds."""

    key: FileKey
    group: str
    file: LiveFile
    since: float


def _may_go(job: Job, beside: Job | None) -> bool:
    if beside is None:
        return True
    return job.group != beside.group and job.key.size * SMALL < beside.key.size


class Jobs:
    """A bounded queue in which the group comes first that has had the fewest bytes so far.

    A group that comes anew begins where the others are: what it did not ask for before, it does
    not get now. When the queue is full, a group with more files in it makes room for one with
    less, so that nobody can fill it for others.
    """

    def __init__(self, most: int) -> None:
        """Hold at most ``most`` files."""
        self._most = most
        self._waiting: defaultdict[str, deque[Job]] = defaultdict(deque)
        self._keys: set[FileKey] = set()
        self._served: dict[str, int] = {}
        self._level = 0

    def __contains__(self, key: FileKey) -> bool:
        """Say whether a file waits."""
        return key in self._keys

    def __len__(self) -> int:
        """Return how many files wait."""
        return len(self._keys)

    @property
    def size(self) -> int:
        """Bytes of all files that wait."""
        return sum(key.size for key in self._keys)

    def has_room(self, group: str) -> bool:
        """Say whether a file of a group would be taken."""
        if len(self._keys) < self._most:
            return True
        return len(self._waiting[self._longest()]) > len(self._waiting.get(group, ())) + 1

    def put(self, job: Job) -> Job | None:
        """Take a job for which there is room; return the one that makes room for it, if any."""
        out = None
        if len(self._keys) >= self._most:
            longest = self._longest()
            out = self._waiting[longest].pop()
            self._forget(out)
        if not self._waiting.get(job.group):
            self._served[job.group] = max(self._served.get(job.group, 0), self._level)
        self._waiting[job.group].append(job)
        self._keys.add(job.key)
        return out

    def take(self, *, beside: Job | None = None) -> Job | None:
        """Return the next job, None when nothing waits.

        ``beside`` is one that is being done: then only another group's comes next, and only one
        that is small beside it.
        """
        groups = [name for name, jobs in self._waiting.items() if _may_go(jobs[0], beside)]
        if not groups:
            return None
        group = min(groups, key=lambda name: (self._served[name], name))
        job = self._waiting[group].popleft()
        self._level = max(self._level, self._served[group])
        self._served[group] += job.key.size
        self._forget(job)
        return job

    def older(self, moment: float) -> list[Job]:
        """Take out the jobs that have waited since before ``moment``, and return them."""
        old = [job for jobs in self._waiting.values() for job in jobs if job.since < moment]
        for job in old:
            self._waiting[job.group].remove(job)
            self._forget(job)
        return old

    def _longest(self) -> str:
        return max(self._waiting, key=lambda name: (len(self._waiting[name]), name))

    def _forget(self, job: Job) -> None:
        self._keys.discard(job.key)
        if not self._waiting[job.group]:
            del self._waiting[job.group]
        if len(self._served) > MAX_GROUPS:
            self._served = {g: s for g, s in self._served.items() if g in self._waiting}
