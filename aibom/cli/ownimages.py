"""Each container's own image, from containerd's store on this node (``--own-images``)."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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


@dataclass
class OwnImages:
    """Reads the images that containers run; one that many share is read once."""

    choice: Choice
    _read: dict[str, Sequence[Document] | Unseen] = field(default_factory=dict)
    #: by the images and their containers: replicas are promised the very same
    _own: dict[tuple[tuple[str, tuple[str, ...]], ...], Own] = field(default_factory=dict)

    def __call__(self, inventory: Inventory) -> Own:
        """Return what a workload's own images promise, and which of them could not be had."""
        images = [c for c in inventory.components if c.kind == "image"]
        key = tuple((image.evidence[0].path, image.containers) for image in images)
        if key not in self._own:
            self._own[key] = self._of(images)
        return self._own[key]

    def _of(self, images: Sequence[Component]) -> Own:
        found: list[Document] = []
        missed: list[Unseen] = []
        for image in images:
            own = self._image(image)
            if isinstance(own, Unseen):
                missed.append(own)
            else:
                found += [replace(d, containers=frozenset(image.containers)) for d in own]
        # with a part of the images the rest would look as if nobody had promised it
        return Own(() if missed else tuple(found), tuple(missed))

    def _image(self, image: Component) -> Sequence[Document] | Unseen:
        name = _CONTAINERD + image.evidence[0].path
        if name not in self._read:
            try:
                self._read[name] = read_image(name, self.choice) or ()
            except CommandError as error:
                remedy = "name it with --declared, or see --containerd-root"
                self._read[name] = Unseen("runtime", f"image {image.name}", str(error), remedy)
        return self._read[name]
