"""The settings of an agent, with their defaults. Their names are those of the file."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which workloads are reported. Everything is looked at, as links lead everywhere.

    ``namespaces`` are the only ones whose pods are reported, if there are any;
    ``exclude_namespaces`` are left out in any case. ``labels`` must all be there with their values
    (they are only known where a CRI socket is named). ``services`` stands for the host's own
    services and sessions, ``containers`` for containers that belong to no pod. ``everything`` also
    reports workloads without any AI software.
    """

    namespaces: tuple[str, ...] = ()
    exclude_namespaces: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    services: bool = True
    containers: bool = True
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing:
    """What is watched with. What does not work on a node is said, and the rest goes on.

    ``names`` hears host names on the wire, ``requests`` probes TLS requests, ``mcp_ask`` asks
    listening MCP servers for their tools.
    """

    names: bool = False
    requests: bool = False
    mcp_ask: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where the node is seen. ``name`` is the node's; empty for the host's own name."""

    name: str = ""
    procfs: str = "/proc"
    rootfs: str = ""
    cri_socket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What is compared with.

    ``images`` compares each container with its own image, read from containerd's store at
    ``containerd_root``. ``declared`` are files with SBOMs, locks and manifests; ``policy`` is one.
    """

    images: bool = False
    containerd_root: str = "/var/lib/containerd"
    declared: tuple[str, ...] = ()
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashing:
    """How model files are hashed, in the background where they are large.

    ``limit`` is the largest file that is hashed, in bytes. ``rate`` is the most that is read for
    that in one second, in bytes; 0 for as much as the node can spare.
    """

    limit: int = 20 * 10**9
    rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What is kept, and for how long.

    ``versions`` are older BOMs of one workload. ``gone_days`` is for how long the BOMs of a
    workload that has ended are kept; ``state_days`` for how long the state remembers what it has
    not seen again, and ``state_bytes`` how large it may grow. ``findings_bytes`` is the size at
    which ``findings.jsonl`` is put aside, ``findings_files`` how many of those are kept.
    """

    versions: int = 3
    gone_days: float = 7.0
    state_days: float = 30.0
    state_bytes: int = 256 * 2**20
    findings_bytes: int = 64 * 2**20
    findings_files: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdout:
    """The sink that writes findings as JSON lines to stdout."""

    enabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The sink that posts findings to a URL; it is on when ``url`` is set.

    ``token_file`` holds a bearer token, ``ca_file`` certificates to trust instead of the
    system's. ``boms`` posts each new BOM as well. ``min_severity`` leaves lesser findings out.
    """

    url: str = ""
    token_file: str = ""
    ca_file: str = ""
    boms: bool = False
    min_severity: Literal["info", "low", "medium", "high", "critical"] = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyTrack:
    """The sink that uploads BOMs to Dependency-Track; it is on when ``url`` is set.

    ``url`` is the API server's, ``key_file`` holds an API key. A project is named by
    ``project``, in which {node}, {namespace}, {workload} and {kind} stand for the workload's.
    """

    url: str = ""
    key_file: str = ""
    ca_file: str = ""
    project: str = "{namespace}/{workload}"
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where findings and BOMs go besides files. All are off by default.

    ``spool_bytes`` bounds what waits on disk for each sink that is down.
    """

    stdout: Stdout = field(default_factory=Stdout)
    webhook: Webhook = field(default_factory=Webhook)
    dependency_track: DependencyTrack = field(default_factory=DependencyTrack)
    spool_bytes: int = 128 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """``format`` is for people or for programs; ``level`` is the least that is told."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an agent is told.

    ``output`` and ``state`` are folders. ``listen`` is ADDRESS:PORT for metrics and health; empty
    for none. ``spec_version`` is that of the BOMs.
    """

    output: str = ""
    state: str = ""
    listen: str = ""
    spec_version: Literal["1.6", "1.7"] = "1.7"
    node: Node = field(default_factory=Node)
    select: Selection = field(default_factory=Selection)
    sensors: Sensing = field(default_factory=Sensing)
    compare: Comparing = field(default_factory=Comparing)
    hashing: Hashing = field(default_factory=Hashing)
    keep: Keeping = field(default_factory=Keeping)
    sinks: Sinks = field(default_factory=Sinks)
    log: Logging = field(default_factory=Logging)
