"""``aibom doctor``: which sensors can work here, which cannot, why, and what would enable them."""

import argparse
import json
import os
from dataclasses import asdict, replace

from rich.table import Table
from rich.text import Text

from aibom import __version__
from aibom.agent.config.settings import Logging
from aibom.agent.errors import AgentError
from aibom.agent.health.server import Server
from aibom.agent.log import Log
from aibom.agent.status import Status
from aibom.cli.console import show
from aibom.cli.node import add_host_options
from aibom.cli.terminal import OK
from aibom.formats.text import printable
from aibom.observe.checkup import Check, State, check_up
from aibom.observe.host.live import visible_rootfs
from aibom.observe.host.place import look_around
from aibom.observe.levels import LEVELS, Place, forbidden
from aibom.sources.containerd import ROOTS

_STYLES: dict[State, str] = {"works": "green", "limited": "yellow", "blind": "bold red"}
_STORE = "io.containerd.content.v1.content"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "doctor",
        help="say which sensors work here, and what would enable the others",
        description=(
            "Try every way of seeing on this machine, and say what each level of the deployment"
            " still lacks."
        ),
    )
    command.add_argument(
        "--format", choices=("table", "json"), default="table", help="for people or for programs"
    )
    add_host_options(command)
    command.add_argument(
        "--containerd-root",
        metavar="D",
        help="containerd's own root, for images (default: where it is usually)",
    )
    command.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="ADDRESS:PORT that an agent is to serve metrics and health at",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check every sensor; the exit code is 0, as a blind sensor is an answer."""
    rootfs = arguments.rootfs or visible_rootfs(arguments.procfs)
    checks = check_up(arguments.procfs, rootfs, arguments.cri_socket)
    roots = (arguments.containerd_root,) if arguments.containerd_root else ROOTS
    images = any(os.access(os.path.join(root, _STORE), os.R_OK | os.X_OK) for root in roots)
    place = look_around(arguments.procfs, images=images)
    checks = (
        *(_explained(check, place) for check in checks),
        *((_listening(arguments.listen),) if arguments.listen else ()),
    )
    if arguments.format == "json":
        print(json.dumps(_document(checks, place), indent=2, sort_keys=True))
        return OK
    show(_sensors(checks))
    show(Text(""))
    show(_levels(place))
    return OK


def _listening(address: str) -> Check:
    """Listen at an address for a moment, as an agent does."""
    server = Server(address, lambda: Status(__version__, "", 0.0), Log(Logging()))
    try:
        server.start()
    except AgentError as error:
        return Check("metrics and health", "blind", str(error))
    server.close()
    return Check("metrics and health", "works", f"{address} is free")


def _explained(check: Check, place: Place) -> Check:
    """Say of a blind sensor when it lacks nothing that could be given to it."""
    why = forbidden(place, check.name.removesuffix(" (opt-in)"))
    return replace(check, remedy=why) if check.state == "blind" and why else check


def _document(checks: tuple[Check, ...], place: Place) -> dict[str, object]:
    levels = [{"name": level.name, "missing": level.missing(place)} for level in LEVELS]
    return {
        "schema": "aibom.doctor/1",
        "sensors": [asdict(check) for check in checks],
        "levels": levels,
        "capabilities": sorted(place.capabilities),
        "confined": place.confined,
    }


def _sensors(checks: tuple[Check, ...]) -> Table:
    table = _table("SENSOR", "STATE", "HERE", "TO ENABLE")
    for check in checks:
        table.add_row(
            check.name,
            Text(check.state, _STYLES[check.state]),
            Text(printable(check.detail)),
            Text(printable(check.remedy), "dim"),
        )
    return table


def _levels(place: Place) -> Table:
    table = _table("LEVEL", "SHOWS", "STILL NEEDS")
    for level in LEVELS:
        missing = ", ".join(level.missing(place))
        said = Text(printable(missing), "yellow") if missing else Text("nothing", "green")
        table.add_row(level.name, level.shows, said)
    return table


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table
