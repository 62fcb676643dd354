"""Reading what was declared: files to documents, with errors that name the file."""

import argparse
from collections.abc import Sequence

from aibom.cli.images import HERE, Choice, add_image_options, read_image
from aibom.cli.policyfile import add_policy_option
from aibom.cli.terminal import CommandError, read_file
from aibom.declare import recognise
from aibom.formats.source import FormatError
from aibom.types.declared import Document

#: Largest document that is read, in bytes.
MAX_DOCUMENT = 256 << 20


def read_documents(names: Sequence[str], choice: Choice = HERE) -> tuple[Document, ...] | None:
    """Return what all the documents and images say; None when none was given.

    ``choice`` says which image is meant where there are several. Raises CommandError.
    """
    return tuple(d for name in names for d in _read(name, choice)) or None


def _read(name: str, choice: Choice) -> tuple[Document, ...]:
    found = read_image(name, choice)
    return (read_document(name),) if found is None else found


def read_document(name: str) -> Document:
    """Return what one document says, named as on the command line. Raises CommandError."""
    try:
        return recognise.document(read_file(name, MAX_DOCUMENT), name)
    except FormatError as error:
        raise CommandError(f"{name}: {error}") from None


def add_declared_option(command: argparse.ArgumentParser) -> None:
    """Add the options that name documents of what should run, and a policy."""
    group = command.add_argument_group("what to compare with")
    group.add_argument(
        "--declared",
        action="append",
        default=[],
        metavar="DECLARED",
        help="what should run: an SBOM (CycloneDX, SPDX, Syft JSON), an image in a file or folder, "
        "containerd://IMAGE; repeatable",
    )
    add_policy_option(group)
    add_image_options(command)
