"""``aibom record``: a node's /proc and the few files needed, as a fixture without secrets."""

import argparse
import os
from pathlib import Path

from aibom.cli.node import add_hash_options, add_host_options, add_scope_options, host_of, scope_of
from aibom.cli.terminal import OK, CommandError, busy, say
from aibom.observe.files.digests import Digests
from aibom.observe.host.recording import RecordingHost
from aibom.observe.inspector import Inspector
from aibom.observe.sweep import Sweeper
from aibom.rulebook.load import load


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "record",
        help="capture what a scan reads of this node, to be scanned elsewhere",
        description="Capture what a scan reads of this node: scan it again anywhere with"
        " 'aibom scan --path.procfs DIR/proc'. Secrets are left out.",
    )
    command.add_argument("folder", metavar="DIR", help="new folder to write to")
    add_scope_options(command)
    add_host_options(command)
    add_hash_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sweep once through a host that notes every answer."""
    folder = Path(arguments.folder)
    if folder.exists():
        raise CommandError(f"{folder}: exists already; name a new folder")
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True, mode=0o700)
        rules = load()
        host = RecordingHost(host_of(arguments), str(partial), rules.clients)
        with busy("recording what a scan reads"):
            # no cache of digests: what is not hashed now would be missing from the recording
            inspector = Inspector(host, rules, Digests(limit=arguments.hash_limit))
            sweeper = Sweeper(inspector)
            facts = sweeper.sweep(scope_of(arguments))
            found = {p.process.pid for p in facts.processes}
            # with their ancestors, among which is the runtime that mounted a container
            host.save(found | sweeper.ancestors(found), rules)
        partial.rename(folder)
    except OSError as error:
        raise CommandError(f"cannot record to {folder}: {error.strerror or error}") from None
    say(f"recorded {len(facts.processes)} processes to {folder}")
    return OK
