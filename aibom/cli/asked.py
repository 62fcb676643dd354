"""What documents name and only the network knows: asked where --online allows it."""

import argparse
from collections.abc import Sequence

from aibom.cli.terminal import CommandError, busy
from aibom.declare import hubs
from aibom.formats.hubs.reference import HubReference
from aibom.sources.errors import SourceError
from aibom.types.declared import Document

#: Most repositories that a hub is asked of in one run.
MAX_ASKED = 100


def add_online_option(group: "argparse._ActionsContainer") -> None:
    """Add the option that allows asking hubs."""
    group.add_argument(
        "--online",
        action="store_true",
        help="ask the model hub (HF_ENDPOINT) of the repositories that the documents name",
    )


def resolved(documents: Sequence[Document]) -> tuple[Document, ...]:
    """Return documents with what the hub answers of the repositories that they name.

    Raises CommandError naming the document where the hub cannot be asked.
    """
    wanted = _repositories(documents)
    if len(wanted) > MAX_ASKED:
        raise CommandError(
            f"{len(wanted)} repositories are named; at most {MAX_ASKED} are asked of"
        )
    if not wanted:
        return tuple(documents)
    # imported here: it takes its time, and most runs ask nobody
    try:
        from aibom.sources import hub  # noqa: PLC0415
    except ValueError as error:
        # huggingface_hub reads its variables as it is imported
        raise CommandError(f"HF_ENDPOINT, or another variable of the hub's: {error}") from None

    answers = {}
    for reference, document in wanted.items():
        try:
            with busy(f"asking the hub of {reference.repository}"):
                answers[reference] = hub.repository(reference)
        except SourceError as error:
            raise CommandError(f"{document}: {error}") from None
    return tuple(hubs.pinned(one, answers) for one in documents)


def _repositories(documents: Sequence[Document]) -> dict[HubReference, str]:
    """Return the repositories that documents name, each with the first one that names it."""
    found: dict[HubReference, str] = {}
    for one in documents:
        for claim in one.claims:
            reference = hubs.asked_by(claim)
            if reference is not None:
                found.setdefault(reference, one.name)
    return found
