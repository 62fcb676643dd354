"""``aibom scan``: one sweep of the node, one BOM per workload."""

import argparse

from aibom.cli.declared import add_declared_option, read_promised
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
from aibom.cli.ownimages import add_own_option, own_images_of
from aibom.cli.terminal import INCOMPLETE, OK, CommandError, busy
from aibom.cli.times import time_of
from aibom.observe.sweep import Scope
from aibom.pipeline import Observation, compared, scan
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
    add_own_option(add_declared_option(command))
    add_output_options(command, "table")
    add_host_options(command)
    add_hash_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scan, write what was asked for, and return the exit code."""
    when = time_of(arguments)
    promised = read_promised(arguments, when)
    own = own_images_of(arguments)
    scope = scope_of(arguments)
    rules = load()
    host = host_of(arguments)
    with busy("looking at the processes of this node"):
        sweeper = sweeper_of(arguments, host, rules)
        looking = asker_of(arguments, sweeper, rules) or sweeper
        seen = scan(looking, rules, scope, everything=arguments.all)
    check_found(scope, seen)
    result = compared(seen, promised, own)
    write_result(arguments, result, when)
    return INCOMPLETE if arguments.strict and not result.observation.complete else OK


def check_found(scope: Scope, found: Observation) -> None:
    """Tell a wrong name from a place where nothing was found. Raises CommandError."""
    seen = any(i.workload.pids for i in found.inventories)
    if scope.pids and not seen:
        said = "; ".join(f"{u.subject}: {u.detail}" for u in found.unseen)
        details = said or "they have ended, or are the kernel's own"
        raise CommandError(f"none of the processes could be looked at ({details})")
    if scope.pod is not None and found.processes == 0:
        known = ", ".join(sorted(found.pods)) or "none"
        raise CommandError(
            f"no pod {'/'.join(scope.pod)} was seen here; pods seen: {known}{_blind(found)}"
        )
    if scope.container and found.processes == 0:
        raise CommandError(f"no container {scope.container} was seen here{_blind(found)}")


def _blind(found: Observation) -> str:
    denied = sum(u.reason == "denied" for u in found.unseen)
    return f"; {denied} processes could not be looked into (are you root?)" if denied else ""
