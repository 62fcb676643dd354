"""The sink that posts each finding, and each BOM when that is asked for, as a CloudEvent."""

import time
from collections.abc import Callable, Sequence

from aibom.agent.config.settings import Webhook
from aibom.agent.events import NewFinding, key_of
from aibom.agent.findingline import finding_line
from aibom.agent.sinks import cloudevents
from aibom.agent.sinks.item import Item, key_for
from aibom.agent.sinks.posting import Poster, judge, secret_in
from aibom.agent.sinks.sink import Event
from aibom.types.findings import SEVERITIES


class WebhookSink:
    """Posts to a URL, one event with each request."""

    def __init__(self, settings: Webhook, clock: Callable[[], float] = time.time) -> None:
        """Connect to nothing yet. Raises AgentError when the URL is none to post to."""
        self._settings, self._clock = settings, clock
        self._poster = Poster(settings.url, settings.ca_file, "sinks.webhook.url")
        self._least = SEVERITIES.index(settings.min_severity)

    def items(self, events: Sequence[Event]) -> list[Item]:
        """Return the findings that are severe enough, and the BOMs if they are wanted."""
        return [item for event in events for item in self._items(event)]

    def _items(self, event: Event) -> list[Item]:
        if isinstance(event, NewFinding):
            if SEVERITIES.index(event.finding.severity) < self._least:
                return []
            body = cloudevents.finding_event(event, finding_line(event, self._clock()))
            return [Item(key_for(event.id), body, cloudevents.FINDING)]
        if not self._settings.boms:
            return []
        body = cloudevents.bom_event(event, self._clock())
        return [Item(key_for(event.id), body, cloudevents.BOM, subject=key_of(event.workload))]

    def deliver(self, item: Item) -> None:
        """Post an item. Raises RefusedError or LaterError."""
        headers = {
            "Content-Type": cloudevents.MEDIA_TYPE,
            # as Stripe and others have it; draft-ietf-httpapi-idempotency-key-header
            "Idempotency-Key": item.key,
        }
        if self._settings.token_file:
            headers["Authorization"] = f"Bearer {secret_in(self._settings.token_file)}"
        judge(self._poster.post(item.body, headers), self._poster.shown)

    def rest(self) -> None:
        """Close the connections."""
        self._poster.rest()
