"""What was observed on a node, before anybody says what it means."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from aibom.types.concerns import Concern
from aibom.types.model import BaseModel, ChatTemplate, ModelHeader

UnseenReason = Literal[
    "vanished",
    "denied",
    "unreadable",
    "damaged",
    "too-large",
    "not-regular",
    "remote-filesystem",
    "outside-root",
    "sensor",
    "runtime",
    "lost",
    "unattributed",
]


@dataclass(frozen=True, slots=True, order=True)
class Unseen:
    """Something that could not be seen: absence of evidence, never evidence of absence.

    ``subject`` says what was not seen, ``detail`` why in the system's or parser's own words,
    ``remedy`` what would make it visible. ``pid`` ties it to a process, where there is one.
    """

    reason: UnseenReason
    subject: str
    detail: str = ""
    remedy: str = ""
    pid: int | None = None


OriginKind = Literal[
    "image-layer", "writable-layer", "volume", "memory", "deleted", "host", "unknown"
]


#: Origins that were not there when the image was built.
ARRIVED: frozenset[OriginKind] = frozenset({"writable-layer", "memory", "deleted"})


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a loaded file came from, and where the host keeps it.

    ``detail`` names the layer's snapshot, or the volume's kind and name. ``host_path`` is the
    file's path on the host, where one is known. ``replaces`` names the image's layer that has a
    file at the same path, which a file of the writable layer hides.
    """

    kind: OriginKind
    detail: str = ""
    host_path: str = ""
    replaces: str = ""


#: Of a file whose place could not be determined.
UNKNOWN_ORIGIN = Origin("unknown")


@dataclass(frozen=True, slots=True)
class FileKey:
    """Identity of a file's content on this node, good for as long as nothing is written to it.

    ``device`` is 0 for files on overlayfs: there the same layer file has another device in each
    container, while inode and ctime (which nobody can set) are those of the layer file. So one
    file shared by fifty pods has one key.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


#: Of a file that could not be looked at.
NO_KEY = FileKey(0, 0, 0, 0, 0)


#: ``opened`` and ``written`` are what an event said; the others are what was held at a look.
UseKind = Literal["executable", "mapped", "open", "opened", "written"]


@dataclass(frozen=True, slots=True)
class FileUse:
    """One file that a process holds, as /proc shows it.

    ``path`` is the path inside the process's root. ``handle`` is the entry below /proc/PID that
    leads to the very file (``fd/3``, ``map_files/7f..-7f..``, ``exe``). ``device`` is
    ``major:minor`` in decimal. ``runs`` is true where a mapping may be executed,
    ``escapes`` where the file lies outside of the process's root: then ``path`` is the mount
    namespace's.
    """

    path: str
    kind: UseKind
    handle: str
    device: str
    inode: int
    deleted: bool = False
    runs: bool = False
    escapes: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """One end of a pipe or socket that a process holds.

    ``inode`` names the pipe or the socket; for a pipe both ends bear the same number. ``peer``
    is the inode of the other end of a UNIX socket pair, where it could be asked for.
    """

    kind: Literal["pipe", "socket"]
    inode: int
    descriptor: int
    reads: bool
    writes: bool
    peer: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """A TCP or connected UDP socket of a process. Without a ``remote`` end it listens.

    Else it is connected, connecting, or closed by the remote end only. ``host`` is the name of
    the remote end, where it was seen, and ``named_by`` says where: ``DNS``, ``SNI`` or
    ``request``. ``request`` is the method and path of a request that was seen; then ``local`` is
    empty, and ``remote`` is as well where it could be any of several connections.
    """

    local: str
    remote: str = ""
    host: str = ""
    named_by: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"
    request: str = ""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """What the path of a process's cgroup says of its place.

    ``runtime`` is the prefix that the runtime gave (``cri-containerd``, ``crio``, ``docker``,
    ``libpod``) or empty. ``unit`` is the systemd unit outside containers.
    """

    container_id: str = ""
    pod_uid: str = ""
    runtime: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One process at the moment of the sweep. ``start_ticks`` tells a reused pid from the first.

    ``argv`` has secrets removed. ``root`` is the process's root directory as seen by aibom
    (``/`` inside a container, another path after chroot). ``environment`` holds an allowlist of
    variables only. ``placed`` is false where ``cgroup`` is a guess: it ended too soon to be asked.
    """

    pid: int
    start_ticks: int
    parent: int
    session: int
    uid: int
    comm: str
    executable: str
    argv: tuple[str, ...]
    cwd: str
    root: str
    mount_namespace: str
    network_namespace: str
    cgroup: Cgroup
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    placed: bool = True


@dataclass(frozen=True, slots=True)
class Container:
    """A container as its runtime describes it; empty strings where the runtime was not asked.

    ``source`` says who told: ``bundle``, ``cri`` or ``cgroup``.
    """

    id: str
    source: str = "cgroup"
    name: str = ""
    pod_name: str = ""
    pod_namespace: str = ""
    pod_uid: str = ""
    image: str = ""
    image_digest: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file's content and place. ``sha256`` is empty when the file was not hashed.

    ``head_sha256`` is of the first mebibyte of a file that was too large to hash.
    """

    path: str
    key: FileKey
    origin: Origin
    sha256: str = ""
    head_sha256: str = ""

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        return self.key.size


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What the JSON files beside the weights say (config.json, adapter_config.json).

    All of it is a claim of whoever wrote the files. ``quantization`` is the method and its
    sizes (``gptq 4-bit``). ``custom_code`` are the classes of ``auto_map``. ``task`` is what the
    model is for, in the file's own word. ``base_revision`` is of ``base_model``.
    """

    name: str = ""
    architecture: str = ""
    model_type: str = ""
    context_length: int | None = None
    peft_type: str = ""
    base_model: str = ""
    custom_code: tuple[str, ...] = ()
    base_revision: str = ""
    quantization: str = ""
    task: str = ""
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The front matter of a model card (README.md of a hub's repository): all of it a claim.

    ``licence`` is an SPDX expression where what is said is one, else as it is said;
    ``licence_link`` is where its text is. ``merge_method`` is how mergekit made it of others.
    """

    name: str = ""
    licence: str = ""
    licence_link: str = ""
    base_models: tuple[BaseModel, ...] = ()
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    library: str = ""
    task: str = ""
    merge_method: str = ""


CompanionRole = Literal[
    "adapter-config",
    "card",
    "chat-template",
    "code",
    "config",
    "index",
    "part",
    "pipeline",
    "tokenizer",
]


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that belongs to a model and is not its weights; it lies beside them."""

    role: CompanionRole
    file: "FileFacts"


@dataclass(frozen=True, slots=True, order=True)
class HubSource:
    """One repository that a hub's cache names for a file.

    ``repository`` is empty where the cache keeps no name. ``commits`` are those that hold the
    file as ``filename``: commits on Hugging Face, the digest of a manifest on Ollama, version
    numbers on Kaggle. ``revisions`` are branches and tags that lead to one of them.
    """

    repository: str
    commits: tuple[str, ...] = ()
    filename: str = ""
    revisions: tuple[str, ...] = ()


HubKind = Literal["model", "dataset", "space", "code"]

#: ``records``: links, manifests or metadata that the cache keeps say it. ``names``: only how
#: folders and files are called, which anybody may call so.
HubClaim = Literal["records", "names"]


@dataclass(frozen=True, slots=True)
class HubPlace:
    """Where the cache of a hub says that a file came from.

    ``hub`` is a word: ``huggingface``, ``ollama``, ``modelscope``, ``kaggle``, ``torchhub``, ...
    ``sources`` are all repositories that the cache names, sorted: one content may be in several.
    ``promised`` is the digest that the cache says the file has, as ``sha256:HEX``,
    ``git-sha1:HEX`` (the name of a git blob) or ``sha256-prefix:HEX``; ``verified`` is true when
    the content has it. ``partial`` is a download that had not ended.
    """

    hub: str
    sources: tuple[HubSource, ...] = ()
    kind: HubKind = "model"
    promised: str = ""
    verified: bool = False
    claim: HubClaim = "records"
    partial: bool = False


@dataclass(frozen=True, slots=True)
class ModelPipeline:
    """Several models that one document makes one thing: diffusers, sentence-transformers, spaCy.

    ``folder`` has the document; ``library``, ``class_name``, ``name`` and ``version`` (of the
    whole, not of the library) are what it says.
    """

    folder: str
    library: str = ""
    class_name: str = ""
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file whose content is a model's or an adapter's weights, and what lies beside it.

    ``shards`` are the names, relative to ``folder``, of all files that an index says make one
    model together. ``pipeline`` is what it is a part of, ``tokenizer`` how its text becomes
    tokens. Paths are in the container; of a file in a hub's cache ``folder`` is the snapshot's.
    """

    file: FileFacts
    header: ModelHeader
    config: ModelConfig | None = None
    hub: HubPlace | None = None
    card: ModelCard | None = None
    companions: tuple[Companion, ...] = ()
    templates: tuple[ChatTemplate, ...] = ()
    concerns: tuple[Concern, ...] = ()
    folder: str = ""
    shards: tuple[str, ...] = ()
    pipeline: ModelPipeline | None = None
    tokenizer: str = ""

    @property
    def name(self) -> str:
        """The last part of the file's name in its repository, else of its path."""
        sources = self.hub.sources if self.hub is not None else ()
        names = (s.filename for s in sources if s.filename)
        return posixpath.basename(next(names, self.file.path))


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package of an ecosystem that purl knows (``pypi``, ``npm``, ``golang``).

    ``requires`` are the names of its direct dependencies. ``location`` is the path of the
    metadata that says so. ``mcp_name`` is its name in the MCP registry, where it gives one.
    ``installer`` is the program that says it installed it, ``requested`` whether somebody asked
    for it by name (PyPA, "Recording installed projects"). ``integrity`` is the digest that a lock
    file promises of its archive, in the form of Subresource Integrity (W3C).
    """

    ecosystem: Literal["pypi", "npm", "golang"]
    name: str
    version: str
    location: str
    licence: str = ""
    summary: str = ""
    requires: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    mcp_name: str = ""
    installer: str = ""
    requested: bool = False
    integrity: str = ""


#: ``mapped``: a file of the package is in the process's maps; ``imported``: the interpreter's
#: own list of modules names it; ``opened``: its code was opened, as imports do; ``listed``: the
#: running script's own package depends on it, and it lies where it would be loaded from;
#: ``installed``: its metadata was written, which loads nothing.
LoadedBy = Literal["mapped", "imported", "opened", "listed", "installed"]


@dataclass(frozen=True, slots=True)
class LoadedPackage:
    """A package that a process proves to have loaded, by ``file``, one of the package's."""

    package: Package
    file: FileFacts
    how: LoadedBy = "mapped"


@dataclass(frozen=True, slots=True)
class Binary:
    """An ELF file that a process maps for execution.

    ``symbols`` are those of the symbols that rules ask for which the file defines itself.
    ``modules`` are what is linked in, where the file's build information says so; the first is
    the main module. ``owner`` is the package that the file belongs to.
    """

    file: FileFacts
    soname: str = ""
    symbols: frozenset[str] = frozenset()
    modules: tuple[Package, ...] = ()
    owner: Package | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """What a process runs, as its command line and the files it names say.

    ``name`` is the base name of the executable or script, ``path`` its path and ``file`` what
    is there, ``module`` the argument of ``python -m``, ``package`` the package that owns the
    script or binary, ``imports`` the modules that the script's own text imports (a claim of the
    text, not proof of a load).
    """

    name: str
    path: str = ""
    file: FileFacts | None = None
    module: str = ""
    package: Package | None = None
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model file and how the process holds it, or did. ``times`` counts equal uses."""

    model: ModelFile
    use: FileUse
    times: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """How a file came to where it was loaded from: what wrote it, or gave it its name.

    ``argv`` is the writer's command with secrets removed, ``destinations`` are the remote ends
    it was connected to meanwhile, ``renamed_from`` is the name before the last one. ``when`` it
    was seen is in seconds since the epoch.
    """

    writer: str
    pid: int
    container: str = ""
    argv: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    renamed_from: str = ""
    when: float | None = field(default=None, compare=False)


IdentityKind = Literal[
    "kubernetes-service-account",
    "aws-role",
    "aws-pod-identity",
    "azure-workload-identity",
    "gcp-service-account",
]


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Who a process can act as: what is at hand in its place, not what it used.

    ``subject`` is the identity's own name, ``issuer`` who vouches for it, ``source`` the file or
    variable that says so. No token is kept.
    """

    kind: IdentityKind
    subject: str
    issuer: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, order=True)
class ConfiguredServer:
    """One MCP server in a client's configuration, with secrets removed.

    ``argv`` is the command of a stdio server, ``url`` the endpoint of a remote one.
    """

    name: str
    transport: str = ""
    argv: tuple[str, ...] = ()
    url: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True, order=True)
class McpConfig:
    """A configuration file of an MCP client, found where a process would read it.

    ``client`` is the id of the rule that knows the file. ``own`` is true where the process is
    known to read it: it is that client, or the file is nobody's in particular and lies where the
    process works.
    """

    path: str
    client: str
    servers: tuple[ConfiguredServer, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True, order=True)
class McpTool:
    """A tool that a server offers. ``sha256`` is of its whole definition in canonical JSON.

    ``suspicions`` say what in its texts looks like instructions to the model that people would
    not see.
    """

    name: str
    sha256: str
    suspicions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class McpAnswer:
    """What a listening MCP server answered when it was asked (``--mcp-ask``).

    ``authentication`` is ``none`` where it answered without, ``required`` where it refused. What
    it calls itself is a claim.
    """

    endpoint: str
    transport: str
    protocol: str = ""
    name: str = ""
    version: str = ""
    authentication: str = ""
    tools: tuple[McpTool, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class RemoteCode:
    """Python code of a hub's repository that a process imported (trust_remote_code).

    ``modules`` are its names below ``transformers_modules``; ``files`` what they were read from.
    """

    repository: str
    commit: str
    modules: tuple[str, ...]
    files: tuple[FileFacts, ...] = field(default=(), compare=False)


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
    and how far it saw. ``arrivals`` are of files, by the device and inode of their FileKey.
    ``watched`` is from when to when it was watched, None of a single look.
    """

    processes: tuple[ProcessFacts, ...]
    containers: Mapping[str, Container]
    unseen: tuple[Unseen, ...]
    lost: Mapping[int, Cgroup] = field(default_factory=dict)
    sensors: tuple[tuple[str, str], ...] = ()
    arrivals: Mapping[tuple[int, int], tuple[Arrival, ...]] = field(default_factory=dict)
    watched: Span | None = None
