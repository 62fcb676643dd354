"""``aibom inspect``: what model files say of themselves, and what lies beside them says."""

import argparse
import os
import posixpath
from dataclasses import asdict
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from aibom.cli.console import show
from aibom.cli.terminal import OK, TROUBLE, CommandError, say, write_stdout
from aibom.formats.models.detect import Detected
from aibom.formats.models.examine import examine
from aibom.formats.text import printable
from aibom.observe.host.live import open_file
from aibom.observe.models.ownfiles import OwnFiles, model_files
from aibom.report.jsontext import serialise
from aibom.rulebook.load import load
from aibom.types.model import ModelHeader
from aibom.types.modelfiles import ModelCard, ModelConfig, ModelFile
from aibom.types.rules import RuleSet
from aibom.types.words import magnitude


class Inspected(NamedTuple):
    """A file's header, and the same with what lies beside it."""

    detected: Detected
    model: ModelFile


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "inspect",
        help="say what a model file says of itself",
        description="What model files, and the documents beside them, say of themselves, and what"
        " loading them would do. Only headers are read; nothing is hashed and nothing is run.",
    )
    command.add_argument(
        "files", nargs="+", metavar="PATH", help="model file, or a folder with model files"
    )
    command.add_argument("--format", choices=("table", "json"), default="table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Inspect each file; trouble with one does not keep the others from being shown."""
    rules = load()
    found: dict[str, Inspected] = {}
    code = OK
    beside = OwnFiles(rules)
    for given in arguments.files:
        before = len(found)
        for path in model_files(given, rules):
            try:
                if detected := _inspect(path, rules, must_be_one=path == given):
                    found[path] = Inspected(detected, beside.complete(path, detected.header))
            except CommandError as error:
                say(str(error))
                code = TROUBLE
        if len(found) == before and os.path.isdir(given):
            say(f"{given}: no model files in it")
    if arguments.format == "json":
        write_stdout(serialise({path: _json(one) for path, one in found.items()}))
    else:
        for path, one in found.items():
            show(Text(printable(path), "bold"), _table(one, rules))
    return code


def _inspect(path: str, rules: RuleSet, *, must_be_one: bool) -> Detected | None:
    try:
        file = open_file(path)
        try:
            detected = examine(file, rules)
        finally:
            file.close()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if detected is None and not must_be_one:
        return None
    if detected is None:
        raise CommandError(f"{path}: not a model file of a format that aibom knows")
    if detected.damage:
        say(f"{path}: damaged {detected.header.format} file: {detected.damage}")
    return detected


def _json(one: Inspected) -> dict[str, object]:
    model = one.model
    beside = {
        "card": asdict(model.card) if model.card is not None else None,
        "companions": [{"role": c.role, "path": c.file.path} for c in model.companions],
        "concerns": [asdict(concern) for concern in model.concerns],
        "config": asdict(model.config) if model.config is not None else None,
        "pipeline": asdict(model.pipeline) if model.pipeline is not None else None,
        "shards": list(model.shards),
        "templates": [asdict(template) for template in model.templates],
    }
    return asdict(one.detected.header) | {"damage": one.detected.damage, "beside": beside}


def _table(one: Inspected, rules: RuleSet) -> Table:
    header, damage = one.detected.header, one.detected.damage
    holds_data = f"format/{header.format}" in rules.data_formats
    table = Table.grid(padding=(0, 2))
    for name, value in _rows(header, "data" if holds_data else header.kind):
        table.add_row(Text(name, "dim"), Text(printable(value, 500)))
    for name, value in _beside(one.model):
        table.add_row(Text(name, "dim"), Text(printable(value, 500)))
    for concern in (*header.concerns, *one.model.concerns):
        style = "bold red" if concern.level == "dangerous" else "yellow"
        where = f"{concern.path}: " if concern.path else ""
        detail = printable(f"{concern.kind}: {where}{concern.detail}")
        table.add_row(Text(concern.level, style), Text(detail))
    if damage:
        table.add_row(Text("damaged", "bold red"), Text(printable(damage)))
    return table


def _beside(model: ModelFile) -> list[tuple[str, str]]:
    """Return what the documents beside a model claim, each row with its source."""
    card, config = model.card or ModelCard(), model.config or ModelConfig()
    rows = [
        ("licence, by its card", card.licence),
        ("architecture, by its configuration", config.architecture or config.model_type),
        ("quantization, by its configuration", config.quantization),
        ("adapter, by its configuration", config.peft_type),
        ("base model, by its configuration", config.base_model),
        ("task", card.task or config.task),
        ("part of", model.pipeline.class_name or model.pipeline.library if model.pipeline else ""),
        ("shards", f"{len(model.shards)} by its index" if model.shards else ""),
        ("beside it", ", ".join(posixpath.basename(c.file.path) for c in model.companions)),
    ]
    rows += [("base model, by its card", b.reference or b.name) for b in card.base_models]
    rows += [("data set, by its card", name) for name in card.datasets]
    rows += [
        ("chat template", f"{t.name} sha256:{t.sha256}")
        for t in (*model.header.templates, *model.templates)
    ]
    return [(name, value) for name, value in rows if value]


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
