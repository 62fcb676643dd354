"""``aibom policy``: a first policy from an observed BOM, a policy checked, its schema."""

import argparse
from datetime import timedelta
from pathlib import Path

from rich.text import Text

from aibom.cli.console import show
from aibom.cli.declared import MAX_DOCUMENT
from aibom.cli.policyfile import read_policy, written
from aibom.cli.schemas import POLICY, schema_text
from aibom.cli.terminal import FINDINGS, OK, CommandError, read_file, say, write_file, write_stdout
from aibom.cli.times import add_time_option, time_of
from aibom.compare.policy.lint import problems
from aibom.declare import observed
from aibom.formats.source import FormatError
from aibom.report.policydraft import draft

_DAYS = 90
_MAX_DAYS = 3650


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "policy",
        help="write a first policy from an observed BOM, or check one",
        description=(
            "init writes a policy that allows what a BOM observed, for a person to go through."
            " check says what is wrong with a policy, has expired, or is still to be written."
            " schema prints the JSON schema for editors."
        ),
    )
    command.add_argument("action", choices=("init", "check", "schema"))
    command.add_argument(
        "file", nargs="?", metavar="FILE", help="init: the observed BOM; check: the policy"
    )
    command.add_argument("-o", "--output", metavar="FILE|-", help="where to write (default: -)")
    command.add_argument("--owner", metavar="WHO", help="init: who answers for what it allows")
    command.add_argument(
        "--days",
        type=_days,
        default=_DAYS,
        metavar="N",
        help=f"init: for how many days it allows it (default: {_DAYS})",
    )
    add_time_option(command)
    command.set_defaults(run=run)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= _MAX_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days up to {_MAX_DAYS}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; ``check`` exits 1 when there is something to mend."""
    if arguments.action == "schema":
        return _write(arguments.output, schema_text(POLICY))
    if arguments.file is None:
        raise CommandError(f"'aibom policy {arguments.action}' needs a file")
    return _init(arguments) if arguments.action == "init" else _check(arguments)


def _init(arguments: argparse.Namespace) -> int:
    if not (arguments.owner or "").strip():
        raise CommandError("name who answers for what the policy allows: --owner TEAM")
    try:
        found = observed.inventory(read_file(arguments.file, MAX_DOCUMENT))
    except FormatError as error:
        raise CommandError(f"{arguments.file}: {error}") from None
    try:
        expires = time_of(arguments).date() + timedelta(days=arguments.days)
    except OverflowError:
        raise CommandError("SOURCE_DATE_EPOCH is too late for --days") from None
    text = draft(found, arguments.owner.strip(), expires, Path(arguments.file).name)
    return _write(arguments.output, text)


def _write(target: str | None, text: str) -> int:
    if target in (None, "-"):
        write_stdout(text)
    else:
        write_file(Path(str(target)), text)
        say(f"wrote {target}")
    return OK


def _check(arguments: argparse.Namespace) -> int:
    policy = read_policy(arguments.file)
    found = problems(policy, time_of(arguments).date())
    for problem in found:
        say(written(policy, problem))
    entries = len(policy.allow) + len(policy.forbid) + len(policy.exceptions)
    show(Text(f"{entries} entries, {len(found)} problems"))
    return FINDINGS if found else OK
