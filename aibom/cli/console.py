"""Tables and text for people, with colours where there is a terminal to show them."""

import io
import shutil
import sys

from rich.console import Console, RenderableType

from aibom.cli.terminal import write_stdout
from aibom.formats.text import uncommanding

#: Columns of tables that go to a file or a pipe, where nobody's terminal says how wide it is.
PIPE_WIDTH = 160
_WIDE = 120


def show(*renderables: RenderableType) -> None:
    """Print tables and text to stdout; colours only on terminals and never with NO_COLOR."""
    if sys.stdout is not None and sys.stdout.isatty():
        _console(None).print(*renderables, sep="\n")
    else:
        write_stdout(plain(*renderables))


def is_wide() -> bool:
    """Say whether there is room for every column of a table."""
    if sys.stdout is None or not sys.stdout.isatty():
        return True
    return shutil.get_terminal_size().columns >= _WIDE


def plain(*renderables: RenderableType) -> str:
    """Return tables and text as they stand in a file or a pipe."""
    buffer = io.StringIO()
    _console(buffer).print(*renderables, sep="\n")
    # tables fill their cells with blanks, which only a terminal swallows
    lines = "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())
    return uncommanding(lines)


def _console(buffer: io.StringIO | None) -> Console:
    width = None if buffer is None else PIPE_WIDTH
    return Console(file=buffer, width=width, highlight=False, markup=False, emoji=False)
