"""Images that were named as declared: which one is meant, and what it promises."""

import argparse
from typing import NamedTuple

from aibom.cli.terminal import CommandError
from aibom.formats.containers import oci
from aibom.formats.containers.oci import Platform
from aibom.formats.source import FormatError
from aibom.types.declared import Document


class Choice(NamedTuple):
    """Which of several images is meant, and where containerd keeps its own; None is this node's.

    ``registry_ca`` is a file of certificates to trust for registries beside the machine's, and
    ``registry_insecure`` are hosts that are asked without TLS.
    """

    platform: Platform | None = None
    containerd: str = ""
    registry_ca: str = ""
    registry_insecure: tuple[str, ...] = ()


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
    registries = command.add_argument_group("registries (asked only for docker://IMAGE)")
    registries.add_argument(
        "--registry-ca",
        metavar="FILE",
        default="",
        help="PEM certificates to trust beside the machine's",
    )
    registries.add_argument(
        "--registry-insecure",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        help="a registry, or a server of its tokens or blobs, that is asked by plain HTTP; "
        "repeatable",
    )


def choice_of(arguments: argparse.Namespace) -> Choice:
    """Return what the options say. Raises CommandError for a platform that is none."""
    try:
        platform = oci.platform(arguments.platform) if arguments.platform else None
    except FormatError as error:
        raise CommandError(f"--platform: {error}") from None
    insecure = tuple(arguments.registry_insecure)
    return Choice(platform, arguments.containerd_root, arguments.registry_ca, insecure)


def read_image(name: str, choice: Choice) -> tuple[Document, ...] | None:
    """Return what the image ``name`` promises; None when it is no image. Raises CommandError."""
    from aibom.sources.imagenames import REGISTRY, is_image  # noqa: PLC0415 - most are none

    if not name.startswith(REGISTRY) and not is_image(name):
        return None
    from aibom.cli import imagereading  # noqa: PLC0415

    return imagereading.read(name, choice)
