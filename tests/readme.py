"""``python -m tests.readme``: hold the README's help texts against the program's own.

The same for what follows from the agent's settings, their reference and their JSON schema, and for
its metrics in docs/metrics.md. With ``--write`` they are written anew.
"""

import argparse
import os
import re
import sys
from pathlib import Path

from aibom.cli.main import parser
from tests import settingsdocs
from tests.agent.health import documented

README = Path(__file__).parent.parent / "README.md"
_BLOCK = re.compile(r"(<!-- help: (?P<command>\w+) -->\n```text\n)(?P<text>.*?)(```\n)", re.DOTALL)
_WIDTH = "100"


def help_of(command: str) -> str:
    """Return what ``aibom COMMAND --help`` prints, at a fixed width and without colours."""
    os.environ |= {"COLUMNS": _WIDTH, "NO_COLOR": "1"}
    (commands,) = (
        action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return commands.choices[command].format_help()


def current(text: str) -> str:
    """Return the README with the help texts that the program prints now."""
    return _BLOCK.sub(lambda m: m[1] + help_of(m["command"]) + m[4], text)


def main() -> int:
    """Compare, or write."""
    text = README.read_text()
    commands = {m["command"] for m in _BLOCK.finditer(text)}
    wanted = {"scan", "watch", "diff", "explain", "policy", "inspect", "modules", "doctor"}
    wanted |= {"agent", "rules", "record"}
    if commands != wanted:
        print(f"README lacks the help of: {', '.join(sorted(wanted - commands))}", file=sys.stderr)
        return 1
    if old := settingsdocs.outdated(write=sys.argv[1:] == ["--write"]):
        print(f"not current: {old}; python -m tests.readme --write", file=sys.stderr)
        return 1
    if sys.argv[1:] == ["--write"]:
        README.write_text(current(text))
        documented.PAGE.write_text(documented.current(documented.PAGE.read_text()))
    elif sys.version_info >= (3, 13):
        print("README has the help texts of Python 3.11 and 3.12; not compared here")
    elif current(text) != text:
        print("README and --help differ: python -m tests.readme --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
