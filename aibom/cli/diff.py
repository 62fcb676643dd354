"""``aibom diff``: what a BOM observed against what was declared, for pipelines."""

import argparse
import gc

from aibom.cli.asked import add_online_option
from aibom.cli.declared import MAX_DOCUMENT, read_promised
from aibom.cli.images import add_image_options
from aibom.cli.outputs import add_output_options, outputs_of, write_outputs
from aibom.cli.policyfile import add_policy_option
from aibom.cli.terminal import FINDINGS, INCOMPLETE, OK, CommandError, read_file
from aibom.cli.times import add_time_option, time_of
from aibom.compare.compare import compare
from aibom.compare.meanings import HELP
from aibom.declare import observed
from aibom.formats.documents import baseline
from aibom.formats.source import FormatError
from aibom.types.diff import Baseline, Diff
from aibom.types.findings import SEVERITIES

_NEVER = "never"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "diff",
        help="compare an observed BOM with what was declared",
        description="Compare a BOM of what ran with what declares what should run.",
        epilog="The JSON is described by schemas/aibom-diff.schema.json (aibom/_schemas in an"
        " installed package), every format by docs/output.md.",
    )
    command.add_argument(
        "declared",
        nargs="*",
        metavar="DECLARED",
        help="what should run: an SBOM or an earlier BOM, an image in a file or folder (PATH or "
        "PATH:NAME), "
        "containerd://IMAGE, docker://IMAGE, requirements, a lock file, a manifest, "
        "an MCP configuration, hf://ORG/NAME",
    )
    add_online_option(command)
    command.add_argument(
        "observed",
        metavar="OBSERVED",
        help="BOM of what ran: by 'aibom scan', 'aibom watch' or another tool",
    )
    add_policy_option(command)
    _add_failing_options(command)
    add_output_options(command)
    add_image_options(command)
    add_time_option(command)
    command.set_defaults(run=run, further=_further)


def _further(arguments: argparse.Namespace, names: list[str]) -> bool:
    """Take names that follow an option, as in ``diff DECLARED --strict OBSERVED``."""
    if any(name.startswith("-") for name in names):
        return False
    *declared, arguments.observed = [arguments.observed, *names]
    arguments.declared += declared
    return True


def _add_failing_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("what fails")
    group.add_argument(
        "--fail-on",
        choices=(*SEVERITIES, _NEVER),
        default="medium",
        help="lowest severity that makes the exit code 1 (default: medium)",
    )
    group.add_argument(
        "--baseline",
        metavar="FILE",
        help="JSON or SARIF of an earlier diff: what it has is known and fails nothing",
    )
    group.add_argument(
        "--strict", action="store_true", help="exit 3 when the observation was incomplete"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, write the result, and return the exit code."""
    # nearly all that is made is kept to the end: looking for cycles again and again is a third of
    # the time that large documents take, and finds nothing
    gc.disable()
    outputs = outputs_of(arguments.outputs, quiet=arguments.quiet)
    diff = _compared(arguments)
    write_outputs(diff, outputs, quiet=arguments.quiet)
    if diff.failing:
        return FINDINGS
    return INCOMPLETE if arguments.strict and diff.inventory.unseen else OK


def _compared(arguments: argparse.Namespace) -> Diff:
    documents, policed = read_promised(arguments, time_of(arguments))
    if documents is None and policed is None:
        raise CommandError("nothing to compare with: name a document, or a policy with --policy")
    content = read_file(arguments.observed, MAX_DOCUMENT)
    try:
        inventory = observed.inventory(content)
    except FormatError as error:
        raise CommandError(f"{arguments.observed}: {error}") from None
    return Diff(
        observed=arguments.observed,
        content=content,
        inventory=inventory,
        documents=documents or (),
        assessment=compare(inventory, documents, *(policed or ())),
        fail_on=None if arguments.fail_on == _NEVER else arguments.fail_on,
        baseline=_baseline(arguments.baseline),
        kinds=HELP,
    )


def _baseline(name: str | None) -> Baseline | None:
    if name is None:
        return None
    try:
        return Baseline(name, baseline.fingerprints(read_file(name, MAX_DOCUMENT)))
    except FormatError as error:
        raise CommandError(f"{name}: {error}") from None
