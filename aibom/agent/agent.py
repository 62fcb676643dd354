"""The loop of a node agent: watch, name, compare, publish, until it is told to end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from aibom.agent.config.settings import Settings
from aibom.agent.containment import Containment
from aibom.agent.freeing import give_back
from aibom.agent.images.own import OwnImages
from aibom.agent.mcpasking import BackgroundAsker
from aibom.agent.mirror import Mirror
from aibom.agent.parts import Parts
from aibom.agent.publishing import Publisher
from aibom.agent.status import Status
from aibom.agent.tracking import Living, Tracking
from aibom.agent.workloads import Workloads
from aibom.observe.sweep import Scope
from aibom.pipeline import Comparer
from aibom.types.inventory import Inventory

#: Seconds that the loop waits for something to happen, at most.
STEP_SECONDS = 0.5
#: Seconds between two namings of everything, and how much longer than a naming the rest is; but
#: what one workload makes expensive must not keep the findings of all others for long, so that
#: the rest is no longer than that many seconds, or than a long naming itself.
NAME_SECONDS = 0.3
NAME_REST = 10
LONGEST_REST = 2.0
#: Seconds between looks for workloads that have ended.
BURY_SECONDS = 2.0
#: Seconds between two rounds of keeping house, and between two summaries of the node.
HOUSE_SECONDS = 60.0
#: Seconds after which the state is told again what is still there.
REFRESH_SECONDS = 1800.0
#: Seconds after which the watch forgets what ended: it is in the inventories by then.
KEPT_SECONDS = 60.0
#: Seconds to rest after the watch itself, or the naming of everything, has failed.
FAILED_SECONDS = 1.0
#: Seconds that sinks are given at the end; the rest waits on disk for the next start.
FAREWELL_SECONDS = 0.5


class Agent:
    """Watches a node for as long as it is let; whatever fails, the rest goes on."""

    def __init__(self, settings: Settings, node: str, parts: Parts) -> None:
        """Join ``parts``; nothing is observed before ``run``.

        Raises what ``parts.promised`` raises: an agent that begins without what it was to compare
        with would find everything undeclared.
        """
        self._settings, self._parts = settings, parts
        contained = self._contained = Containment(parts.log)
        comparer = parts.promised(settings)
        publisher = Publisher(
            node, settings, parts.state, parts.output, parts.sinks, comparer, contained
        )
        tracking = Tracking(self._recall)
        self._workloads = Workloads(
            tracking, publisher, settings.select, parts.rules, contained, parts.log
        )
        self._mirror = Mirror(node, parts, contained)
        self._asker = BackgroundAsker(parts.asker, contained) if parts.asker is not None else None
        #: called with the seconds from each load to its publication
        self.on_lag: Callable[[float], None] = _nothing
        self._named = -1
        self._name_at = self._bury_at = self._house_at = 0.0
        self._refresh_at = time.monotonic() + REFRESH_SECONDS
        self._day = datetime.now(UTC).date()

    def _recall(self, key: str) -> Inventory | None:
        """Return what was known of a workload; one that cannot be recalled is met anew."""
        try:
            return self._parts.state.recall(key)
        except Exception as error:  # noqa: BLE001 - it is seen all the same
            self._contained.fails("state", error)
            return None

    @property
    def status(self) -> Status:
        """How the agent is."""
        return self._mirror.status

    def run(self, ended: Callable[[], bool]) -> None:
        """Go round until ``ended`` says so; then leave nothing in the kernel behind."""
        parts = self._parts
        with self._contained.of("journal"):
            self._workloads.publisher.recover()
        try:
            # a first sweep that fails is made up for by the next round
            with self._contained.of("watch"):
                parts.watcher.start(Scope())
            while not ended():
                self._round()
        finally:
            with self._contained.of("workload"):
                self._workloads.write_all()
                self._workloads.publisher.writer.close()
            with self._contained.of("watch"):
                parts.watcher.stop(look=False)
            parts.digests.close()
            if parts.images is not None:
                parts.images.close()
            with self._contained.of("sinks"):
                parts.sinks.close(FAREWELL_SECONDS)
            parts.output.close()
            parts.state.close()

    def _round(self) -> None:
        self._watch()
        now = time.monotonic()
        if now >= self._name_at and self._has_news():
            with self._contained.of("naming"):
                self._name(now)
        with self._contained.of("images"):
            self._look_at_images()
        with self._contained.of("workload"):
            self._workloads.write()
        if now >= self._bury_at:
            self._bury_at = now + BURY_SECONDS
            with self._contained.of("workload"):
                self._bury()
        if (new := self._parts.reloader.due(self._parts.promised)) is not None:
            with self._contained.of("configuration"):
                self._reload(*new)
        if now >= self._house_at:
            self._house_at = now + HOUSE_SECONDS
            with self._contained.of("housekeeping"):
                self._keep_house(now)
        with self._contained.of("status"):
            self._mirror.look()

    def _has_news(self) -> bool:
        """Say whether anything would be named that was not named yet."""
        watcher = self._parts.watcher
        if self._asker is not None and self._asker.has_news:
            return True
        swept = watcher.sweeps > 0 and not self._mirror.status.ready
        return swept or watcher.changes != self._named

    def _watch(self) -> None:
        try:
            self._parts.watcher.step(STEP_SECONDS)
        except Exception as error:  # noqa: BLE001 - the next round may well go better
            self._contained.fails("watch", error)
            time.sleep(FAILED_SECONDS)

    def _name(self, began: float) -> None:
        """Name what was seen, and publish what is new."""
        self._name_at = began + FAILED_SECONDS
        watcher, spent = self._parts.watcher, time.thread_time()
        since, changes = watcher.told(), watcher.changes
        facts = watcher.facts()
        if self._asker is not None:
            facts = self._asker.asked(facts)
        if self._images is not None:
            facts = self._images.identified(facts)
        self._workloads.take(facts, Living(watcher.living()))
        # what fails before this is done again
        self._named = changes
        if since is not None:
            self.on_lag(time.monotonic() - since)
        # before a first sweep nobody knows who has ended since the last run
        if watcher.sweeps and not self._mirror.status.ready:
            self._workloads.write_all()
            self._workloads.settle(time.time())
            give_back()  # what it took to start
        self._mirror.count(facts, self._workloads.reported)
        # it takes longer the more runs: a tenth of the time, as long as that does not keep findings
        took = time.thread_time() - spent
        rest = min(NAME_REST * took, max(LONGEST_REST, took))
        self._name_at = max(began + NAME_SECONDS, time.monotonic() + rest)

    def _look_at_images(self) -> None:
        """Publish what waited for images that were read meanwhile."""
        images = self._images
        if images is None:
            return
        if images.is_due():
            self._named = -1
        if (found := images.news()) is not None:
            self._workloads.tell_again(found)
            self._workloads.tell()

    @property
    def _images(self) -> OwnImages | None:
        return self._parts.images if self._settings.compare.images else None

    def _bury(self) -> None:
        self._workloads.bury(Living(self._parts.watcher.living()))
        self._workloads.publisher.retry()

    def _reload(self, settings: Settings, comparer: Comparer) -> None:
        """Go on by other settings, and compare with what they promise."""
        parts, publisher = self._parts, self._workloads.publisher
        publisher.comparer = comparer
        publisher.settings = self._settings = settings
        parts.log.reload(settings.log)
        parts.digests.reload(settings.hashing.rate)
        parts.state.reload(settings.keep.state_days, settings.keep.state_bytes)
        parts.output.reload(settings.keep)
        parts.sinks.reload(settings.sinks)
        self._workloads.reload(settings.select)
        self._tell_again()

    def _keep_house(self, now: float) -> None:
        parts, wall = self._parts, time.time()
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_SECONDS
            self._workloads.refresh()
        parts.watcher.forget(KEPT_SECONDS)
        if self._asker is not None:
            self._asker.forget(parts.watcher)
        if self._images is not None:
            self._images.keep(self._workloads.images)
        parts.state.prune(wall)
        removed = parts.output.prune(wall)
        self._workloads.tracking.tell_again(removed)
        parts.output.summary(self._mirror.summary(self._workloads.reported))
        give_back()
        today = datetime.now(UTC).date()
        if today != self._day:
            self._day = today
            # what a policy allows may end with a day, and what is unused is so for days
            self._workloads.publisher.comparer = parts.promised(self._settings)
            self._tell_again()

    def _tell_again(self) -> None:
        self._workloads.tracking.tell_again()
        self._named = -1


def _nothing(_: float) -> None:
    """Do nothing."""
