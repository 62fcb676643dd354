"""``aibom inspect``: what a model file says of itself, from its header only."""

import argparse
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from aibom.cli.terminal import OK, TROUBLE, CommandError, say, show, write_stdout
from aibom.formats.models.detect import Detected
from aibom.formats.models.examine import examine
from aibom.formats.text import printable
from aibom.observe.live import open_file
from aibom.report.cyclonedx import serialise
from aibom.rulebook.load import load
from aibom.types.model import ModelHeader
from aibom.types.rules import RuleSet
from aibom.types.words import magnitude


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "inspect",
        help="say what a model file says of itself",
        description="What a model file says of itself. Only its header is read; nothing is run.",
    )
    command.add_argument("files", nargs="+", metavar="FILE")
    command.add_argument("--format", choices=("table", "json"), default="table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Inspect each file; trouble with one does not keep the others from being shown."""
    rules = load()
    found: dict[str, Detected] = {}
    code = OK
    for path in arguments.files:
        try:
            found[path] = _inspect(path, rules)
        except CommandError as error:
            say(str(error))
            code = TROUBLE
    if arguments.format == "json":
        write_stdout(serialise({path: _json(detected) for path, detected in found.items()}))
    else:
        for path, detected in found.items():
            show(Text(printable(path), "bold"), _table(detected, rules))
    return code


def _inspect(path: str, rules: RuleSet) -> Detected:
    try:
        file = open_file(path)
        try:
            detected = examine(file, rules)
        finally:
            file.close()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if detected is None:
        raise CommandError(f"{path}: not a model file of a format that aibom knows")
    if detected.damage:
        say(f"{path}: damaged {detected.header.format} file: {detected.damage}")
    return detected


def _json(detected: Detected) -> dict[str, object]:
    return asdict(detected.header) | {"damage": detected.damage}


def _table(detected: Detected, rules: RuleSet) -> Table:
    header, damage = detected.header, detected.damage
    holds_data = f"format/{header.format}" in rules.data_formats
    table = Table.grid(padding=(0, 2))
    for name, value in _rows(header, "data" if holds_data else header.kind):
        table.add_row(Text(name, "dim"), Text(printable(value, 500)))
    for concern in header.concerns:
        style = "bold red" if concern.level == "dangerous" else "yellow"
        where = f"{concern.path}: " if concern.path else ""
        detail = printable(f"{concern.kind}: {where}{concern.detail}")
        table.add_row(Text(concern.level, style), Text(detail))
    if damage:
        table.add_row(Text("damaged", "bold red"), Text(printable(damage)))
    return table


def _rows(header: ModelHeader, kind: str) -> list[tuple[str, str]]:
    version = f" {header.format_version}" if header.format_version else ""
    size = ""
    if header.parameters is not None:
        size = f"{magnitude(header.parameters)} ({header.parameters:,})"
    rows = [
        ("format", header.format + version),
        ("kind", kind),
        ("name", header.name or ""),
        ("architecture", header.architecture or ""),
        ("parameters", size),
        ("quantization", header.quantization or ""),
        ("tensors", "" if header.tensors is None else f"{header.tensors:,}"),
        ("context length", "" if header.context_length is None else f"{header.context_length:,}"),
        ("producer", header.producer or ""),
        ("licence", header.licence or ""),
        ("shard", f"{header.shard[0]} of {header.shard[1]}" if header.shard else ""),
        ("description", header.description or ""),
    ]
    rows += [("base model", base.reference or base.name) for base in header.base_models]
    rows += [("imports", name) for name in header.globals]
    rows += list(header.properties)
    return [(name, value) for name, value in rows if value]
