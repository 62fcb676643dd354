"""``aibom modules``: what a running Python has imported, by its own list."""

import argparse
import os
from typing import Any

from rich.table import Table
from rich.text import Text

from aibom.cli.console import show
from aibom.cli.terminal import OK, CommandError, write_stdout
from aibom.formats.cpython.memory import InterpreterError
from aibom.formats.cpython.modules import ModuleTable
from aibom.formats.text import printable
from aibom.observe.host.live import LiveHost
from aibom.report.jsontext import serialise

#: Version of the JSON that ``--format json`` writes.
SCHEMA = "aibom.modules/1"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "modules",
        help="list what a running Python has imported",
        description=(
            "List sys.modules of running CPython processes (3.8 to 3.15), read from their memory:"
            " nothing is stopped, injected or written. The table shows top-level modules, JSON"
            " every name."
        ),
    )
    command.add_argument("pid", type=int, nargs="+", metavar="PID")
    command.add_argument("--format", choices=("table", "json"), default="table")
    command.add_argument(
        "--path.procfs", dest="procfs", default="/proc", metavar="P", help="the node's /proc"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read each process and print what it has imported. Raises CommandError."""
    if not os.path.isdir(arguments.procfs):
        raise CommandError(f"--path.procfs {arguments.procfs}: no such folder")
    host = LiveHost(arguments.procfs)
    found = {pid: _read(host, pid) for pid in arguments.pid}
    if arguments.format == "json":
        processes = [_document(pid, table) for pid, table in found.items()]
        write_stdout(serialise({"schema": SCHEMA, "processes": processes}))
    else:
        for pid, table in found.items():
            show(Text(_headline(pid, table)), _view(table))
    return OK


def _read(host: LiveHost, pid: int) -> ModuleTable:
    try:
        table = host.modules(pid)
    except InterpreterError as error:
        raise CommandError(f"process {pid}: {error}") from None
    except OSError as error:
        denied = " (root or CAP_SYS_PTRACE is needed)" if isinstance(error, PermissionError) else ""
        raise CommandError(f"process {pid}: {error.strerror or error}{denied}") from None
    if table is None:
        raise CommandError(f"process {pid}: no CPython runs in it")
    return table


def _headline(pid: int, table: ModuleTable) -> str:
    build = " free-threaded" if table.free_threaded else ""
    more = f", {table.subinterpreters} subinterpreters not read" if table.subinterpreters else ""
    return (
        f"process {pid}: CPython {table.version}{build}, {len(table.modules)} modules"
        f" (by {table.layout}){more}"
    )


def _view(table: ModuleTable) -> Table:
    view = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("MODULE", "VERSION", "FILE"):
        view.add_column(header, overflow="fold")
    for module in table.modules:
        if "." not in module.name:
            texts = (module.name, module.version, module.file)
            view.add_row(*(Text(printable(text, 500)) for text in texts))
    return view


def _document(pid: int, table: ModuleTable) -> dict[str, Any]:
    return {
        "pid": pid,
        "version": table.version,
        "free_threaded": table.free_threaded,
        "layout": table.layout,
        "subinterpreters": table.subinterpreters,
        "modules": [_entry(m.name, m.file, m.version) for m in table.modules],
    }


def _entry(name: str, file: str, version: str) -> dict[str, str]:
    texts = {"name": name, "file": file, "version": version}
    return {key: printable(text) for key, text in texts.items() if text}
