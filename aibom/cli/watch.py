"""``aibom watch``: loads as they happen, of a node or of one command."""

import argparse
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import FrameType

from rich.text import Text

from aibom.asking import Asker
from aibom.cli.console import show
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
from aibom.cli.output import add_output_options, check_output, write_result
from aibom.cli.ownimages import add_own_option, own_images_of
from aibom.cli.scan import check_found
from aibom.cli.terminal import COMMAND_FAILED, INCOMPLETE, OK, CommandError, say
from aibom.cli.times import time_of
from aibom.formats.modelnames import ModelNames
from aibom.formats.text import printable
from aibom.observe.host.live import LiveHost
from aibom.observe.watch.command import Command, CommandNotRunError
from aibom.observe.watch.watcher import Watcher
from aibom.pipeline import Observation, compared, observed
from aibom.report.live import Announcer
from aibom.rulebook.load import load
from aibom.types.facts import NodeFacts
from aibom.types.rules import RuleError, RuleSet

#: Where the BOM of a command goes by default.
DEFAULT_OUTPUT = "aibom-out/"
#: Seconds between two looks at what is new, for the eyes.
_TELL_SECONDS = 1.0
_STEP_SECONDS = 0.5
BLIND_SECONDS = 0.1
#: Seconds between two looks for MCP servers that have not been asked yet.
_ASK_SECONDS = 2.0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "watch",
        help="see loads as they happen, on this node or of one command",
        description=(
            "Watch this node, or with -- COMMAND one command and all its descendants, from the"
            " first instruction to the end; then write AI-BOMs of everything that was seen."
        ),
        epilog=(
            "With a command the exit code is the command's; 125 when aibom itself fails, 126 when"
            " the command cannot be run, 127 when it is not found."
        ),
    )
    add_scope_options(command)
    command.add_argument(
        "--seconds", type=_seconds, metavar="N", help="end after so long (default: until Ctrl-C)"
    )
    wire = command.add_argument_group("what to hear on the wire (off unless asked for)")
    wire.add_argument(
        "--names",
        action="store_true",
        help="host names from DNS answers and TLS hellos, by a filtered packet socket",
    )
    wire.add_argument(
        "--requests",
        action="store_true",
        help="method, host and path of TLS requests, by probes on OpenSSL (no query, no headers)",
    )
    add_ask_option(command)
    add_own_option(add_declared_option(command))
    add_output_options(command, None)
    add_host_options(command)
    add_hash_options(command)
    command.add_argument("argv", nargs="*", metavar="-- COMMAND", help="what to run and watch")
    command.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Watch, write what was asked for, and return the exit code."""
    if not arguments.argv:
        return _watch_node(arguments)
    try:
        return _watch_command(arguments)
    except CommandNotRunError as error:
        say(str(error))
        return error.code
    except (CommandError, RuleError, OSError) as error:
        say(str(error))
        return COMMAND_FAILED
    except Exception as error:  # noqa: BLE001 - its exit code must not pass for the command's
        say(f"failed, which it should not: {error!r}; please report it")
        return COMMAND_FAILED


def _watcher(arguments: argparse.Namespace, rules: RuleSet) -> Watcher:
    host = host_of(arguments)
    if not isinstance(host, LiveHost):
        raise CommandError("a recording does not change: 'aibom scan' reads it")
    sweeper = sweeper_of(arguments, host, rules)
    arguments.asker = asker_of(arguments, sweeper, rules)
    names = ModelNames(rules.extensions, rules.names)
    return Watcher(
        host,
        sweeper,
        names.may_be_model,
        names=arguments.names,
        requests=arguments.requests,
    )


def _watch_node(arguments: argparse.Namespace) -> int:
    when = time_of(arguments)
    promised = read_promised(arguments, when)
    own = own_images_of(arguments)
    arguments.format = arguments.format or "table"
    check_output(arguments.output)
    rules = load()
    watcher = _watcher(arguments, rules)
    with _ending_gently() as ended:
        try:
            watcher.start(scope_of(arguments))
            _tell_unseen(watcher)
            _follow(arguments, watcher, rules, ended)
        finally:
            watcher.stop()
    seen = _observed(watcher, rules, arguments)
    check_found(watcher.scope, seen)
    result = compared(seen, promised, own)
    write_result(arguments, result, when)
    return INCOMPLETE if arguments.strict and not result.observation.complete else OK


def _follow(
    arguments: argparse.Namespace, watcher: Watcher, rules: RuleSet, ended: list[int]
) -> None:
    """Tell of loads as they come, until it is time to end."""
    until = time.monotonic() + arguments.seconds if arguments.seconds is not None else None
    told, announcer, tell_at = -1, Announcer(), 0.0
    while not ended and (until is None or time.monotonic() < until):
        rest = _TELL_SECONDS if until is None else min(_TELL_SECONDS, until - time.monotonic())
        watcher.step(max(0.0, rest))
        _tell(arguments, watcher.arriving())
        began = time.monotonic()
        if watcher.changes != told and began >= tell_at:
            told = watcher.changes
            spent = time.thread_time()
            lines = announcer.news(_observed(watcher, rules, arguments).inventories)
            _tell(arguments, lines)
            # naming everything anew takes longer the more was seen: a hundredth of a core at most
            tell_at = began + max(_TELL_SECONDS, 200 * (time.thread_time() - spent))


def _tell(arguments: argparse.Namespace, news: list[str]) -> None:
    """Print news with the time: to stdout, unless a document goes there."""
    lines = [f"{datetime.now().astimezone():%H:%M:%S}  {printable(line, 600)}" for line in news]
    if arguments.format == "table" and arguments.output != "-":
        if lines:
            show(*map(Text, lines))
    else:
        for line in lines:
            say(line)


def _tell_unseen(watcher: Watcher) -> None:
    for unseen in watcher.unseen:
        if unseen.reason == "sensor":
            remedy = f" ({unseen.remedy})" if unseen.remedy else ""
            say(f"blind: {unseen.subject}: {unseen.detail}{remedy}")


@contextmanager
def _ending_gently() -> Iterator[list[int]]:
    """Give a list that is no longer empty when the watch is to end."""
    ended: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        ended.append(number)

    before = {n: signal.signal(n, end) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch_command(arguments: argparse.Namespace) -> int:
    if arguments.pid or arguments.pod or arguments.container or arguments.seconds is not None:
        raise CommandError("with -- COMMAND it is the command that is watched, until it ends")
    when = time_of(arguments)
    promised = read_promised(arguments, when)
    own = own_images_of(arguments)
    arguments.format = arguments.format or "cyclonedx"
    arguments.output = arguments.output or DEFAULT_OUTPUT
    if arguments.output == "-":
        raise CommandError("stdout is the command's; name a file or folder with -o")
    check_output(arguments.output)
    rules = load()
    command = Command(arguments.argv)
    try:
        watcher = _watcher(arguments, rules)
        watcher.start_tree(command.pid)
    except BaseException:
        command.cancel()
        raise
    code = _accompany(command, watcher, arguments.asker)
    _tell_unseen(watcher)
    seen = _named(_observed(watcher, rules, arguments), arguments.argv[0])
    result = compared(seen, promised, own)
    write_result(arguments, result, when, quiet=True)
    return (
        INCOMPLETE if code == OK and arguments.strict and not result.observation.complete else code
    )


def _accompany(command: Command, watcher: Watcher, asker: Asker | None) -> int:
    """Let the command run to its end and watch it; return its exit code.

    Its MCP servers are asked while they live, where ``asker`` is given.

    Whatever goes wrong with the watch, the command is never left alone or cut short.
    """
    try:
        command.release()
        # the end of the command is an event as well, where there are events
        seconds = BLIND_SECONDS if watcher.blind else _STEP_SECONDS
        ask_at = time.monotonic()
        while (code := command.poll()) is None:
            watcher.step(seconds)
            if asker is not None and time.monotonic() >= ask_at:
                asker.asked(watcher.facts())
                ask_at = time.monotonic() + _ASK_SECONDS
    finally:
        try:
            watcher.stop()
        finally:
            command.wait()
    return code


def _named(found: Observation, program: str) -> Observation:
    """Call the only workload by what was run."""
    name = os.path.basename(program)
    named = (replace(i, workload=replace(i.workload, name=name)) for i in found.inventories)
    return replace(found, inventories=tuple(named))


def _timeless(facts: NodeFacts) -> NodeFacts:
    """Leave out when things were seen, so that two runs of one program give the same document."""
    arrivals = {
        file: tuple(replace(arrival, when=None) for arrival in found)
        for file, found in facts.arrivals.items()
    }
    processes = tuple(replace(found, when={}) for found in facts.processes)
    return replace(facts, processes=processes, arrivals=arrivals, watched=None)


def _observed(watcher: Watcher, rules: RuleSet, arguments: argparse.Namespace) -> Observation:
    as_one = bool(arguments.argv or arguments.pid)
    facts = _timeless(watcher.facts()) if arguments.reproducible else watcher.facts()
    facts = arguments.asker.asked(facts) if arguments.asker is not None else facts
    return observed(facts, rules, as_one=as_one, everything=arguments.all or as_one)
