"""Digests computed beside the work: large files are hashed by one thread that stands back."""

import errno
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from aibom.observe.files.digests import DEFAULT_LIMIT, Digests, PendingError
from aibom.observe.files.hashing import ChangedError, stand_back
from aibom.observe.files.jobs import Job, Jobs
from aibom.observe.files.pacing import Pace, StoppedError
from aibom.observe.files.recent import NEVER, Recent
from aibom.observe.host.live import LiveFile
from aibom.observe.host.protocol import HostFile
from aibom.types.files import FileFacts, FileKey

#: Largest file, in bytes, that is hashed where it is met, and how many bytes of such files in one
#: second: more of them would hold up whoever meets them.
INLINE_SIZE = 64 << 20
INLINE_BYTES = 128 << 20
#: Most files that wait at once, each with an open descriptor; others are asked for again.
MOST_WAITING = 64
#: Seconds for which a file waits with an open descriptor. That keeps a deleted file's blocks, and
#: the file system of a volume that was unmounted meanwhile: a process that still holds the file
#: is looked at again anyway.
HOLD_SECONDS = 120.0
#: Seconds after which a digest that is not known yet counts as one that cannot be had.
PATIENCE_SECONDS = 1_800.0
#: Seconds until a file is tried again that changed or could not be read, doubled each time up to
#: the most; and how often what cannot be read is tried.
RETRY_SECONDS, MOST_RETRY_SECONDS = 5.0, 600.0
MAX_TRIES = 3
_REMEMBERED = 10_000


class _Failure(NamedTuple):
    """Why a file was not hashed: how often, and when it is tried again."""

    key: FileKey
    times: int
    until: float
    error: OSError

    @property
    def is_final(self) -> bool:
        """Whether no digest will ever be that of the key: what has changed has another one."""
        return self.times >= MAX_TRIES or isinstance(self.error, ChangedError)


class BackgroundDigests(Digests):
    """Digests whose ``sha256`` never takes long: it raises PendingError for large files.

    All methods are for the one thread that owns it. ``finished`` tells what became known.
    """

    def __init__(
        self,
        path: str | None = None,
        limit: int = DEFAULT_LIMIT,
        rate: int = 0,
        pace: Callable[[int], None] | None = None,
    ) -> None:
        """Keep digests in the file ``path``; hash files up to ``limit`` bytes.

        ``rate`` is the most bytes that are read in one second in the background, 0 for as many as
        the node can spare; ``pace`` is for tests.
        """
        super().__init__(path, limit)
        self._stopped = threading.Event()
        self._own_pace = Pace(self._stopped, rate)
        self._pace = pace or self._own_pace
        self._change = threading.Condition()
        # these four are guarded by the condition
        self._jobs = Jobs(MOST_WAITING)
        self._current: list[Job] = []
        self._done: list[tuple[FileKey, str | OSError]] = []
        self._thread: threading.Thread | None = None
        self._failures: Recent[tuple[int, int], _Failure] = Recent(_REMEMBERED, NEVER)
        self._asked: dict[FileKey, float] = {}
        self._late: Recent[FileKey, bool] = Recent(_REMEMBERED, NEVER)
        self._inline_left, self._inline_until = INLINE_BYTES, 0.0
        #: files and bytes whose digest was computed
        self.files = 0
        self.bytes = 0

    def reload(self, rate: int) -> None:
        """Read at most ``rate`` bytes in one second from now on, as at the start."""
        self._own_pace.rate = rate

    @property
    def waiting(self) -> tuple[int, int]:
        """How many files are hashed or wait for it, and how many bytes they have."""
        with self._change:
            size = self._jobs.size + sum(job.key.size for job in self._current)
            return len(self._jobs) + len(self._current), size

    def _compute(self, file: HostFile, key: FileKey, group: str) -> str:
        if not isinstance(file, LiveFile):
            return file.sha256()  # a recording has it at hand
        if self._is_quick(key.size):
            digest = file.sha256()
            self._count(key)
            return digest
        if error := self._failure(key):
            raise error
        if self._may_queue(key, group):
            self._queue(Job(key, group, file.duplicate(), time.monotonic()))
        if len(self._asked) < _REMEMBERED:
            self._asked.setdefault(key, time.monotonic())
        raise PendingError

    def _is_quick(self, size: int) -> bool:
        """Say whether a file of so many bytes is hashed at once."""
        now = time.monotonic()
        if now >= self._inline_until:
            self._inline_left, self._inline_until = INLINE_BYTES, now + 1.0
        if size > INLINE_SIZE or size > self._inline_left:
            return False
        self._inline_left -= size
        return True

    def _count(self, key: FileKey) -> None:
        self.files += 1
        self.bytes += key.size

    def _failure(self, key: FileKey) -> OSError | None:
        """Return why a digest will not be known, None where it still may be."""
        if self._late.get(key):
            detail = f"not hashed within {PATIENCE_SECONDS / 60:.0f} minutes"
            return OSError(errno.ETIMEDOUT, detail)
        failure = self._failures.get((key.device, key.inode))
        return failure.error if failure and failure.key == key and failure.is_final else None

    def _may_queue(self, key: FileKey, group: str) -> bool:
        failure = self._failures.get((key.device, key.inode))
        if self._stopped.is_set() or (failure and time.monotonic() < failure.until):
            return False
        with self._change:
            known = key in self._jobs or any(job.key == key for job in self._current)
            unread = any(done == key for done, _ in self._done)
            return not known and not unread and self._jobs.has_room(group)

    def _queue(self, job: Job) -> None:
        with self._change:
            out = self._jobs.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="hashing", daemon=True)
                self._thread.start()
            self._change.notify()
        if out is not None:
            out.file.close()

    def settled(self, file: FileFacts) -> FileFacts:
        """Return what is said of a file, with the digest if that is known by now.

        It is no longer pending, either, where the digest cannot be had.
        """
        found = super().settled(file)
        if found.pending and self._failure(file.key) is not None:
            return replace(found, pending=False)
        return found

    def failing(self, key: FileKey) -> str:
        """Return in words why a digest will not be known; empty where it still may be."""
        error = self._failure(key)
        return (error.strerror or str(error)) if error is not None else ""

    def is_due(self, file: FileFacts) -> bool:
        """Say whether a file without a digest is worth asking for again."""
        if super().is_due(file):
            return True
        if not file.pending:
            return False
        # a look at all files of a process for each one that is done would cost too much
        with self._change:
            is_roomy = len(self._jobs) <= MOST_WAITING // 2
        return self._failure(file.key) is not None or (is_roomy and self._may_queue(file.key, ""))

    def finished(self) -> frozenset[FileKey]:
        """Return what has become known since the last time, failures included.

        To be called every now and then; it also lets go of files that have waited for long.
        """
        now = time.monotonic()
        with self._change:
            done, self._done = self._done, []
            old = self._jobs.older(now - HOLD_SECONDS)
        for job in old:
            job.file.close()
        told = [key for key, result in done if self._note(key, result)]
        # the first that were asked for come first
        is_late = (now - asked > PATIENCE_SECONDS for asked in self._asked.values())
        late = [key for key, _ in zip(self._asked, takewhile(bool, is_late), strict=False)]
        for key in late:
            self._late.put(key, True)
        for key in (*told, *late):
            self._asked.pop(key, None)
        return frozenset((*told, *late))

    def _note(self, key: FileKey, result: str | OSError) -> bool:
        """Take what became of a file; return whether that is the last word."""
        if isinstance(result, str):
            self._count(key)
            self._store(key, result)
            self._memory.put(key, result)
            return True
        place = (key.device, key.inode)
        known = self._failures.get(place)
        changed = isinstance(result, ChangedError)
        # whatever changes has another key each time
        times = known.times + 1 if known and (changed or known.key == key) else 1
        pause = min(RETRY_SECONDS * 2 ** min(times - 1, 20), MOST_RETRY_SECONDS)
        failure = _Failure(key, times, time.monotonic() + pause, result)
        self._failures.put(place, failure)
        return failure.is_final

    def close(self, seconds: float = 0.3) -> None:
        """End, in the middle of a file as well; wait at most ``seconds`` for the thread.

        A read that hangs does not hold it up: the thread keeps no program alive.
        """
        self._stopped.set()
        with self._change:
            waiting = self._jobs.older(float("inf"))
            self._change.notify_all()
        for job in waiting:
            job.file.close()
        if self._thread is not None:
            self._thread.join(seconds)
        super().close()

    def _work(self) -> None:
        stand_back()
        with suppress(StoppedError):
            while (job := self._next()) is not None:
                self._hash(job, partial(self._let_in, job))

    def _hash(self, job: Job, pace: Callable[[int], None]) -> None:
        try:
            result: str | OSError = job.file.sha256(pace)
        except StoppedError:
            raise
        except OSError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - one file must not end the hashing of others
            result = OSError(errno.EIO, f"{type(error).__name__}: {error}"[:200])
        finally:
            job.file.close()
        with self._change:
            self._current.remove(job)
            self._done.append((job.key, result))
        self.on_finished()

    def _let_in(self, job: Job, count: int) -> None:
        """Keep the pace; between two chunks of a large file let in a small one of others."""
        self._pace(count)
        with self._change:
            if (small := self._jobs.take(beside=job)) is not None:
                self._current.append(small)
        if small is not None:
            self._hash(small, self._pace)

    def _next(self) -> Job | None:
        """Wait for the next file; None when it is time to end."""
        with self._change:
            while not self._stopped.is_set():
                if (job := self._jobs.take()) is not None:
                    self._current.append(job)
                    return job
                self._change.wait()
        return None
