"""``--format`` and ``-o`` in pairs, several times: which document goes where."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aibom.cli.console import plain, show
from aibom.cli.terminal import CommandError, say, write_file, write_stdout
from aibom.formats.source import FormatError
from aibom.report.diffview import diff_view
from aibom.report.formats import FORMATS
from aibom.types.diff import Diff

_STDOUT = "-"
TABLE = "table"


class Output(NamedTuple):
    """A format and the file that it goes to; ``-`` is stdout."""

    format: str
    target: str


class _Typed(NamedTuple):
    """One of the two options as it was typed, so that their order is known."""

    is_format: bool
    value: str


def _format(value: str) -> _Typed:
    if value not in (TABLE, *FORMATS):
        raise argparse.ArgumentTypeError(f"{value!r} is none of {', '.join((TABLE, *FORMATS))}")
    return _Typed(is_format=True, value=value)


def _target(value: str) -> _Typed:
    return _Typed(is_format=False, value=value)


def add_output_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is written and where."""
    group = command.add_argument_group("what to write")
    group.add_argument(
        "--format",
        dest="outputs",
        action="append",
        type=_format,
        metavar=f"{{{','.join((TABLE, *FORMATS))}}}",
        help="may be given several times, each with the -o that follows it (default: table)",
    )
    group.add_argument(
        "-o",
        "--output",
        dest="outputs",
        action="append",
        type=_target,
        metavar="FILE|-",
        help="where the format before it goes (default: -, which is stdout; for one format only)",
    )
    group.add_argument(
        "-q", "--quiet", action="store_true", help="print errors only, and what goes to '-o -'"
    )


def outputs_of(typed: Sequence[_Typed] | None, *, quiet: bool) -> tuple[Output, ...]:
    """Return what is to be written where. Raises CommandError where that is not clear."""
    found = _paired(list(typed or []))
    targets = [target or _STDOUT for _, target in found]
    # "x" and "./x" are one file
    files = [t if t == _STDOUT else os.path.abspath(t) for t in targets]
    twice = next((t for t, file in zip(targets, files, strict=True) if files.count(file) > 1), "")
    if twice == _STDOUT:
        names = " and ".join(f"--format {name}" for name, t in found if (t or "-") == "-")
        raise CommandError(f"{names} would both go to stdout: give all but one of them -o FILE")
    if twice:
        raise CommandError(f"-o {twice}: given for two formats")
    # what nobody named a place for is for whoever looks on
    return tuple(Output(name, t or _STDOUT) for name, t in found if t or not quiet)


def _paired(typed: list[_Typed]) -> list[tuple[str, str]]:
    """Return formats with their targets, which are empty where none was named."""
    names = [value for is_format, value in typed if is_format]
    targets = [value for is_format, value in typed if not is_format]
    if len(names) <= 1 and len(targets) <= 1:  # one of each belongs together in any order
        return [((names or [TABLE])[0], (targets or [""])[0])]
    pairs: list[tuple[str, str]] = []
    for is_format, value in typed:
        if is_format:
            pairs.append((value, ""))
        elif pairs and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0], value)
        else:
            raise CommandError(f"-o {value}: no --format before it that has no -o yet")
    return pairs


def write_outputs(diff: Diff, outputs: Sequence[Output], *, quiet: bool) -> None:
    """Write every document; all are made before the first is written. Raises CommandError."""
    made = [(output, _document(diff, output)) for output in outputs]
    # stdout comes last: a reader that has gone away must not keep the files from being written
    for output, text in sorted(made, key=lambda pair: pair[0].target == _STDOUT):
        if output.target != _STDOUT:
            write_file(Path(output.target), text)
            if not quiet:
                say(f"wrote {output.target}")
        elif output.format == TABLE:
            show(*diff_view(diff))
        else:
            write_stdout(text)


def _document(diff: Diff, output: Output) -> str:
    if output.format != TABLE:
        try:
            return FORMATS[output.format](diff)
        except FormatError as error:
            raise CommandError(f"{diff.observed}: --format {output.format}: {error}") from None
    return "" if output.target == _STDOUT else plain(*diff_view(diff))
