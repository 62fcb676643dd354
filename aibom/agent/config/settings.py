"""The settings of an agent, with their defaults: the schema of the file and of all else.

Their names are those of the file. Everything else (environment, options, JSON schema, reference)
follows from the types and descriptions here.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from aibom.agent.config.kinds import (
    Address,
    CaFile,
    Days,
    FilePath,
    Namespace,
    NodeName,
    OptionalPath,
    OptionalProjectName,
    ProjectName,
    Size,
    Url,
    about,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where the node is seen."""

    name: Annotated[
        NodeName,
        about(
            "the node's name (default: NODE_NAME of the environment, else the host's name)",
            fixed=True,
        ),
    ] = ""
    procfs: Annotated[FilePath, about("the node's /proc", fixed=True)] = "/proc"
    rootfs: Annotated[
        OptionalPath, about("the node's root file system (default: through its /proc)", fixed=True)
    ] = ""
    cri_socket: Annotated[
        OptionalPath,
        about(
            "ask this container runtime for names and labels (default: read its bundles)",
            fixed=True,
        ),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which workloads are reported. Everything is looked at, as links lead everywhere."""

    namespaces: Annotated[
        tuple[Namespace, ...], about("report pods of these namespaces only (default: of all)")
    ] = ()
    exclude_namespaces: Annotated[
        tuple[Namespace, ...], about("namespaces whose pods are never reported")
    ] = ()
    labels: Annotated[
        dict[str, str],
        about("labels that a pod must bear, with their values; needs node.cri_socket"),
    ] = field(default_factory=dict)
    services: Annotated[bool, about("report the host's own services and sessions")] = True
    containers: Annotated[bool, about("report containers that belong to no pod")] = True
    everything: Annotated[bool, about("report workloads without any AI software as well")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing:
    """What is watched with. What does not work on a node is said, and the rest goes on."""

    names: Annotated[
        bool,
        about(
            "hear host names in DNS answers and TLS hellos, by a filtered packet socket",
            fixed=True,
        ),
    ] = False
    requests: Annotated[
        bool,
        about(
            "method, host and path of TLS requests, by probes on OpenSSL (no query, no headers)",
            fixed=True,
        ),
    ] = False
    mcp_ask: Annotated[
        bool, about("ask listening MCP servers for their tools; nothing is called", fixed=True)
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What is compared with."""

    images: Annotated[bool, about("compare each container with its own image")] = False
    containerd_root: Annotated[FilePath, about("where containerd keeps its images", fixed=True)] = (
        "/var/lib/containerd"
    )
    declared: Annotated[
        tuple[FilePath, ...], about("files to compare with: SBOMs, lock files, manifests")
    ] = ()
    policy: Annotated[OptionalPath, about("a policy ('aibom policy')")] = ""
    unused_days: Annotated[Days, about("after which a declared thing counts as never loaded")] = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashing:
    """How files are hashed."""

    limit: Annotated[Size, about("largest file that is hashed", fixed=True)] = 20 * 10**9
    rate: Annotated[
        Size, about("most bytes read in a second for that; 0 for what can be spared")
    ] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What is kept, and for how long."""

    versions: Annotated[int, Meta(ge=0, le=1000), about("older BOMs of each workload")] = 3
    gone_days: Annotated[Days, about("how long BOMs of a workload stay after its end")] = 7.0
    state_days: Annotated[
        Days, about("how long the state remembers what it has not seen again")
    ] = 30.0
    state_bytes: Annotated[Size, Meta(ge=2**20), about("how large the state may grow")] = (
        256 * 2**20
    )
    findings_bytes: Annotated[
        Size, Meta(ge=2**16), about("size at which findings.jsonl is put aside")
    ] = 64 * 2**20
    findings_files: Annotated[
        int, Meta(ge=0, le=1000), about("files of findings kept that were put aside")
    ] = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdout:
    """The sink that writes findings as JSON lines to stdout."""

    enabled: Annotated[bool, about("write findings as JSON lines to stdout")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The sink that posts findings to a URL; it is on when ``url`` is set."""

    url: Annotated[Url, about("post findings to this URL (default: off)")] = ""
    token_file: Annotated[OptionalPath, about("file with a bearer token")] = ""
    ca_file: CaFile = ""
    boms: Annotated[bool, about("post each new BOM as well")] = False
    min_severity: Annotated[
        Literal["info", "low", "medium", "high", "critical"], about("leave lesser findings out")
    ] = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyTrack:
    """The sink that uploads BOMs to Dependency-Track; it is on when ``url`` is set."""

    url: Annotated[Url, about("upload BOMs to this API server (default: off)")] = ""
    key_file: Annotated[OptionalPath, about("file with an API key")] = ""
    ca_file: CaFile = ""
    project: Annotated[
        ProjectName,
        about("name of the project: {node}, {namespace}, {workload}, {kind} are the workload's"),
    ] = "{namespace}/{workload}"
    parent: Annotated[
        OptionalProjectName, about("the projects' parent, as NAME or NAME@VERSION")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where findings and BOMs go besides files. All are off by default."""

    stdout: Stdout = field(default_factory=Stdout)
    webhook: Webhook = field(default_factory=Webhook)
    dependency_track: DependencyTrack = field(default_factory=DependencyTrack)
    spool_bytes: Annotated[
        Size, Meta(ge=2**16), about("how much may wait on disk for each sink that is down")
    ] = 128 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """What the agent tells of itself, on stderr."""

    format: Annotated[Literal["text", "json"], about("for people, or for programs")] = "text"
    level: Annotated[
        Literal["debug", "info", "warning", "error"], about("the least that is told")
    ] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an agent is told."""

    output: Annotated[
        OptionalPath, about("folder for BOMs, findings and the node summary", fixed=True)
    ] = ""
    state: Annotated[
        OptionalPath, about("folder for what must survive a restart; private", fixed=True)
    ] = ""
    listen: Annotated[
        Address, about("where metrics and health are served (default: nowhere)", fixed=True)
    ] = ""
    spec_version: Annotated[Literal["1.6", "1.7"], about("version of CycloneDX of the BOMs")] = (
        "1.7"
    )
    node: Node = field(default_factory=Node)
    select: Selection = field(default_factory=Selection)
    sensors: Sensing = field(default_factory=Sensing)
    compare: Comparing = field(default_factory=Comparing)
    hashing: Hashing = field(default_factory=Hashing)
    keep: Keeping = field(default_factory=Keeping)
    sinks: Sinks = field(default_factory=Sinks)
    log: Logging = field(default_factory=Logging)
