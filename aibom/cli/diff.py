"""``aibom diff``: what a BOM observed against what was declared, for pipelines."""

import argparse
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from aibom.cli.declared import MAX_DOCUMENT, read_documents
from aibom.cli.images import add_image_options, choice_of
from aibom.cli.policyfile import add_policy_option, read_policed
from aibom.cli.terminal import (
    FINDINGS,
    INCOMPLETE,
    OK,
    CommandError,
    plain,
    read_file,
    say,
    show,
    write_file,
    write_stdout,
)
from aibom.cli.times import add_time_option, time_of
from aibom.compare.compare import compare
from aibom.declare import observed
from aibom.formats.source import FormatError
from aibom.report.cyclonedx import serialise
from aibom.report.jsonreport import diff_report
from aibom.report.table import finding_view, name_of, unseen_lines
from aibom.types.findings import SEVERITIES, Assessment
from aibom.types.inventory import Inventory


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "diff",
        help="compare an observed BOM with what was declared",
        description="Compare a BOM of 'aibom scan' with what declares what should run.",
    )
    command.add_argument(
        "declared",
        nargs="*",
        metavar="DECLARED",
        help="CycloneDX JSON SBOM, image in a file or folder (PATH or PATH:NAME), "
        "containerd://IMAGE",
    )
    command.add_argument("observed", metavar="OBSERVED", help="BOM written by 'aibom scan'")
    add_policy_option(command)
    command.add_argument("--format", choices=("table", "json"), default="table")
    command.add_argument("-o", "--output", metavar="FILE|-", help="where to write (default: -)")
    command.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        default="medium",
        help="lowest severity that makes the exit code 1 (default: medium)",
    )
    command.add_argument(
        "--strict", action="store_true", help="exit 3 when the observation was incomplete"
    )
    add_image_options(command)
    add_time_option(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, write the result, and return the exit code."""
    documents = read_documents(arguments.declared, choice_of(arguments))
    if documents is None and arguments.policy is None:
        raise CommandError("nothing to compare with: name a document, or a policy with --policy")
    try:
        inventory = observed.inventory(read_file(arguments.observed, MAX_DOCUMENT))
    except FormatError as error:
        raise CommandError(f"{arguments.observed}: {error}") from None
    policed = read_policed(arguments.policy, time_of(arguments))
    assessment = compare(inventory, documents, *(policed or ()))
    _write(arguments, inventory, assessment)
    limit = SEVERITIES.index(arguments.fail_on)
    failing = [f for f in assessment.findings if not f.accepted]
    if any(SEVERITIES.index(f.severity) >= limit for f in failing):
        return FINDINGS
    return INCOMPLETE if arguments.strict and inventory.unseen else OK


def _write(arguments: argparse.Namespace, inventory: Inventory, assessment: Assessment) -> None:
    to_stdout = arguments.output in (None, "-")
    if arguments.format == "json":
        text = serialise(diff_report(inventory, assessment))
        if to_stdout:
            write_stdout(text)
            return
        write_file(Path(arguments.output), text)
        say(f"wrote {arguments.output}")
    elif to_stdout:
        show(*_view(inventory, assessment))
    else:
        write_file(Path(arguments.output), plain(*_view(inventory, assessment)))
        say(f"wrote {arguments.output}")


def _view(inventory: Inventory, assessment: Assessment) -> list[RenderableType]:
    declared = sum(v.declared == "true" for v in assessment.verdicts)
    total = len(assessment.verdicts)
    title = Text(name_of(inventory.workload), "bold")
    title.append(f"  {declared} of {total} observed components are declared", "not bold")
    findings = [finding_view(f) for f in assessment.findings]
    return [title, *findings, *unseen_lines(inventory.unseen)]
