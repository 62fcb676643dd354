"""Each container's own image, from containerd's store on this node (``--own-images``)."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from aibom.cli.images import Choice, choice_of, read_image
from aibom.cli.terminal import CommandError
from aibom.pipeline import Own
from aibom.types.declared import Document
from aibom.types.inventory import Component, Inventory
from aibom.types.unseen import Unseen

_CONTAINERD = "containerd://"


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


_Key = tuple[tuple[str, str, tuple[str, ...]], ...]


class OwnImages:
    """Reads the images that containers run for one comparison; each is read once."""

    def __init__(self, choice: Choice) -> None:
        """Read from the store that ``choice`` names."""
        self._choice = choice
        self._read: dict[str, tuple[Document, ...] | Unseen] = {}
        # by the images and their containers: replicas are promised the very same
        self._own: dict[_Key, Own] = {}

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
        return self._own.setdefault(key, _own(images, read))

    def _image(self, image: Component) -> tuple[Document, ...] | Unseen:
        path, digest = image.evidence[0].path, _digest(image)
        found: tuple[Document, ...] | Unseen = ()
        # the name may lead to another image by now, its digest does not
        for name in dict.fromkeys(filter(None, (digest, path))):
            found = self._named(name, image.name)
            if not isinstance(found, Unseen):
                break
        return found

    def _named(self, name: str, shown: str) -> tuple[Document, ...] | Unseen:
        if name not in self._read:
            try:
                self._read[name] = tuple(read_image(_CONTAINERD + name, self._choice) or ())
            except CommandError as error:
                remedy = "name it with --declared, or see --containerd-root"
                self._read[name] = Unseen("runtime", f"image {shown}", str(error), remedy)
        return self._read[name]


def _own(images: Sequence[Component], read: Sequence[Sequence[Document]]) -> Own:
    pairs = zip(images, read, strict=True)
    return Own(
        tuple(replace(d, containers=frozenset(i.containers)) for i, said in pairs for d in said)
    )


def _digest(image: Component) -> str:
    """Return the name of an image by its digest, as its runtime gave it; empty where it did not."""
    return dict(image.properties).get("aibom:image:reference", "")
