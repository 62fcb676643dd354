"""Images that were named as declared: which one is meant, and what it promises."""

import argparse
from typing import NamedTuple

from aibom.cli.terminal import CommandError, busy
from aibom.formats.containers import oci
from aibom.formats.containers.oci import Platform
from aibom.formats.source import FormatError
from aibom.types.declared import Document


class Choice(NamedTuple):
    """Which of several images is meant, and where containerd keeps its own; None is this node's."""

    platform: Platform | None = None
    containerd: str = ""


HERE = Choice()
"""What is meant where nothing is said."""


def add_image_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say which image is meant."""
    group = command.add_argument_group("images")
    group.add_argument(
        "--platform",
        metavar="OS/ARCH",
        help="which image of an index that has several (default: this machine's)",
    )
    group.add_argument(
        "--containerd-root",
        metavar="DIR",
        default="",
        help="where containerd keeps what containerd://IMAGE names (default: /var/lib/containerd, "
        "else where k3s, RKE2 and MicroK8s have it)",
    )


def choice_of(arguments: argparse.Namespace) -> Choice:
    """Return what the options say. Raises CommandError for a platform that is none."""
    if not arguments.platform:
        return Choice(None, arguments.containerd_root)
    try:
        return Choice(oci.platform(arguments.platform), arguments.containerd_root)
    except FormatError as error:
        raise CommandError(f"--platform: {error}") from None


def read_image(name: str, choice: Choice) -> tuple[Document, ...] | None:
    """Return what the image ``name`` promises; None when it is no image. Raises CommandError."""
    from aibom.sources.imagenames import is_image  # noqa: PLC0415 - most documents are none

    if not is_image(name):
        return None
    from aibom.declare import image  # noqa: PLC0415
    from aibom.formats.containers.kept import is_kept  # noqa: PLC0415
    from aibom.sources import images  # noqa: PLC0415
    from aibom.sources.errors import SourceError  # noqa: PLC0415

    try:
        with busy(f"reading {name}"):
            found = images.contents(name, choice.platform, is_kept, choice.containerd)
            return tuple(d for part in found for d in image.documents(part, name))
    except (SourceError, FormatError) as error:
        raise CommandError(f"{name}: {error}") from None
