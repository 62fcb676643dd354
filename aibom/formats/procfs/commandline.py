"""What a command line runs: the script or module that an interpreter was told to run."""

import re
from typing import NamedTuple

_PYTHON = re.compile(r"^(?:python|pypy)[\d.]*t?$")
# Fedora has a node-22; the npm package of bun calls it bun.exe everywhere
_JAVASCRIPT = re.compile(r"^(?:node(?:js)?(?:-?\d+)?|bun|deno|tsx)(?:\.exe)?$")
# bun run(1), deno run(1)
_SUBCOMMANDS = {"bun": ("run",), "deno": ("run", "serve")}
# python(1): options that take a separate argument
_PYTHON_VALUES = frozenset({"-W", "-X", "--check-hash-based-pycs"})
# node(1): options that take a separate argument
_NODE_VALUES = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"}
)


class Run(NamedTuple):
    """What an interpreter runs. ``script`` is a path as given, ``module`` an argument of -m."""

    interpreter: str = ""
    script: str = ""
    module: str = ""


def parse(executable: str, argv: tuple[str, ...]) -> Run:
    """Return what a process runs; ``interpreter`` is ``python``, ``node`` or empty.

    ``executable`` is the path of the program that the kernel loaded: what argv[0] says can be
    anything.
    """
    name = executable.rsplit("/", 1)[-1]
    if _PYTHON.match(name):
        return _python(argv[1:])
    if _JAVASCRIPT.match(name):
        skipped = (
            2 if argv[1:2] and argv[1] in _SUBCOMMANDS.get(name.removesuffix(".exe"), ()) else 1
        )
        without = ("-e", "-p", "--eval")
        return Run("node", script=_first_operand(argv[skipped:], _NODE_VALUES, without))
    return Run()


def is_javascript(executable: str) -> bool:
    """Say whether a program is a JavaScript runtime, by the name of its executable."""
    return bool(_JAVASCRIPT.match(executable.rsplit("/", 1)[-1]))


def _python(arguments: tuple[str, ...]) -> Run:
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "-m" or (argument.startswith("-") and _clustered(argument, "m")):
            rest = arguments[index + 1 :]
            return Run("python", module=rest[0] if rest else "")
        elif argument.startswith("-m") and not argument.startswith("--"):
            return Run("python", module=argument[2:])
        elif argument in ("-c", "-") or _clustered(argument, "c"):
            return Run("python")
        elif argument.startswith("-"):
            skip = argument in _PYTHON_VALUES
        else:
            return Run("python", script=argument)
    return Run("python")


def _clustered(argument: str, last: str) -> bool:
    # -Im is -I -m
    return bool(re.fullmatch(rf"-[bBdEiIOPqsSuvx]+{last}", argument))


def _first_operand(
    arguments: tuple[str, ...], with_value: frozenset[str], without_script: tuple[str, ...]
) -> str:
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in without_script:
            return ""
        elif argument.startswith("-"):
            skip = argument in with_value
        else:
            return argument
    return ""
