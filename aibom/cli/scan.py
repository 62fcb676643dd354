"""``aibom scan``: one sweep of the node, one BOM per workload."""

import argparse
import os
import re
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from rich.text import Text

from aibom.cli.declared import read_claims
from aibom.cli.node import (
    add_hash_options,
    add_host_options,
    add_scope_options,
    host_of,
    scope_of,
    sweeper_of,
)
from aibom.cli.terminal import (
    INCOMPLETE,
    OK,
    CommandError,
    busy,
    is_wide,
    say,
    show,
    write_file,
    write_stdout,
)
from aibom.observe.sweep import Scope
from aibom.pipeline import Result, scan
from aibom.report.cyclonedx import VIEWS, document_of, serialise
from aibom.report.jsonreport import scan_report
from aibom.report.table import unseen_lines, workload_view
from aibom.rulebook.load import load
from aibom.types.inventory import Workload

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "scan",
        help="look at what runs on this node and write an AI-BOM per workload",
        description="One sweep of the node, or of the part named: one AI-BOM per workload.",
    )
    add_scope_options(command)
    group = command.add_argument_group("what to compare with")
    group.add_argument(
        "--declared",
        action="append",
        default=[],
        metavar="FILE",
        help="CycloneDX JSON SBOM of what should run; repeatable",
    )
    group = command.add_argument_group("what to write")
    group.add_argument("--format", choices=("table", "json", "cyclonedx"), default="table")
    group.add_argument(
        "-o",
        "--output",
        metavar="DIR|FILE|-",
        help="folder for NAME.cdx.json files, one file, or - for stdout",
    )
    group.add_argument("--spec-version", choices=tuple(VIEWS), default="1.7")
    group.add_argument(
        "--reproducible", action="store_true", help="take the time from SOURCE_DATE_EPOCH (or 0)"
    )
    group.add_argument(
        "--all", action="store_true", help="also workloads without any AI software in them"
    )
    group.add_argument(
        "--strict", action="store_true", help="exit 3 when something could not be seen"
    )
    add_host_options(command)
    add_hash_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scan, write what was asked for, and return the exit code."""
    when = _time(reproducible=arguments.reproducible)
    claims = read_claims(arguments.declared)
    scope = scope_of(arguments)
    rules = load()
    host = host_of(arguments)
    with busy("looking at the processes of this node"):
        sweeper = sweeper_of(arguments, host, rules)
        result = scan(sweeper, rules, scope, claims, everything=arguments.all)
    _check_found(scope, result)
    _write(arguments, result, when)
    return INCOMPLETE if arguments.strict and not result.complete else OK


def _time(*, reproducible: bool) -> datetime:
    if not reproducible:
        return datetime.now(tz=UTC).replace(microsecond=0)
    # reproducible-builds.org, SOURCE_DATE_EPOCH
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    try:
        return datetime.fromtimestamp(int(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise CommandError(f"SOURCE_DATE_EPOCH={text}: not a number of seconds") from None


def _check_found(scope: Scope, result: Result) -> None:
    """Tell a wrong name from a place where nothing was found."""
    seen = any(w.inventory.workload.pids for w in result.workloads)
    if scope.pids and not seen:
        said = "; ".join(f"{u.subject}: {u.detail}" for u in result.unseen)
        details = said or "they have ended, or are the kernel's own"
        raise CommandError(f"none of the processes could be looked at ({details})")
    if scope.pod is not None and result.processes == 0:
        known = ", ".join(sorted(result.pods)) or "none"
        raise CommandError(
            f"no pod {'/'.join(scope.pod)} was seen here; pods seen: {known}{_blind(result)}"
        )
    if scope.container and result.processes == 0:
        raise CommandError(f"no container {scope.container} was seen here{_blind(result)}")


def _blind(result: Result) -> str:
    denied = sum(u.reason == "denied" for u in result.unseen)
    return f"; {denied} processes could not be looked into (are you root?)" if denied else ""


def _write(arguments: argparse.Namespace, result: Result, when: datetime) -> None:
    target = arguments.output
    if target == "-" or (target is None and arguments.format != "table"):
        write_stdout(_text(arguments, result, when))
        return
    _show(result)
    if target is None:
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
    for assessed in result.workloads:
        name = file_name(assessed.inventory.workload, taken=boms)
        document = document_of(
            assessed.inventory, assessed.assessment, when, arguments.spec_version
        )
        boms[name] = serialise(document)
    return boms


def _write_all(documents: dict[Path, str]) -> None:
    for path, text in documents.items():
        write_file(path, text)
        say(f"wrote {path}")


def _json(result: Result) -> dict[str, Any]:
    pairs = [(w.inventory, w.assessment) for w in result.workloads]
    return scan_report(pairs, result.unseen)


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


def file_name(workload: Workload, taken: Collection[str] = ()) -> str:
    """Return the name of a workload's BOM, ``default_chat-demo.cdx.json``; never one ``taken``."""
    parts = [p for p in (workload.namespace, workload.name) if p]
    stem = _UNSAFE.sub("-", "_".join(parts)).strip(".-") or workload.kind
    names = (f"{stem[:200]}{tail}.cdx.json" for tail in chain([""], (f"-{n}" for n in count(2))))
    return next(name for name in names if name not in taken)


def _show(result: Result) -> None:
    for assessed in result.workloads:
        show(workload_view(assessed.inventory, assessed.assessment, wide=is_wide()))
    if not result.workloads:
        show(Text(f"no AI software seen in {result.processes} processes"))
    show(*unseen_lines(result.unseen))
