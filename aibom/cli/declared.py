"""Reading what was declared: files to documents, with errors that name the file."""

import argparse
from collections.abc import Sequence

from aibom.cli.terminal import CommandError, read_file
from aibom.declare import recognise
from aibom.formats.source import FormatError
from aibom.types.declared import Document

#: Largest document that is read, in bytes.
MAX_DOCUMENT = 256 << 20


def read_documents(names: Sequence[str]) -> tuple[Document, ...] | None:
    """Return what all the documents say; None when none was given. Raises CommandError."""
    return tuple(map(read_document, names)) or None


def read_document(name: str) -> Document:
    """Return what one document says, named as on the command line. Raises CommandError."""
    try:
        return recognise.document(read_file(name, MAX_DOCUMENT), name)
    except FormatError as error:
        raise CommandError(f"{name}: {error}") from None


def add_declared_option(command: argparse.ArgumentParser) -> None:
    """Add the option that names documents of what should run."""
    group = command.add_argument_group("what to compare with")
    group.add_argument(
        "--declared",
        action="append",
        default=[],
        metavar="FILE",
        help="SBOM of what should run: CycloneDX, SPDX or Syft JSON; repeatable",
    )
