"""``aibom rules``: the detection knowledge, listed, linted and tested."""

import argparse
from pathlib import Path

from rich.table import Table
from rich.text import Text

from aibom.cli.console import show
from aibom.cli.terminal import FINDINGS, OK, say
from aibom.rulebook.check import check
from aibom.rulebook.lint import lint
from aibom.rulebook.load import load, read_documents, rules_folder


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "rules", help="list, lint or test the detection rules", description=__doc__
    )
    command.add_argument("action", choices=("list", "lint", "test"))
    command.add_argument(
        "--folder", type=Path, metavar="DIR", help="rules to work on (default: aibom's own)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; exit 1 when a rule fails."""
    folder = arguments.folder or rules_folder()
    if arguments.action == "list":
        return _list(folder)
    return _lint(folder) if arguments.action == "lint" else _test(folder)


def _list(folder: Path) -> int:
    rules = load(folder)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("ID", "NAME", "KIND", "WHAT IT IS"):
        table.add_column(header, overflow="fold")
    for rule in rules.rules:
        table.add_row(Text(rule.id), Text(rule.name), Text(rule.kind), Text(rule.description))
    for form in rules.formats:
        ways = f"parser {form.parser}" if form.parser else "magic bytes"
        table.add_row(Text(form.id), Text(form.name), Text("model-format"), Text(f"by {ways}"))
    show(table)
    return OK


def _lint(folder: Path) -> int:
    problems = lint(folder)
    for problem in problems:
        say(f"{problem.path}: {problem.message}")
    show(Text(f"{len(read_documents(folder))} rules, {len(problems)} problems"))
    return FINDINGS if problems else OK


def _test(folder: Path) -> int:
    failures = check(load(folder), read_documents(folder).values())
    for failure in failures:
        say(f"{failure.rule}: {failure.sample}: {failure.message}")
    show(Text(f"{len(read_documents(folder))} rules tested, {len(failures)} samples failed"))
    return FINDINGS if failures else OK
