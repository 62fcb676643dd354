"""What was observed on a node, before anybody says what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aibom.types.files import Arrival, Written
from aibom.types.mcpfacts import McpAnswer, McpConfig
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import Binary, LoadedPackage, Program, RemoteCode
from aibom.types.processes import Cgroup, Connection, Container, Identity, Process, Stream
from aibom.types.unseen import Unseen


class Span(NamedTuple):
    """When something was seen for the first and for the last time, in seconds since the epoch."""

    first: float
    last: float


#: What a process did: the path of a file, and the word for how it was used.
Act = tuple[str, str]


#: Stands for the process itself among its acts.
THE_PROCESS: Act = ("", "")


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """Everything that was seen of one process.

    ``bridges`` are Python distributions that are installed and not loaded, by name, with what they
    require: over them one loaded package requires another.

    ``modules`` counts what its interpreter had imported, None where that was not read.
    ``installed`` are packages that it installed. ``devices`` are the accelerators' device files
    that it holds. ``leads`` are the paths that its command line gives for models, as given, with
    where they lead in its root: one pair for each link in a folder, empty where nothing is there.
    ``when`` says of what a watch saw when that was; a single look leaves it empty.
    """

    process: Process
    program: Program
    models: tuple[ModelUse, ...] = ()
    binaries: tuple[Binary, ...] = ()
    packages: tuple[LoadedPackage, ...] = ()
    streams: tuple[Stream, ...] = ()
    connections: tuple[Connection, ...] = ()
    modules: int | None = None
    installed: tuple[LoadedPackage, ...] = ()
    devices: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    configs: tuple[McpConfig, ...] = ()
    answers: tuple[McpAnswer, ...] = ()
    remote_code: tuple[RemoteCode, ...] = ()
    leads: tuple[tuple[str, str], ...] = ()
    bridges: tuple[tuple[str, tuple[str, ...]], ...] = ()
    when: Mapping[Act, Span] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One sweep of a node, or of the part of it that was asked for.

    ``lost`` are processes that could not be looked into, by pid, with the place that their
    cgroup, which anybody may read, says they belong to. ``sensors`` says what was watched with,
    and how far it saw. ``arrivals`` are of files as they were after their arrival; on
    overlays a file's device is not that of its layer, so that it is there once more without.
    ``watched`` is from when to when it was watched, None of a single look.
    """

    processes: tuple[ProcessFacts, ...]
    containers: Mapping[str, Container]
    unseen: tuple[Unseen, ...]
    lost: Mapping[int, Cgroup] = field(default_factory=dict)
    sensors: tuple[tuple[str, str], ...] = ()
    arrivals: Mapping[Written, tuple[Arrival, ...]] = field(default_factory=dict)
    watched: Span | None = None
