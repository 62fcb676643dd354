"""One thread for one sink: sends what waits, in order, until it is taken."""

import threading
import time
import traceback
from collections.abc import Sequence

from aibom.agent.log import Log
from aibom.agent.sinks.backoff import Backoff
from aibom.agent.sinks.item import Item
from aibom.agent.sinks.sink import Event, LaterError, RefusedError, Sink
from aibom.agent.sinks.spool import Spool
from aibom.agent.status import SinkStatus

#: Tries after which an item that may itself be the cause lets the others go first, and after which
#: it is put aside.
PATIENCE, MOST_TRIES = 10, 100
#: Items whose tries are counted.
MAX_TRIED = 1000


class Sender:
    """Sends from a spool to a sink. ``crashes`` counts what should never have been raised."""

    def __init__(self, name: str, sink: Sink, spool: Spool, log: Log) -> None:
        """Start the thread."""
        self.name, self.crashes = name, 0
        self._sink, self._spool, self._log = sink, spool, log
        self._backoff = Backoff()
        self._tries: dict[str, int] = {}
        self._delivered = self._failed = 0
        self._failing = ""
        self._changed = threading.Condition()
        self._offered = self._urged = False
        self._end: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"aibom-{name}", daemon=True)
        self._thread.start()

    def offer(self, events: Sequence[Event]) -> None:
        """Take what the sink wants of some events; it is spooled when this returns."""
        try:
            items = self._sink.items(events)
            self._spool.put(items)
        except Exception as error:  # noqa: BLE001 - an agent watches on, whatever a sink does
            self._crashed(error)
            return
        self._tell_of_spool()
        if items:
            with self._changed:
                self._offered = True
                self._changed.notify()

    def use(self, sink: Sink, spool_bytes: int) -> None:
        """Send to another sink from now on, at once."""
        with self._changed:
            self._sink, self._spool.limit = sink, spool_bytes
            self._urged = True
            self._changed.notify()

    def status(self) -> SinkStatus:
        """Return how it is."""
        waiting, size, oldest = self._spool.counts()
        return SinkStatus(
            name=self.name,
            delivered=self._delivered,
            failed=self._failed,
            dropped=self._spool.dropped,
            waiting=waiting,
            waiting_bytes=size,
            oldest=oldest,
            failing=self._failing or self._spool.error,
        )

    def finish(self, seconds: float) -> None:
        """Ask the thread to end once nothing waits or a try fails, at the latest after seconds."""
        with self._changed:
            self._end = time.monotonic() + seconds
            self._changed.notify()

    def join(self, seconds: float) -> None:
        """Wait that long for the thread's end; what is still waiting stays in the spool."""
        self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        while True:
            try:
                pause = self._work()
            except Exception as error:  # noqa: BLE001 - counted and said, and the next try follows
                self._crashed(error)
                pause = self._backoff.next()
            if not self._goes_on(pause):
                break
        self._sink.rest()
        self._spool.close()

    def _work(self) -> float | None:
        """Send one item; return the seconds to wait before the next, None until one is offered."""
        with self._changed:
            self._offered = self._urged = False
            sink = self._sink
            if self._end is not None and time.monotonic() >= self._end:
                return None
        item = self._spool.first()
        self._tell_of_spool()
        if item is None:
            sink.rest()
            return None
        try:
            sink.deliver(item)
        except RefusedError as error:
            self._refused(item, str(error))
        except LaterError as error:
            return self._later(item, error)
        else:
            self._spool.done(item)
            self._tries.pop(item.key, None)
            self._delivered += 1
            self._well()
        return 0.0

    def _goes_on(self, pause: float | None) -> bool:
        """Wait; False when it is time to end."""
        with self._changed:
            if pause is None:
                self._changed.wait_for(lambda: self._offered or self._urged or self._ending)
                return self._offered or not self._ending
            if pause > 0 and not self._ending:
                self._changed.wait_for(lambda: self._urged or self._ending, pause)
                return True  # a try that was put off is made once more before the end
            return pause == 0 or not self._ending

    @property
    def _ending(self) -> bool:
        return self._end is not None

    def _well(self) -> None:
        self._backoff.reset()
        self._failing = ""
        for what in ("down", "crashed"):
            self._log.clear(f"sink-{self.name}-{what}", sink=self.name)

    def _refused(self, item: Item, reason: str) -> None:
        self._spool.refuse(item)
        self._tries.pop(item.key, None)
        self._failed += 1
        self._backoff.reset()
        self._say("refused", "a sink refuses what it is sent, which is put aside", reason)

    def _later(self, item: Item, error: LaterError) -> float:
        if error.own:
            if len(self._tries) >= MAX_TRIED:
                self._tries.clear()
            tries = self._tries[item.key] = self._tries.get(item.key, 0) + 1
            if tries >= MOST_TRIES:
                self._refused(item, str(error))
                return 0.0
            if tries % PATIENCE == 0:
                self._spool.defer(item)
        self._say("down", "a sink does not take what it is sent, and is tried again", str(error))
        self._failing = str(error)
        return self._backoff.next(error.after)

    def _crashed(self, error: Exception) -> None:
        self.crashes += 1
        self._failing = f"internal error: {type(error).__name__}"
        # not its message, in which a secret may be
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {last.name}, line {last.lineno}"
        self._say("crashed", "a sink failed in a way that it should not", where)

    def _tell_of_spool(self) -> None:
        if self._spool.error:
            self._say("spool", "a sink's spool fails", self._spool.error)
        else:
            self._log.clear(f"sink-{self.name}-spool", sink=self.name)
        if self._spool.dropped:
            self._say("dropped", "a sink's spool was full, and the oldest in it was dropped")
        if self._spool.torn:
            self._say("torn", "a sink's spool held files that are none, and were put aside")

    def _say(self, what: str, message: str, reason: str = "") -> None:
        key = f"sink-{self.name}-{what}"
        if reason:
            self._log.once(key, message, sink=self.name, reason=reason)
        else:
            self._log.once(key, message, sink=self.name)
