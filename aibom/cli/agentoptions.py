"""Options of the agent, and the settings that come of them."""

import argparse
import os
from collections.abc import Callable

from aibom.agent.config.load import load
from aibom.agent.config.printing import as_yaml
from aibom.agent.config.settings import Settings
from aibom.agent.config.validate import missing
from aibom.agent.errors import AgentError
from aibom.cli.terminal import CommandError, write_stdout


def add_agent_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say what an agent is to do."""
    group = command.add_argument_group(
        "settings (docs/agent.md)", "Options come before AIBOM_AGENT_ variables, then the file."
    )
    group.add_argument("--config", metavar="FILE", help="settings in YAML; read anew on SIGHUP")
    group.add_argument("--output", metavar="DIR", help="folder for BOMs and findings")
    group.add_argument("--state", metavar="DIR", help="folder for what must survive a restart")
    group.add_argument(
        "--listen", metavar="ADDRESS:PORT", help="serve metrics and health (default: nowhere)"
    )
    group.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any setting by its name, such as keep.versions=5; repeatable",
    )
    exclusive = group.add_mutually_exclusive_group()
    exclusive.add_argument(
        "--check-config", action="store_true", help="check the settings and end: 0, or 2"
    )
    exclusive.add_argument(
        "--print-config", action="store_true", help="print the settings that hold and end"
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings that hold. Raises CommandError, also when none can be run with."""
    try:
        settings = loader_of(arguments)()
    except AgentError as error:
        raise CommandError(str(error)) from None
    lacking = missing(settings)
    if lacking and not (arguments.check_config or arguments.print_config):
        raise CommandError(lacking)
    return settings


def loader_of(arguments: argparse.Namespace) -> Callable[[], Settings]:
    """Return what loads the settings, again whenever it is called; it raises AgentError.

    Raises CommandError for options that are none.
    """
    flags = _flags_of(arguments)
    environment = dict(os.environ)
    return lambda: load(arguments.config, environment, flags)


def print_config(settings: Settings) -> None:
    """Print settings as a file; nothing in them is secret."""
    write_stdout(as_yaml(settings))


def _flags_of(arguments: argparse.Namespace) -> dict[str, str]:
    flags = {}
    for written in arguments.set:
        name, separator, value = written.partition("=")
        if not separator:
            raise CommandError(f"--set {written}: write it as NAME=VALUE")
        flags[name.strip()] = value
    for name in ("output", "state"):
        if (folder := getattr(arguments, name)) is not None:
            flags[name] = os.path.abspath(folder) if folder else ""
    if arguments.listen is not None:
        flags["listen"] = arguments.listen
    return flags
