"""All sinks of an agent: each with a spool and a thread of its own, none when all are off."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from aibom.agent.config import settings as config
from aibom.agent.destinations import is_plain, parts_of
from aibom.agent.errors import AgentError
from aibom.agent.log import Log
from aibom.agent.sinks.sender import Sender
from aibom.agent.sinks.sink import Event, Sink
from aibom.agent.sinks.spool import Spool
from aibom.agent.sinks.stdout import StdoutSink
from aibom.agent.status import SinkStatus

# Settings of one sink, and how it is made of them.
_Making = tuple[object, Callable[[], Sink]]


class Sinks:
    """Where findings and BOMs go besides files."""

    def __init__(
        self,
        settings: config.Sinks,
        folder: Path,
        node: str,
        log: Log,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Start what is on; each has its spool in ``folder``, with what still waits there.

        ``clock`` tells seconds since the epoch. Raises AgentError when a URL is none to send to.
        """
        self._folder, self._node, self._log, self._clock = folder, node, log, clock
        self._senders: dict[str, Sender] = {}
        self._made_of: dict[str, object] = {}
        self._crashes = 0
        made = {name: (said, make()) for name, (said, make) in self._makings(settings)}
        for name, (said, sink) in made.items():
            self._start(name, said, sink, settings.spool_bytes)

    @property
    def crashes(self) -> int:
        """How often a sink failed in a way that it should not, which was contained."""
        return self._crashes + sum(sender.crashes for sender in self._senders.values())

    def offer(self, events: Sequence[Event]) -> None:
        """Give every sink what is new; it is on the disk when this returns. Never raises."""
        for sender in self._senders.values():
            sender.offer(events)

    def statuses(self) -> tuple[SinkStatus, ...]:
        """Return how each sink is."""
        return tuple(sender.status() for sender in self._senders.values())

    def reload(self, settings: config.Sinks) -> None:
        """Send as new settings say; a sink whose settings are wrong stays as it is, and says so.

        What waits for a sink that is turned off stays in its spool.
        """
        wanted = dict(self._makings(settings))
        for name in [name for name in self._senders if name not in wanted]:
            self._made_of.pop(name)
            self._stop([self._senders.pop(name)], 0.0)
        for name, (said, make) in wanted.items():
            try:
                sink = make()
            except AgentError as error:
                self._log.warning("a sink keeps its old settings", sink=name, reason=str(error))
                continue
            if name not in self._senders:
                self._start(name, said, sink, settings.spool_bytes)
            elif self._made_of[name] != said:
                self._made_of[name] = said
                self._senders[name].use(sink, settings.spool_bytes)

    def close(self, seconds: float) -> None:
        """Give the senders that long; what still waits then stays in the spools."""
        self._stop(list(self._senders.values()), seconds)
        self._senders.clear()

    def _stop(self, senders: list[Sender], seconds: float) -> None:
        end = time.monotonic() + seconds
        for sender in senders:
            sender.finish(seconds)
        for sender in senders:
            sender.join(end - time.monotonic())
            self._crashes += sender.crashes

    def _start(self, name: str, said: object, sink: Sink, spool_bytes: int) -> None:
        spool = Spool(self._folder / name, spool_bytes, self._clock)
        self._made_of[name] = said
        self._senders[name] = Sender(name, sink, spool, self._log)

    def _makings(self, settings: config.Sinks) -> Iterator[tuple[str, _Making]]:
        size = settings.spool_bytes
        if settings.stdout.enabled:
            yield "stdout", ((settings.stdout, size), lambda: StdoutSink(clock=self._clock))
        webhook, track = settings.webhook, settings.dependency_track
        if webhook.url:
            yield "webhook", ((webhook, size), lambda: self._webhook(webhook))
        if track.url:
            yield "dependency-track", ((track, size), lambda: self._dependency_track(track))

    def _webhook(self, settings: config.Webhook) -> Sink:
        from aibom.agent.sinks.webhook import WebhookSink  # noqa: PLC0415 - requests take 27 MB

        self._warn_of_plain(settings.url, "sinks.webhook.url")
        return WebhookSink(settings, self._clock)

    def _dependency_track(self, settings: config.DependencyTrack) -> Sink:
        from aibom.agent.sinks.dependencytrack import DependencyTrackSink  # noqa: PLC0415

        self._warn_of_plain(settings.url, "sinks.dependency_track.url")
        return DependencyTrackSink(settings, self._node, self._log)

    def _warn_of_plain(self, url: str, where: str) -> None:
        if is_plain(parts_of(url, where)):
            self._log.warning(
                "a sink is sent to without TLS: whoever is on the way reads it", setting=where
            )
