"""Reading a policy, with errors that name the file and the line."""

import argparse
from datetime import datetime

from aibom.cli.schemas import POLICY, schema_text
from aibom.cli.terminal import CommandError, read_file
from aibom.compare.policy.lint import Problem, problems
from aibom.formats.source import FormatError
from aibom.types.policy import Policed, Policy


def add_policy_option(command: "argparse._ActionsContainer") -> None:
    """Add the option that names a policy."""
    command.add_argument(
        "--policy",
        metavar="FILE",
        help="what is allowed, forbidden and accepted until when ('aibom policy')",
    )


def read_policy(name: str) -> Policy:
    """Return the policy in a file. Raises CommandError."""
    from aibom.formats.documents import policy as policyfile  # noqa: PLC0415 - 17 ms with YAML

    try:
        data = read_file(name, policyfile.MAX_SIZE)
        return policyfile.read(data, name, schema_text(POLICY))
    except FormatError as error:
        raise CommandError(f"{name}: {error}") from None


def read_policed(name: str | None, when: datetime) -> Policed | None:
    """Return a policy that makes sense, and the day of ``when``; None where none is named.

    Raises CommandError.
    """
    if name is None:
        return None
    policy = read_policy(name)
    wrong = next((p for p in problems(policy, when.date()) if p.wrong), None)
    if wrong is not None:
        raise CommandError(written(policy, wrong))
    return Policed(policy, when.date())


def written(policy: Policy, problem: Problem) -> str:
    """Return a problem of a policy as one line."""
    return f"{policy.name}: line {problem.line}: {problem.place}: {problem.message}"
