"""Each container's own image, from containerd's store on this node (``--own-images``)."""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from aibom.cli.images import Choice, choice_of, read_image
from aibom.cli.terminal import CommandError
from aibom.pipeline import Own
from aibom.types.declared import Document
from aibom.types.inventory import Component, Inventory
from aibom.types.unseen import Unseen

_CONTAINERD = "containerd://"
#: Seconds for which a name is taken to be the same image's, and for which a missing one is missing.
NAMED_SECONDS = 600.0
MISSED_SECONDS = 60.0
#: Most images, and sets of them, that are kept.
MAX_KEPT = 64
_K = TypeVar("_K")
_V = TypeVar("_V")


def add_own_option(group: argparse._ArgumentGroup) -> None:
    """Add the option that compares each container with its own image."""
    group.add_argument(
        "--own-images",
        action="store_true",
        help="compare each container with its own image too, read from containerd's store",
    )


def own_images_of(arguments: argparse.Namespace) -> "OwnImages | None":
    """Return who finds the images of containers, or None when nobody asked."""
    return OwnImages(choice_of(arguments)) if arguments.own_images else None


class _Read(NamedTuple):
    """What is known of an image, and until when, by the monotonic clock."""

    said: tuple[Document, ...] | Unseen
    until: float


_Key = tuple[tuple[str, str, tuple[str, ...]], ...]


class OwnImages:
    """Reads the images that containers run; one that many share is read once.

    A name may become another image's, and one that is missing may be pulled: what was read by a
    name is read again after a while. What has the digest of its content stays.
    """

    def __init__(self, choice: Choice, clock: Callable[[], float] = time.monotonic) -> None:
        """Read from the store that ``choice`` names."""
        self._choice = choice
        self._clock = clock
        self._read: dict[str, _Read] = {}
        # by the images and their containers: replicas are promised the very same
        self._own: dict[_Key, tuple[list[tuple[Document, ...]], Own]] = {}

    def __call__(self, inventory: Inventory) -> Own:
        """Return what a workload's own images promise, and which of them could not be had."""
        images = [c for c in inventory.components if c.kind == "image"]
        said = [self._image(image) for image in images]
        missed = tuple(one for one in said if isinstance(one, Unseen))
        if missed:
            # with a part of the images the rest would look as if nobody had promised it
            return Own((), missed)
        read = [one for one in said if not isinstance(one, Unseen)]
        key = tuple((i.evidence[0].path, _digest(i), i.containers) for i in images)
        known = self._own.get(key)
        if known is None or any(a is not b for a, b in zip(known[0], read, strict=True)):
            known = self._own[_room(self._own, key)] = (read, _own(images, read))
        return known[1]

    def _image(self, image: Component) -> tuple[Document, ...] | Unseen:
        path, digest = image.evidence[0].path, _digest(image)
        found: tuple[Document, ...] | Unseen = ()
        # the name may lead to another image by now, its digest does not
        for name in dict.fromkeys(filter(None, (digest, path))):
            found = self._named(name, lasting="sha256:" in name, shown=image.name)
            if not isinstance(found, Unseen):
                break
        return found

    def _named(self, name: str, *, lasting: bool, shown: str) -> tuple[Document, ...] | Unseen:
        known = self._read.get(name)
        if known is None or known.until <= self._clock():
            said: tuple[Document, ...] | Unseen
            try:
                said = tuple(read_image(_CONTAINERD + name, self._choice) or ())
                until = math.inf if lasting else self._clock() + NAMED_SECONDS
            except CommandError as error:
                remedy = "name it with --declared, or see --containerd-root"
                said = Unseen("runtime", f"image {shown}", str(error), remedy)
                until = self._clock() + MISSED_SECONDS
            known = self._read[_room(self._read, name)] = _Read(said, until)
        return known.said


def _own(images: Sequence[Component], read: Sequence[Sequence[Document]]) -> Own:
    pairs = zip(images, read, strict=True)
    return Own(
        tuple(replace(d, containers=frozenset(i.containers)) for i, said in pairs for d in said)
    )


def _digest(image: Component) -> str:
    """Return the name of an image by its digest, as its runtime gave it; empty where it did not."""
    return dict(image.properties).get("aibom:image:reference", "")


def _room(known: dict[_K, _V], key: _K) -> _K:
    """Make room for a key in a dictionary whose oldest entry may go."""
    while key not in known and len(known) >= MAX_KEPT:
        del known[next(iter(known))]
    return key
