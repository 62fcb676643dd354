"""``aibom doctor``: which sensors can work here, which cannot, why, and what would enable them."""

import argparse

from rich.table import Table
from rich.text import Text

from aibom.cli.node import add_host_options
from aibom.cli.terminal import OK, show
from aibom.formats.text import printable
from aibom.observe.checkup import State, check_up
from aibom.observe.host.live import visible_rootfs

_STYLES: dict[State, str] = {"works": "green", "limited": "yellow", "blind": "bold red"}


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "doctor",
        help="say which sensors work here, and what would enable the others",
        description="Try every way of seeing on this machine and say what it would take.",
    )
    add_host_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check every sensor; the exit code is 0, as a blind sensor is an answer."""
    rootfs = arguments.rootfs or visible_rootfs(arguments.procfs)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("SENSOR", "STATE", "HERE", "TO ENABLE"):
        table.add_column(header, overflow="fold")
    for check in check_up(arguments.procfs, rootfs, arguments.cri_socket):
        table.add_row(
            check.name,
            Text(check.state, _STYLES[check.state]),
            Text(printable(check.detail)),
            Text(printable(check.remedy), "dim"),
        )
    show(table)
    return OK
