"""Everything that a run is compared with: documents, a policy, each container's own image."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from aibom.cli.declared import add_declared_option, read_documents
from aibom.cli.images import Choice, choice_of, read_image
from aibom.cli.policyfile import read_policed
from aibom.cli.terminal import CommandError
from aibom.pipeline import Result, against
from aibom.types.declared import Document
from aibom.types.facts import Unseen
from aibom.types.inventory import Component, Inventory
from aibom.types.policy import Policed

_CONTAINERD = "containerd://"


def add_promise_options(command: argparse.ArgumentParser) -> None:
    """Add the options that name what a run is compared with."""
    group = add_declared_option(command)
    group.add_argument(
        "--own-images",
        action="store_true",
        help="compare each container with its own image too, read from containerd's store",
    )


@dataclass
class Promises:
    """What was given to compare with; ``own_images`` adds to each workload that of its own.

    ``read`` remembers images by their name: many pods share one.
    """

    documents: Sequence[Document] | None
    policed: Policed | None
    choice: Choice
    own_images: bool = False
    read: dict[str, Sequence[Document] | Unseen] = field(default_factory=dict)

    @classmethod
    def of(cls, arguments: argparse.Namespace, when: datetime) -> "Promises":
        """Read what the options name. Raises CommandError."""
        choice = choice_of(arguments)
        documents = read_documents(arguments.declared, choice, online=arguments.online)
        return cls(documents, read_policed(arguments.policy, when), choice, arguments.own_images)

    def held_against(self, result: Result) -> Result:
        """Return a result, which was compared with ``documents``, compared with all of it."""
        if self.policed is None and not self.own_images:
            return result
        return against(result, self._for, self.policed)

    def _for(self, inventory: Inventory) -> tuple[Inventory, Sequence[Document] | None]:
        """Return what is promised of one workload; an image that cannot be had is not seen."""
        images = [c for c in inventory.components if c.kind == "image"]
        if not self.own_images or not images:
            return inventory, self.documents
        found: list[Document] = []
        missed: list[Unseen] = []
        for image in images:
            own = self._image(image)
            if isinstance(own, Unseen):
                missed.append(own)
            else:
                found += [replace(d, containers=frozenset(image.containers)) for d in own]
        if missed:
            # with a part of the images the rest would look as if nobody had promised it
            inventory = replace(inventory, unseen=(*inventory.unseen, *missed))
            return inventory, self.documents
        return inventory, (*(self.documents or ()), *found)

    def _image(self, image: Component) -> Sequence[Document] | Unseen:
        name = _CONTAINERD + image.evidence[0].path
        if name not in self.read:
            try:
                self.read[name] = read_image(name, self.choice) or ()
            except CommandError as error:
                remedy = "name it with --declared, or see --containerd-root"
                self.read[name] = Unseen("runtime", f"image {image.name}", str(error), remedy)
        return self.read[name]
