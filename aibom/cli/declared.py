"""Reading what was declared: files to documents, with errors that name the file."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from aibom.cli.asked import add_online_option, resolved
from aibom.cli.images import HERE, Choice, add_image_options, choice_of, read_image
from aibom.cli.policyfile import add_policy_option, read_policed
from aibom.cli.terminal import CommandError, read_file
from aibom.declare import hubs, recognise
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.rulebook.load import load
from aibom.types.declared import Document
from aibom.types.policy import Promised

#: Largest document that is read, in bytes.
MAX_DOCUMENT = 128 << 20
#: Most inclusions of files that one document leads to, by itself and by what it includes.
MAX_INCLUDED = 200


def read_promised(arguments: argparse.Namespace, when: datetime) -> Promised:
    """Return the documents and the policy that the options name; ``when`` is the day it holds on.

    Raises CommandError.
    """
    names, choice = arguments.declared, choice_of(arguments)
    documents = read_documents(names, choice, online=arguments.online)
    return Promised(documents, read_policed(arguments.policy, when))


def read_documents(
    names: Sequence[str], choice: Choice = HERE, *, online: bool = False
) -> tuple[Document, ...] | None:
    """Return what all the documents and images say; None when none was given.

    ``choice`` says which image is meant where there are several. With ``online`` model hubs are
    asked of the repositories that the documents name. Raises CommandError.
    """
    documents = tuple(d for name in names for d in _read(name, choice))
    return (resolved(documents) if online else documents) or None


def _read(name: str, choice: Choice) -> tuple[Document, ...]:
    found = None if name.startswith(hubs.SCHEME) else read_image(name, choice)
    return with_included(read_document(name), name) if found is None else found


def read_document(name: str) -> Document:
    """Return what one document says, named as on the command line. Raises CommandError."""
    try:
        if name.startswith(hubs.SCHEME):
            return hubs.reference(name)
        return recognise.document(read_file(name, MAX_DOCUMENT), name, load)
    except FormatError as error:
        raise CommandError(f"{name}: {error}") from None


def with_included(document: Document, name: str) -> tuple[Document, ...]:
    """Return a document and the files that it includes, all of them in its own folder or below.

    Raises CommandError. A file that lies elsewhere is a note of the document that includes it.
    """
    top = Path(name).resolve().parent
    found: dict[Path, Document] = {Path(name).resolve(): document}
    waiting = [(document, Path(name), one) for one in document.includes]
    asked = 0
    while waiting:
        asked += 1
        if asked + len(waiting) > MAX_INCLUDED:
            raise CommandError(f"{name}: includes more than {MAX_INCLUDED} files")
        by, place, relative = waiting.pop(0)
        path = place.parent / relative
        real = _real(path)
        if real in found:
            continue
        if real is None or not real.is_relative_to(top) or "://" in relative:
            note = f"{printable(relative, 200)} is not in its folder and was not read"
            key = next(k for k, v in found.items() if v is by or v.name == by.name)
            found[key] = replace(found[key], notes=(*found[key].notes, note))
            continue
        one = read_document(str(path))
        found[real] = one
        waiting += [(one, path, another) for another in one.includes]
    return tuple(found.values())


def _real(path: Path) -> Path | None:
    """Return where a path leads; None for one that a document made up to lead nowhere."""
    try:
        return path.resolve()
    # a NUL, links in a circle, a name that is too long
    except (ValueError, RuntimeError, OSError):
        return None


def add_declared_option(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that name documents of what should run, and a policy; return their group."""
    group = command.add_argument_group("what to compare with")
    group.add_argument(
        "--declared",
        action="append",
        default=[],
        metavar="DECLARED",
        help="what should run: an SBOM (CycloneDX, SPDX, Syft JSON), an image in a file or folder, "
        "containerd://IMAGE, docker://IMAGE, requirements, a lock file, a manifest, "
        "an MCP configuration, hf://ORG/NAME; repeatable",
    )
    add_policy_option(group)
    add_image_options(command)
    add_online_option(group)
    return group
