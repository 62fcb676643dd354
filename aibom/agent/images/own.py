"""Each workload's own images, as what it was promised: at hand, being read, or not to be had."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from aibom.agent.images.identities import Identities
from aibom.agent.images.reader import Documents, ImageReader, Missed, size_of
from aibom.agent.images.shelf import Shelf
from aibom.formats.containers.oci import is_digest
from aibom.pipeline import Own
from aibom.types.facts import NodeFacts
from aibom.types.inventory import Component, Inventory
from aibom.types.unseen import Unseen

#: Seconds after which a workload is published without an image that is still being read.
PATIENCE_SECONDS = 600.0
_REFERENCE = "aibom:image:reference"
_REMEDY = "name it with compare.declared, or see compare.containerd_root"
_UNKNOWN = "which image of that name it runs is not known to containerd"

_Key = tuple[tuple[str, tuple[str, ...]], ...]


class OwnImages:
    """What the images of workloads promise. All methods are for the loop's thread.

    Comparing a workload without its images would tell what is not so: it is pending while they
    are read, for ``PATIENCE_SECONDS`` at most.
    """

    def __init__(
        self,
        identities: Identities,
        reader: ImageReader,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know containers' images by ``identities``, and have them read by ``reader``."""
        self._identities, self._reader = identities, reader
        self._clock = clock
        # since when images are waited for, which of them for too long, and without which of them
        # something was published
        self._asked: dict[str, float] = {}
        self._late: set[str] = set()
        self._without: set[str] = set()
        # by images and containers: replicas are promised the very same, which is indexed once
        self._own: Shelf[_Key, Own] = Shelf(lambda own: size_of(own.documents))

    def identified(self, facts: NodeFacts) -> NodeFacts:
        """Return facts that say which image each container runs; see Identities.told."""
        return self._identities.told(facts)

    def is_due(self) -> bool:
        """Say whether it is time to ask again for what ``identified`` could not tell."""
        return self._identities.is_due()

    def __call__(self, inventory: Inventory) -> Own:
        """Return what a workload's own images promise, and which of them could not be had."""
        images = [c for c in inventory.components if c.kind == "image"]
        key = tuple((reference_of(image), image.containers) for image in images)
        if not images:
            return Own()
        if unknown := tuple(_missed(i, _UNKNOWN) for i in images if not reference_of(i)):
            # with a part of the images the rest would look as if nobody had promised it
            return Own((), unknown)
        return self._own.get(key) or self._asked_for(key, images)

    def _asked_for(self, key: _Key, images: Sequence[Component]) -> Own:
        references = tuple(dict.fromkeys(reference for reference, _ in key))
        known = self._reader.ask(references)
        had = {name: found for name, found in known.items() if isinstance(found, tuple)}
        for reference in references:
            if known[reference] is None:
                self._asked.setdefault(reference, self._clock())
            else:
                self._asked.pop(reference, None)
                self._late.discard(reference)
        if len(had) == len(references):
            self._without -= had.keys()
            return self._own.put(key, _own(images, had))
        lost = {name for name, found in known.items() if isinstance(found, Missed)}
        lost |= self._late.intersection(references)
        if not lost:
            return Own((), tuple(_pending(i) for i in images), pending=True)
        self._without |= known.keys() - had.keys()
        return Own((), tuple(self._why(i, known) for i in images if reference_of(i) not in had))

    def _why(self, image: Component, known: dict[str, Documents | Missed | None]) -> Unseen:
        found = known[reference_of(image)]
        return _missed(image, found.why) if isinstance(found, Missed) else _pending(image)

    def news(self) -> frozenset[str] | None:
        """Return the images without which something was published, and that can be had by now.

        None when nothing became known since the last time: who waited still waits.
        """
        done, now = self._reader.news(), self._clock()
        late = {key for key, asked in self._asked.items() if now - asked >= PATIENCE_SECONDS}
        late -= self._late
        if done is None and not late:
            return None
        self._late |= late
        found = (done or frozenset()) & self._without
        self._without -= found
        return found

    def keep(self, wanted: Collection[str]) -> None:
        """Forget all images but these, by their references, that could not be had."""
        self._asked = {key: since for key, since in self._asked.items() if key in wanted}
        self._late.intersection_update(wanted)
        self._without.intersection_update(wanted)
        self._reader.keep(wanted)

    def close(self) -> None:
        """End the reading, wherever it is."""
        self._reader.close()


def reference_of(image: Component) -> str:
    """Return an image as NAME@DIGEST; empty where its digest is not known, or for what is none."""
    if image.kind != "image":
        return ""
    said = dict(image.properties).get(_REFERENCE, "")
    return said if "@" in said and is_digest(said.rpartition("@")[2]) else ""


def _own(images: Sequence[Component], had: dict[str, Documents]) -> Own:
    return Own(
        tuple(
            replace(document, containers=frozenset(image.containers))
            for image in images
            for document in had[reference_of(image)]
        )
    )


def _missed(image: Component, why: str) -> Unseen:
    return Unseen("runtime", f"image {image.name}", why, _REMEDY)


def _pending(image: Component) -> Unseen:
    return Unseen("pending", f"image {image.name}", "it is still being read")
