"""Writing the result of a look or a watch: tables, JSON, one BOM per workload."""

import argparse
import errno
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from aibom.cli.console import is_wide, plain, show
from aibom.cli.terminal import CommandError, say, write_file, write_stdout
from aibom.cli.times import add_time_option
from aibom.pipeline import Result
from aibom.report.cyclonedx import VIEWS, document_of
from aibom.report.filenames import file_name
from aibom.report.jsonreport import scan_report
from aibom.report.jsontext import serialise
from aibom.report.table import unseen_lines, workload_view


def add_output_options(command: argparse.ArgumentParser, default: str | None) -> None:
    """Add the options that say what is written, in which format and where."""
    group = command.add_argument_group("what to write")
    group.add_argument("--format", choices=("table", "json", "cyclonedx"), default=default)
    group.add_argument(
        "-o",
        "--output",
        metavar="DIR|FILE|-",
        help="folder for NAME.cdx.json files, one file, or - for stdout",
    )
    group.add_argument("--spec-version", choices=tuple(VIEWS), default="1.7")
    add_time_option(group)
    group.add_argument(
        "--all", action="store_true", help="also workloads without any AI software in them"
    )
    group.add_argument(
        "--strict", action="store_true", help="exit 3 when something could not be seen"
    )


def check_output(target: str | None) -> None:
    """See to it before a long watch that its end can be written. Raises CommandError."""
    if target is None or target == "-":
        return
    folder = Path(target) if _is_folder(target) else Path(target).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(f"cannot write {target}: {os.strerror(errno.EACCES)}")


def write_result(
    arguments: argparse.Namespace, result: Result, when: datetime, *, quiet: bool = False
) -> None:
    """Write a result as it was asked for; with ``quiet`` nothing is shown beside documents.

    Raises CommandError.
    """
    target = arguments.output
    if target == "-" or (target is None and arguments.format != "table"):
        write_stdout(_text(arguments, result, when))
        return
    if not quiet:
        _show(result)
    if target is None:
        return
    if quiet and arguments.format == "table":
        path = Path(target) / "aibom.txt" if _is_folder(target) else Path(target)
        _write_all({path: plain(*_views(result))})
        return
    if arguments.format == "json":
        path = Path(target) / "aibom.json" if _is_folder(target) else Path(target)
        _write_all({path: serialise(_json(result))})
    elif _is_folder(target):
        boms = _boms(arguments, result, when)
        _write_all({Path(target) / name: text for name, text in boms.items()})
    else:
        _write_all({Path(target): _only(_boms(arguments, result, when), target)})


def _text(arguments: argparse.Namespace, result: Result, when: datetime) -> str:
    if arguments.format == "json":
        return serialise(_json(result))
    return _only(_boms(arguments, result, when), "stdout")


def _boms(arguments: argparse.Namespace, result: Result, when: datetime) -> dict[str, str]:
    boms: dict[str, str] = {}
    for inventory, assessment in result.workloads:
        name = file_name(inventory.workload, taken=boms)
        document = document_of(inventory, assessment, when, arguments.spec_version)
        boms[name] = serialise(document)
    return boms


def _write_all(documents: dict[Path, str]) -> None:
    for path, text in documents.items():
        write_file(path, text)
        say(f"wrote {path}")


def _json(result: Result) -> dict[str, Any]:
    return scan_report(result.workloads, result.observation.unseen)


def _only(documents: dict[str, str], place: str) -> str:
    if not documents:
        raise CommandError("no AI software was seen, so there is no BOM (--all writes one anyway)")
    if len(documents) > 1:
        names = ", ".join(sorted(documents))
        raise CommandError(
            f"{len(documents)} workloads do not fit into {place}: name a folder with -o DIR/"
            f" ({names})"
        )
    return next(iter(documents.values()))


def _is_folder(target: str) -> bool:
    return os.path.isdir(target) or target.endswith("/") or not Path(target).suffix


def _show(result: Result) -> None:
    show(*_views(result))


def _views(result: Result) -> list[RenderableType]:
    shown = [workload_view(i, a, wide=is_wide()) for i, a in result.workloads]
    if not shown:
        shown.append(Text(f"no AI software seen in {result.observation.processes} processes"))
    return [*shown, *unseen_lines(result.observation.unseen)]
