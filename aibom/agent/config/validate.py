"""What the types of settings cannot say: one line for each thing that makes no sense."""

import ipaddress
import string
from collections.abc import Iterator

from aibom.agent.config.fields import Path
from aibom.agent.config.settings import Settings
from aibom.agent.destinations import trouble_of

#: What a project's name in Dependency-Track may be made of.
TEMPLATE_FIELDS = ("node", "namespace", "workload", "kind")

Problem = tuple[Path, str]


def problems(settings: Settings) -> Iterator[Problem]:
    """Yield the path of each setting that makes no sense, and what is wrong with it."""
    yield from _listening(settings)
    yield from _urls(settings)
    if settings.select.labels and not settings.node.cri_socket:
        yield ("select", "labels"), "labels are known from the CRI only; set node.cri_socket too"
    if settings.output and settings.output.rstrip("/") == settings.state.rstrip("/"):
        yield ("state",), "the same folder as output; the state is private, what is put out is not"
    if said := _template(settings.sinks.dependency_track.project):
        yield ("sinks", "dependency_track", "project"), said
    if settings.sinks.dependency_track.url and not settings.sinks.dependency_track.key_file:
        yield ("sinks", "dependency_track", "url"), "sinks.dependency_track.key_file is missing"


def missing(settings: Settings) -> str:
    """Say what an agent cannot run without; empty when all is there."""
    lacking = [name for name in ("output", "state") if not getattr(settings, name)]
    options = " and ".join(f"--{name} DIR" for name in lacking)
    return f"no folder for the agent's {' and '.join(lacking)}: give {options}" if lacking else ""


def address_of(listen: str) -> tuple[str, int]:
    """Return address (empty for all) and port of an ADDRESS:PORT. Raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()):
        raise ValueError("it is not ADDRESS:PORT")
    if int(port[:6]) > 0xFFFF:
        raise ValueError("a port is at most 65535")
    if host.startswith("["):
        host = host[1:-1]
        if not _is_address(host, 6):
            raise ValueError("what stands in brackets is no IPv6 address")
    elif host.replace(".", "").isdigit() and not _is_address(host, 4):
        raise ValueError("no IPv4 address")
    return host, int(port)


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _listening(settings: Settings) -> Iterator[Problem]:
    try:
        if settings.listen:
            address_of(settings.listen)
    except ValueError as error:
        yield ("listen",), str(error)


def _urls(settings: Settings) -> Iterator[Problem]:
    for name in ("webhook", "dependency_track"):
        url = getattr(settings.sinks, name).url
        if url and (said := trouble_of(url)):
            yield ("sinks", name, "url"), said


def _template(text: str) -> str:
    """Say what is wrong with the template of a name; empty when nothing is."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        return f"{error}; write {{{{ for a brace"
    for _, name, form, conversion in parts:
        if name is not None and (name not in TEMPLATE_FIELDS or form or conversion):
            known = ", ".join(f"{{{field}}}" for field in TEMPLATE_FIELDS)
            return f"braces hold something else than {known}"
    return ""
