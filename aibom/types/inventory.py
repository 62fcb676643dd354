"""What runs in a workload: components, services and links, each with its evidence."""

from dataclasses import dataclass, field
from typing import Literal

from aibom.types.concerns import Concern
from aibom.types.facts import Span
from aibom.types.files import UNKNOWN_ORIGIN, FileFacts, Origin
from aibom.types.model import BaseModel, ChatTemplate, Width
from aibom.types.modelfiles import Companion
from aibom.types.unseen import Unseen

ComponentKind = Literal[
    "model", "adapter", "agent", "framework", "package", "mcp-server", "data", "device", "image"
]
WorkloadKind = Literal["pod", "container", "service", "processes", "unattributed"]

#: CycloneDX 1.6, component.evidence.identity.methods.technique
Technique = Literal[
    "binary-analysis",
    "dynamic-analysis",
    "filename",
    "hash-comparison",
    "manifest-analysis",
    "source-code-analysis",
]


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """How one process showed that a component is there.

    ``how`` is a word for people (``mapped``, ``open``, ``executable``, ``command line``,
    ``script``), ``path`` the path in the container, ``confidence`` is in hundredths, ``origin``
    is where the file at ``path`` came from. ``times`` counts how often like processes did it.
    ``beside`` names the model runtimes that were in the process, or an agent's frameworks.
    ``first_seen`` and ``last_seen`` are seconds since the epoch, None where one look saw it:
    then it was at the time of the observation. They make no difference between evidence.
    """

    how: str
    path: str
    process: str
    pid: int
    technique: Technique
    confidence: int
    container: str = ""
    origin: Origin = UNKNOWN_ORIGIN
    times: int = 1
    beside: tuple[str, ...] = ()
    first_seen: float | None = field(default=None, compare=False)
    last_seen: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """The fields of a model card that evidence could fill; all from the model's own files.

    ``datasets`` are what the card says it was trained on, ``task`` what it is for.
    """

    format: str
    format_version: str = ""
    architecture: str = ""
    parameters: int | None = None
    quantization: str = ""
    tensors: int | None = None
    context_length: int | None = None
    base_models: tuple[BaseModel, ...] = ()
    unsafe_globals: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    templates: tuple[ChatTemplate, ...] = ()
    datasets: tuple[str, ...] = ()
    task: str = ""
    widths: tuple[Width, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that ran. ``ref`` is its bom-ref, derived from content.

    ``type`` is the CycloneDX component type. ``rule`` is the id of the rule that named it.
    ``files`` are the files that are the component's content, ``containers`` the names of the
    containers that it was seen in, ``within`` the ref of the package whose file holds it.
    ``inferred`` is true where the evidence makes it likely and does not prove it. ``claimed``
    names fields that only the component's own files vouch for. ``companions`` are files that
    belong to it beside its content. ``concerns`` deserve a look whatever was declared.
    ``pending`` is true while the digest of one of its files is computed; ``provisional`` are the
    refs that it has, or may have had, until that is known.
    """

    ref: str
    kind: ComponentKind
    type: str
    name: str
    evidence: tuple[Evidence, ...]
    origin: Origin
    version: str = ""
    purl: str = ""
    publisher: str = ""
    description: str = ""
    licence: str = ""
    sha256: str = ""
    rule: str = ""
    role: str = ""
    inferred: bool = False
    claimed: tuple[str, ...] = ()
    files: tuple[FileFacts, ...] = ()
    containers: tuple[str, ...] = ()
    model: ModelDetails | None = None
    references: tuple[str, ...] = ()
    within: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    companions: tuple[Companion, ...] = ()
    concerns: tuple[Concern, ...] = ()
    pending: bool = False
    provisional: tuple[str, ...] = ()

    @property
    def telling(self) -> tuple[Evidence, ...]:
        """The evidence for the component's origin: a second copy may well be where it belongs."""
        found = tuple(e for e in self.evidence if e.origin.kind == self.origin.kind)
        return found or self.evidence


@dataclass(frozen=True, slots=True)
class Service:
    """Something that answers: a server in the workload, or a destination that it talks to.

    A server has the ref of its ``component``; a destination has none. ``role`` is the kind of
    the ``rule`` that names a destination, of the server at its other end, ``destination``,
    ``identity`` for who the workload can act as, or ``mcp-server`` of what speaks MCP.
    ``provider`` is who runs it, ``named_by`` where its name was seen (see Connection), and
    ``beside`` are the refs of what else was seen in the processes that talk to it. ``outside``
    is true of what lies beyond the workload's own loopback. ``authenticated`` is None where
    that was not seen. ``client_pids`` are the processes that ``clients`` tells of.
    """

    ref: str
    name: str
    component: str
    transport: str
    endpoints: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    role: str = ""
    rule: str = ""
    provider: str = ""
    named_by: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    outside: bool = False
    client_pids: tuple[int, ...] = ()
    authenticated: bool | None = None
    properties: tuple[tuple[str, str], ...] = ()
    concerns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """``source`` depends on ``target`` (both are refs)."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Workload:
    """What a BOM is written for. ``name`` is unique on the node."""

    kind: WorkloadKind
    name: str
    namespace: str = ""
    uid: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    pids: tuple[int, ...] = ()


# destinations that only AI software has
_AI_DESTINATIONS = frozenset({"model-api", "model-hub", "vector-database", "mcp-endpoint"})


@dataclass(frozen=True, slots=True)
class Inventory:
    """What ran in one workload, and what could not be seen of it.

    ``concerns`` are those of the workload as a whole. ``watched`` is for how long it was watched,
    in seconds; 0 of one look. ``period`` is from when to when that was.
    """

    workload: Workload
    components: tuple[Component, ...] = ()
    services: tuple[Service, ...] = ()
    links: tuple[Link, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    sensors: tuple[tuple[str, str], ...] = ()
    concerns: tuple[Concern, ...] = ()
    watched: int = 0
    period: Span | None = None

    @property
    def has_ai(self) -> bool:
        """Whether anything here is AI software, and not just the packages around it."""
        return any(c.kind not in ("package", "device", "image") for c in self.components) or any(
            s.role in _AI_DESTINATIONS for s in self.services
        )
