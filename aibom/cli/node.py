"""Options that say which node to look at, shared by the commands that look at one."""

import argparse
import os
from collections.abc import Callable, Mapping
from functools import partial

from aibom.asking import Asker
from aibom.cli.terminal import CommandError
from aibom.observe.containers.cri import list_containers
from aibom.observe.files.digests import DEFAULT_LIMIT, Digests, default_path
from aibom.observe.host.live import LiveHost, visible_rootfs
from aibom.observe.host.protocol import Host
from aibom.observe.host.recorded import RecordedHost, is_recording
from aibom.observe.inspector import Inspector
from aibom.observe.sweep import Scope, Sweeper
from aibom.types.processes import Container
from aibom.types.rules import RuleSet

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def add_scope_options(command: argparse.ArgumentParser) -> None:
    """Add the options that name a part of the node."""
    group = command.add_argument_group("what to look at (default: the whole node)")
    exclusive = group.add_mutually_exclusive_group()
    exclusive.add_argument(
        "--pid", action="append", type=int, metavar="PID", help="exactly this process; repeatable"
    )
    exclusive.add_argument("--pod", metavar="NS/NAME", help="one pod")
    exclusive.add_argument("--container", metavar="ID", help="one container, by id or its start")


def add_host_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say where the node is seen."""
    group = command.add_argument_group("where to look")
    group.add_argument(
        "--path.procfs", dest="procfs", default="/proc", metavar="P", help="the node's /proc"
    )
    group.add_argument(
        "--path.rootfs", dest="rootfs", metavar="P", help="the node's root file system"
    )
    group.add_argument(
        "--cri-socket",
        metavar="S",
        help="ask the container runtime for names and labels (default: read its bundles)",
    )


def add_ask_option(command: argparse.ArgumentParser) -> None:
    """Add the option that lets aibom speak to the servers that it found."""
    group = command.add_argument_group("what to ask (off unless asked for)")
    group.add_argument(
        "--mcp-ask",
        action="store_true",
        help="ask listening MCP servers for their tools, at their own address; nothing is called",
    )


def asker_of(arguments: argparse.Namespace, sweeper: Sweeper, rules: RuleSet) -> Asker | None:
    """Return who asks MCP servers for their tools, or None when nobody may."""
    return Asker(sweeper, rules) if arguments.mcp_ask else None


def add_hash_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say which files are hashed and whether digests are kept."""
    group = command.add_argument_group("hashing")
    group.add_argument(
        "--hash-limit",
        type=_size,
        default=DEFAULT_LIMIT,
        metavar="SIZE",
        help="largest file to hash, such as 500M or 20G (default: 20G)",
    )
    group.add_argument(
        "--no-cache", action="store_true", help="keep no digests on disk between runs"
    )


def _size(text: str) -> int:
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if not number.isdigit() or unit not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500M or 20G")
    return int(number) * _UNITS[unit]


def scope_of(arguments: argparse.Namespace) -> Scope:
    """Return the part of the node that was asked for. Raises CommandError."""
    pod = None
    if arguments.pod is not None:
        namespace, separator, name = arguments.pod.partition("/")
        if not separator or not namespace or not name or "/" in name:
            raise CommandError(f"--pod {arguments.pod}: write it as NAMESPACE/NAME")
        pod = (namespace, name)
    if arguments.container is not None and len(arguments.container) < 4:
        raise CommandError("--container wants at least four digits of the id")
    return Scope(
        pids=frozenset(arguments.pid or ()),
        pod=pod,
        container=arguments.container or "",
        skip=frozenset({os.getpid()}),
    )


def host_of(arguments: argparse.Namespace) -> Host:
    """Return the node that was asked for, live or recorded. Raises CommandError."""
    if not os.path.isdir(arguments.procfs):
        raise CommandError(f"--path.procfs {arguments.procfs}: no such folder")
    if not any(name.isdigit() for name in os.listdir(arguments.procfs)):
        raise CommandError(f"--path.procfs {arguments.procfs}: no process table there")
    if arguments.rootfs is not None and not os.path.isdir(arguments.rootfs):
        raise CommandError(f"--path.rootfs {arguments.rootfs}: no such folder")
    if is_recording(arguments.procfs):
        try:
            return RecordedHost(arguments.procfs)
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"{arguments.procfs}: broken recording: {error}") from None
    return LiveHost(arguments.procfs, arguments.rootfs or visible_rootfs(arguments.procfs))


def sweeper_of(arguments: argparse.Namespace, host: Host, rules: RuleSet) -> Sweeper:
    """Return a sweeper over a host with the caches and the runtime that were asked for."""
    path = None if arguments.no_cache else default_path()
    digests = Digests(path, arguments.hash_limit)
    cri: Callable[[], Mapping[str, Container]] | None = None
    if arguments.cri_socket is not None:
        cri = partial(list_containers, arguments.cri_socket)
    return Sweeper(Inspector(host, rules, digests), cri)
