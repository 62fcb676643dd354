"""Which image each container runs, told once for the container's life."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from aibom.agent.log import Log
from aibom.types.facts import NodeFacts
from aibom.types.processes import Container

#: Seconds until it is asked again of which image a container is that nobody knew, doubled each
#: time up to the most.
RETRY_SECONDS, MOST_RETRY_SECONDS = 10.0, 1_800.0

#: Returns the digests of images by the ids of containers; it takes the names of their images.
#: Raises whatever says in one line why that cannot be told.
Ask = Callable[[Mapping[str, str]], Mapping[str, str]]


class Identities:
    """Gives containers the digest of the image that they run, where their runtime did not say it.

    A tag may become another image's while a container runs, so what was found is kept.
    """

    def __init__(self, ask: Ask, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask ``ask`` of containers that are new."""
        self._ask, self._log = ask, log
        self._clock = clock
        self._known: dict[str, str] = {}
        self._unknown: dict[str, tuple[float, float]] = {}  # the pause, and when it ends

    def told(self, facts: NodeFacts) -> NodeFacts:
        """Return facts whose containers have their images' digests, as NAME@DIGEST."""
        containers = facts.containers
        self._known = {key: one for key, one in self._known.items() if key in containers}
        self._unknown = {key: one for key, one in self._unknown.items() if key in containers}
        now = self._clock()
        new = {
            key: one.image
            for key, one in containers.items()
            if _is_unsaid(one) and key not in self._known and self._is_due(key, now)
        }
        if new:
            self._learn(new, now)
        named = {key: self._named(key, one) for key, one in containers.items()}
        return replace(facts, containers=named)

    def is_due(self) -> bool:
        """Say whether it is time to ask again of a container of which nobody knew."""
        now = self._clock()
        return any(until <= now for _, until in self._unknown.values())

    def _is_due(self, container: str, now: float) -> bool:
        return self._unknown.get(container, (0.0, now))[1] <= now

    def _learn(self, new: Mapping[str, str], now: float) -> None:
        found: Mapping[str, str] = {}
        try:
            found = self._ask(new)
            self._log.clear("containers' images")
        except Exception as error:  # noqa: BLE001 - whatever is wrong there, the rest goes on
            why = str(error) or type(error).__name__
            self._log.once("containers' images", "containers' images cannot be told", why=why)
        for container in new:
            if digest := found.get(container):
                self._known[container] = digest
                self._unknown.pop(container, None)
                continue
            pause = self._unknown.get(container, (RETRY_SECONDS / 2, 0.0))[0] * 2
            pause = min(pause, MOST_RETRY_SECONDS)
            self._unknown[container] = (pause, now + pause)

    def _named(self, key: str, container: Container) -> Container:
        digest = self._known.get(key)
        if digest is None:
            return container
        return replace(container, image_digest=f"{container.image.partition('@')[0]}@{digest}")


def _is_unsaid(container: Container) -> bool:
    """Say whether a container runs an image of which the runtime has told no manifest's digest."""
    return bool(container.image) and not container.sandbox and "@" not in container.image_digest
