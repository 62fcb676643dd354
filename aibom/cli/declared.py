"""Reading what was declared: files to claims, with errors that name the file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from aibom.cli.terminal import CommandError, read_file
from aibom.declare import sbom
from aibom.formats.source import FormatError
from aibom.types.findings import Claim

#: Largest document that is read, in bytes.
MAX_DOCUMENT = 256 << 20


def read_claims(paths: Sequence[str]) -> tuple[Claim, ...] | None:
    """Return what all the documents claim; None when none was given. Raises CommandError."""
    if not paths:
        return None
    found: list[Claim] = []
    for path in paths:
        try:
            found += sbom.claims(read_file(path, MAX_DOCUMENT), Path(path).name)
        except FormatError as error:
            raise CommandError(f"{path}: {error}") from None
    return tuple(found)


def add_declared_option(command: argparse.ArgumentParser) -> None:
    """Add the option that names documents of what should run."""
    group = command.add_argument_group("what to compare with")
    group.add_argument(
        "--declared",
        action="append",
        default=[],
        metavar="FILE",
        help="CycloneDX JSON SBOM of what should run; repeatable",
    )
