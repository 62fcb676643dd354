"""The command line: one parser, one place that turns trouble into a line and an exit code."""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from aibom import __version__
from aibom.cli.terminal import COMMAND_FAILED, TROUBLE, CommandError, say
from aibom.types.rules import RuleError

# each is the module of its name; only that of the command that runs is imported
_COMMANDS = (
    "scan",
    "watch",
    "agent",
    "diff",
    "explain",
    "policy",
    "inspect",
    "modules",
    "doctor",
    "rules",
    "record",
)

# shells report a process that a signal ended as 128 and the signal's number
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says what to do."""

    def error(self, message: str) -> NoReturn:
        self.exit(TROUBLE, f"aibom: {message}; see '{self.prog} --help'\n")


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command line: of all commands, or of the one that is ``wanted``."""
    top = _Parser(
        prog="aibom",
        description="Proves what AI software ran, says how it knows, and what it could not see.",
    )
    top.add_argument("--version", action="version", version=f"aibom {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        if wanted in (name, ""):
            importlib.import_module(f"aibom.cli.{name}").register(commands)
    return top


def _parsed(argv: list[str]) -> argparse.Namespace:
    top = parser(argv[0] if argv and argv[0] in (*_COMMANDS, "--version") else "")
    runs_command = argv[:1] == ["watch"] and "--" in argv
    try:
        arguments, rest = top.parse_known_args(argv)
        # argparse takes what stands before an option for all names that there are
        if rest and not (hasattr(arguments, "further") and arguments.further(arguments, rest)):
            top.error(f"unrecognized arguments: {' '.join(rest)}")
        if runs_command and not arguments.argv:
            top.error("no command after --")
    except SystemExit as end:
        if end.code == TROUBLE and runs_command:
            # a code that could be the command's must not say that it never ran
            raise SystemExit(COMMAND_FAILED) from None
        raise
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    arguments = _parsed(list(sys.argv[1:] if argv is None else argv))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a path may hold what the terminal's encoding does not
            stream.reconfigure(errors="backslashreplace")
    try:
        code: int = arguments.run(arguments)
    except (CommandError, RuleError) as error:
        say(str(error))
        return TROUBLE
    except KeyboardInterrupt:
        say("interrupted; nothing was left half written")
        return _INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has seen enough (aibom scan | head)
        _drop_output()
        return TROUBLE
    except OSError as error:
        say(f"{error.filename or 'output'}: {error.strerror or error}")
        _drop_output()
        return TROUBLE
    return code


def _drop_output() -> None:
    """Let what is still buffered go nowhere, so that leaving does not fail once more."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
