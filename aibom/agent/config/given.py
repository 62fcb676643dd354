"""What was written somewhere for settings, each with the place where it stands."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aibom.agent.config.fields import SECTIONS, SETTINGS, Path
from aibom.agent.errors import AgentError
from aibom.formats.text import printable


class Given(NamedTuple):
    """What was written for one setting; ``place`` names it in messages."""

    value: object
    place: str


_PREFIX = "AIBOM_AGENT_"
_NODE_NAME = "NODE_NAME"
_NODE: Path = ("node", "name")
# What the kubelet sets in every pod for each Service of the namespace, so also for one called
# aibom-agent (Kubernetes, "Service", "Environment variables"; pkg/kubelet/envvars)
_SERVICE = re.compile(
    r"""\w+?_(?: SERVICE_HOST=[0-9a-f.:]+
            | SERVICE_PORT(?:_\w+)?=[0-9]+
            | PORT(?:_[0-9]+_[A-Z]+)?=[a-z]+://.*
            | PORT_[0-9]+_[A-Z]+_(?:PROTO=[a-z]+|PORT=[0-9]+|ADDR=[0-9a-f.:]+)
         )""",
    re.VERBOSE,
)
#: Options of their own; every other setting has ``--set``.
OPTIONS = ("output", "state", "listen")


def variable_of(path: Path) -> str:
    """Return the environment variable of a setting."""
    return _PREFIX + "_".join(path).upper()


_VARIABLES = {variable_of(path): path for path in SETTINGS}


def of_environment(environment: Mapping[str, str]) -> dict[Path, Given]:
    """Return what the environment says. Raises AgentError for AIBOM_AGENT_ variables of no setting.

    The variables that Kubernetes sets for a Service called aibom-agent are passed over.
    """
    found = {}
    for name, value in environment.items():
        if name in _VARIABLES:
            found[_VARIABLES[name]] = Given(value, name)
        elif name.startswith(_PREFIX) and not _is_service(name, value):
            raise AgentError(f"{printable(name, 100)}: {unknown(name, _VARIABLES)}")
    return found


def _is_service(name: str, value: str) -> bool:
    # names of Services have at most 63 characters, those of ports 15
    return len(name) < 200 and _SERVICE.fullmatch(f"{name}={value[:200]}") is not None


def of_node_name(environment: Mapping[str, str]) -> dict[Path, Given]:
    """Return the node's name as Kubernetes' downward API commonly gives it."""
    name = environment.get(_NODE_NAME, "")
    return {_NODE: Given(name, _NODE_NAME)} if name else {}


def of_flags(flags: Mapping[str, object]) -> dict[Path, Given]:
    """Return what options say: values by the settings' names. Raises AgentError."""
    found = {}
    for name, value in flags.items():
        path = tuple(name.split("."))
        place = f"--{name}" if name in OPTIONS else f"--set {printable(name, 100)}"
        if path not in SETTINGS:
            raise AgentError(f"{place}: {unknown(name, known_names())}")
        found[path] = Given(value, place)
    return found


def known_names() -> list[str]:
    """Return the names of all settings and of what they stand under."""
    return [".".join(path) for path in (*SETTINGS, *sorted(SECTIONS)) if path]


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that a name is no setting's, and which one it may have been meant for."""
    short, names = name[:100], list(known)
    last = re.split(r"[.]", short)[-1]
    same = [n for n in names if n == last or n.endswith(f".{last}")]
    close = same or difflib.get_close_matches(short, names, n=1, cutoff=0.6)
    return f"no such setting; is {close[0]} meant?" if close else "no such setting"
