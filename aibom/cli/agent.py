"""``aibom agent``: the watch that goes on for as long as the node does."""

import argparse
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from aibom import __version__
from aibom.agent.agent import Agent
from aibom.agent.config.reload import Reloader
from aibom.agent.config.settings import Settings
from aibom.agent.errors import AgentError
from aibom.agent.folder import PRIVATE, SHARED, Folder, Modes
from aibom.agent.freeing import be_sparing
from aibom.agent.images.own import OwnImages
from aibom.agent.log import Log
from aibom.agent.output.output import Output
from aibom.agent.parts import Parts
from aibom.agent.privileges import give_up
from aibom.agent.sinks.sinks import Sinks
from aibom.agent.state.store import State
from aibom.asking import Asker
from aibom.cli.agentimages import images_of
from aibom.cli.agentoptions import add_agent_options, loader_of, print_config, settings_of
from aibom.cli.declared import read_documents
from aibom.cli.images import Choice
from aibom.cli.policyfile import read_policed
from aibom.cli.terminal import OK, CommandError, say
from aibom.formats.modelnames import ModelNames
from aibom.observe.containers.cri import list_containers
from aibom.observe.containers.patient import PatientRuntime
from aibom.observe.files.background import BackgroundDigests
from aibom.observe.host.live import LiveHost, visible_rootfs
from aibom.observe.inspector import Inspector
from aibom.observe.sweep import Sweeper
from aibom.observe.watch.watcher import Watcher
from aibom.pipeline import Comparer
from aibom.rulebook.load import load
from aibom.types.policy import Promised
from aibom.types.rules import RuleSet

#: Seconds that a gentle end may take; what is on disk is whole at any moment.
PATIENCE = 1.5


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "agent",
        help="watch this node for as long as it runs, and keep a BOM of each workload",
        description=(
            "Watch every pod, container and service of this node: a CycloneDX AI-BOM for each,"
            " written anew when its content changes, a line in findings.jsonl for each new finding,"
            " metrics and health. Ends on SIGTERM, reads its settings again on SIGHUP."
        ),
    )
    add_agent_options(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the agent until it is told to end, and return the exit code."""
    settings = settings_of(arguments)
    if arguments.print_config:
        print_config(settings)
        return OK
    try:
        if arguments.check_config:
            promised(settings)
            say("the settings are fine")
        else:
            _run(settings, loader_of(arguments))
    except AgentError as error:
        raise CommandError(str(error)) from None
    return OK


def promised(settings: Settings, images: OwnImages | None = None) -> Comparer:
    """Return what workloads are compared with, also ``images`` if asked to. Raises AgentError."""
    comparing = settings.compare
    choice = Choice(containerd=comparing.containerd_root)
    try:
        documents = read_documents(comparing.declared, choice)
        policed = read_policed(comparing.policy or None, datetime.now(UTC))
    except CommandError as error:
        raise AgentError(str(error)) from None
    return Comparer(Promised(documents, policed), images if comparing.images else None)


def _run(settings: Settings, load_again: Callable[[], Settings]) -> None:
    be_sparing()
    log = Log(settings.log)
    node = settings.node.name or socket.gethostname()
    rules = load()
    # folders in which only others may make some are out of reach later
    make_folder(settings.state, PRIVATE)
    make_folder(settings.output, SHARED)
    digests = BackgroundDigests(
        f"{settings.state}/digests.sqlite", settings.hashing.limit, settings.hashing.rate
    )
    watcher, sweeper = _watch(settings, rules, digests)
    give_up(settings.sensors, log)
    state = State.open(
        settings.state, log, days=settings.keep.state_days, max_bytes=settings.keep.state_bytes
    )
    output = Output(settings.output, settings.keep, node, log)
    output.check()
    images = images_of(settings.compare.containerd_root, f"{settings.state}/images", log)
    parts = Parts(
        watcher=watcher,
        digests=digests,
        rules=rules,
        state=state,
        output=output,
        sinks=Sinks(settings.sinks, Path(settings.state) / "spool", node, log),
        promised=partial(promised, images=images),
        reloader=Reloader(load_again, settings, log),
        log=log,
        asker=Asker(sweeper, rules) if settings.sensors.mcp_ask else None,
        images=images,
    )
    agent = Agent(settings, node, parts)
    with _served(agent, settings, log), _signals(parts.reloader, log) as ended:
        log.info("started", version=__version__, node=node)
        agent.run(ended.is_set)
        log.info("ended")
    log.close()


def make_folder(folder: str, modes: Modes) -> None:
    """Make a folder where there is nothing yet, whatever the umask is. Raises AgentError."""
    if os.path.lexists(folder):
        return
    try:
        Folder.at(folder, modes).close()
    except OSError as error:
        raise AgentError(f"folder {folder}: {error.strerror}") from None


def _watch(
    settings: Settings, rules: RuleSet, digests: BackgroundDigests
) -> tuple[Watcher, Sweeper]:
    """Open the sensors, with everything that they look through."""
    seen = settings.node
    host = LiveHost(seen.procfs, seen.rootfs or visible_rootfs(seen.procfs))
    cri = PatientRuntime(partial(list_containers, seen.cri_socket)) if seen.cri_socket else None
    sweeper = Sweeper(Inspector(host, rules, digests), cri)
    watcher = Watcher(
        host,
        sweeper,
        ModelNames(rules.extensions, rules.names).may_be_model,
        names=settings.sensors.names,
        requests=settings.sensors.requests,
    )
    return watcher, sweeper


@contextmanager
def _served(agent: Agent, settings: Settings, log: Log) -> Iterator[None]:
    """Answer for health and metrics, where that was asked for."""
    if not settings.listen:
        yield
        return
    # more than a megabyte, for nothing where nobody asks
    from aibom.agent.health.server import Server  # noqa: PLC0415

    server = Server(settings.listen, lambda: agent.status, log)
    agent.on_lag = server.metrics.lag.observe
    server.start()
    try:
        yield
    finally:
        server.close()


@contextmanager
def _signals(reloader: Reloader, log: Log) -> Iterator[threading.Event]:
    """Give what is set when the agent is to end; it ends hard when it does not do so in time."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if not ended.is_set():
            ended.set()
            timer = threading.Timer(PATIENCE, _end_hard, (log,))
            timer.daemon = True
            timer.start()

    def reload(_number: int, _frame: FrameType | None) -> None:
        reloader.ask()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_hard(log: Log) -> None:
    """End at once: files are whole at any moment, and the kernel takes back what is ours."""
    log.warning("ends in the middle of its work")
    os._exit(OK)
