"""The time that documents bear, and by which a policy decides what has expired."""

import argparse
import os
from datetime import UTC, datetime

from aibom.cli.terminal import CommandError


def add_time_option(group: "argparse._ActionsContainer") -> None:
    """Add the option by which ``time_of`` takes the time from the environment."""
    group.add_argument(
        "--reproducible", action="store_true", help="take the time from SOURCE_DATE_EPOCH (or 0)"
    )


def time_of(arguments: argparse.Namespace) -> datetime:
    """Return the time that documents bear. Raises CommandError."""
    if not arguments.reproducible:
        return datetime.now(tz=UTC).replace(microsecond=0)
    # reproducible-builds.org, SOURCE_DATE_EPOCH
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    try:
        return datetime.fromtimestamp(int(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise CommandError(f"SOURCE_DATE_EPOCH={text}: not a number of seconds") from None
