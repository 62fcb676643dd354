"""``aibom scan``: one sweep of the node, one BOM per workload."""

import argparse

from aibom.cli.node import (
    add_ask_option,
    add_hash_options,
    add_host_options,
    add_scope_options,
    asker_of,
    host_of,
    scope_of,
    sweeper_of,
)
from aibom.cli.output import add_output_options, write_result
from aibom.cli.promises import Promises, add_promise_options
from aibom.cli.terminal import INCOMPLETE, OK, CommandError, busy
from aibom.cli.times import time_of
from aibom.observe.sweep import Scope
from aibom.pipeline import Result, scan
from aibom.rulebook.load import load


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "scan",
        help="look at what runs on this node and write an AI-BOM per workload",
        description="One sweep of the node, or of the part named: one AI-BOM per workload.",
    )
    add_scope_options(command)
    add_ask_option(command)
    add_promise_options(command)
    add_output_options(command, "table")
    add_host_options(command)
    add_hash_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scan, write what was asked for, and return the exit code."""
    when = time_of(arguments)
    promises = Promises.of(arguments, when)
    scope = scope_of(arguments)
    rules = load()
    host = host_of(arguments)
    with busy("looking at the processes of this node"):
        sweeper = sweeper_of(arguments, host, rules)
        looking = asker_of(arguments, sweeper, rules) or sweeper
        result = scan(looking, rules, scope, promises.documents, everything=arguments.all)
    check_found(scope, result)
    result = promises.held_against(result)
    write_result(arguments, result, when)
    return INCOMPLETE if arguments.strict and not result.complete else OK


def check_found(scope: Scope, result: Result) -> None:
    """Tell a wrong name from a place where nothing was found. Raises CommandError."""
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
