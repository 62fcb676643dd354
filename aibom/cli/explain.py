"""``aibom explain``: the story of one finding or component of a BOM, in plain words."""

import argparse
from pathlib import Path

from aibom.cli.console import plain, show
from aibom.cli.declared import MAX_DOCUMENT, add_declared_option, read_promised
from aibom.cli.terminal import OK, CommandError, read_file, say, write_file, write_stdout
from aibom.cli.times import add_time_option, time_of
from aibom.compare.compare import compare
from aibom.declare import observed
from aibom.formats.source import FormatError
from aibom.report.jsontext import serialise
from aibom.report.story import ask, views
from aibom.report.story.story import Story, story
from aibom.report.story.told import Told, told

#: Most candidates that are listed when a question means several things.
MAX_CANDIDATES = 20


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "explain",
        help="tell the story of one finding or component of a BOM",
        description=(
            "Tell in plain words what one finding or component of a BOM is: how it was seen, where"
            " it came from, who uses it, whether it was declared, and what to do."
        ),
    )
    command.add_argument(
        "subject",
        metavar="FINDING|COMPONENT",
        help="a finding's fingerprint, id or kind; a component's name, purl, SHA-256, path or"
        " bom-ref",
    )
    command.add_argument("bom", metavar="BOM", help="BOM of 'aibom scan' or 'aibom watch'")
    add_declared_option(command)
    command.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    command.add_argument("-o", "--output", metavar="FILE|-", help="where to write (default: -)")
    add_time_option(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Tell, and return the exit code."""
    known = _read(arguments)
    found = ask.subjects(known, arguments.subject)
    if not found:
        raise CommandError(_unknown(known, arguments))
    if len(found) > 1:
        for subject in found[:MAX_CANDIDATES]:
            say(f"  {ask.label(subject)}")
        rest = len(found) - MAX_CANDIDATES
        more = f" (and {rest} more)" if rest > 0 else ""
        raise CommandError(
            f"{arguments.subject} may be any of these{more}; name one by what its line begins with"
        )
    _write(arguments, story(known, found[0]))
    return OK


def _read(arguments: argparse.Namespace) -> Told:
    documents, policed = read_promised(arguments, time_of(arguments))
    data = read_file(arguments.bom, MAX_DOCUMENT)
    try:
        document = observed.load(data)
        if documents is None and policed is None:
            return told(document)
        return told(document, compare(observed.inventory(data), documents, *(policed or ())))
    except FormatError as error:
        raise CommandError(f"{arguments.bom}: {error}") from None


def _unknown(known: Told, arguments: argparse.Namespace) -> str:
    near = ask.nearest(known, arguments.subject)
    hint = f"; near it are {', '.join(near)}" if near else "; nothing there is called like it"
    return f"{arguments.bom}: nothing in it is {arguments.subject}{hint}"


def _write(arguments: argparse.Namespace, one: Story) -> None:
    to_stdout = arguments.output in (None, "-")
    if arguments.format == "text" and to_stdout:
        show(views.text(one))
        return
    if arguments.format == "json":
        text = serialise(views.document(one))
    elif arguments.format == "markdown":
        text = views.markdown(one)
    else:
        text = plain(views.text(one))
    if to_stdout:
        write_stdout(text)
        return
    write_file(Path(arguments.output), text)
    say(f"wrote {arguments.output}")
