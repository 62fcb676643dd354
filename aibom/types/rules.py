"""Detection knowledge, compiled from rules/ into frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Literal, NamedTuple

from aibom.types.imports import ImportRule
from aibom.types.mcp import ClientRule, TextRule
from aibom.types.packages import Binary

Verb = Literal["loads", "runs", "maps", "holds", "talks", "imports", "installed", "listed"]
RuleKind = Literal[
    "accelerator",
    "agent-framework",
    "data-format",
    "data-loader",
    "evaluation",
    "framework",
    "guardrail",
    "inference-server",
    "mcp-client",
    "mcp-endpoint",
    "mcp-sdk",
    "mcp-server",
    "mcp-text",
    "model-api",
    "model-client",
    "model-format",
    "model-hub",
    "model-runtime",
    "object-store",
    "package-registry",
    "pickle-import",
    "sandbox",
    "tracing",
    "training",
    "vector-database",
    "vector-store",
]

#: What a process talks to, known by its name in the network; nothing that runs in the workload.
DESTINATIONS: frozenset[RuleKind] = frozenset(
    {
        "mcp-endpoint",
        "model-api",
        "model-hub",
        "object-store",
        "package-registry",
        "vector-database",
    }
)
#: Kinds whose rules name no component. A sandbox hides what runs in it.
NO_COMPONENT: frozenset[RuleKind] = DESTINATIONS | {"sandbox"}


class RuleError(Exception):
    """A rule file that cannot be used; the message names the file and what to mend."""


class Feature(NamedTuple):
    """One thing that is true of a process, in the words that rules use.

    ``loads``: a package (``pypi``, ``npm``, ``golang``) proven loaded. ``runs``: what the process
    was started as (``pypi``, ``npm``, ``golang``, ``program``, ``module``). ``maps``: a mapped
    binary (``soname``, ``symbol``). ``holds``: a device file that is open or mapped (``device``,
    its path). ``talks``: the remote end of one connection (``host``, in lower case, and
    ``port``). ``imports``: what a pickle imports (``global``), in samples only.
    ``installed`` exists so that tests can say that it proves nothing, ``listed`` names a package
    that the running one depends on: no rule may match on them.
    """

    verb: Verb
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Clause:
    """Features that must all be true of one process, or of one connection: see ``meets``."""

    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Magic:
    """Bytes that a file of a format has at an offset."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FormatRule:
    """How a format is recognised: by one of aibom's parsers, by magic bytes, or by a schema.

    A file matches ``magics`` when all of them hold. ``extensions`` are what people name such
    files with, ``names`` whole names; they are hints, never proof. ``statements`` are patterns
    of what made the tables of an SQLite database (see formats/sqlite.py), each of which must be
    there. ``folder`` is how the name of a folder ends whose files are one thing together. ``of``
    is the rule of the software whose data a file is.
    """

    id: str
    name: str
    kind: RuleKind = "model-format"
    parser: str = ""
    magics: tuple[Magic, ...] = ()
    extensions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    folder: str = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class Serves:
    """How a server's command line spells what it serves: its options, by what their values are.

    The value of one of ``models`` is a model's path or its repository on a hub, of ``files`` a file
    in that repository, of ``folders`` a folder with a folder per model, of ``names`` what clients
    call the model, of ``revisions`` the revision of the model's repository. ``operands`` are the
    words after which the model follows without an option, ``variables`` are variables of the
    environment that name a model. ``images`` are repositories of container images, or ends of
    them, whose entry point is the server: shell patterns.
    """

    models: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    tokenizers: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One named thing and the clauses of which any one proves it.

    ``type`` is the CycloneDX component type, empty for kinds that name no component.
    ``publisher`` is who makes or runs it. ``names_version`` is true where the name of a library's
    file ends in the version that its makers release it as: many have a number of their own there.
    ``serves`` is set where its command line says which model it serves.
    """

    id: str
    name: str
    kind: RuleKind
    type: str
    clauses: tuple[Clause, ...]
    description: str = ""
    publisher: str = ""
    references: tuple[str, ...] = ()
    names_version: bool = False
    serves: Serves | None = None


class RuleSet:
    """All rules of one catalogue, with an index from features to the clauses that ask for them."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        formats: tuple[FormatRule, ...],
        imports: tuple[ImportRule, ...] = (),
        clients: tuple[ClientRule, ...] = (),
        texts: tuple[TextRule, ...] = (),
    ) -> None:
        """Index ``rules``; everything else is kept in the order given."""
        self.rules = rules
        self.formats = formats
        self.imports = imports
        self.clients = clients
        self.texts = texts
        self.data_formats = frozenset(f.id for f in formats if f.kind == "data-format")
        self.names = frozenset(name for rule in formats for name in rule.names)
        #: by format, what changes as it is used: known by its place, and never hashed
        self.stores = {
            rule.id.rpartition("/")[2]: rule for rule in formats if rule.statements or rule.folder
        }
        self.extensions = tuple(sorted({e for rule in formats for e in rule.extensions}))
        self._exact: dict[Feature, list[tuple[Rule, Clause]]] = {}
        self._patterns: dict[tuple[str, ...], list[tuple[Feature, tuple[Rule, Clause]]]] = {}
        for rule in rules:
            for clause in rule.clauses:
                for feature in clause.features:
                    if is_pattern(feature.value):
                        asked = self._patterns.setdefault(_shelf(feature), [])
                        asked.append((feature, (rule, clause)))
                    else:
                        self._exact.setdefault(feature, []).append((rule, clause))
        self.symbols = frozenset(f.value for f in self._exact if f.key == "symbol")

    def asking_for(self, feature: Feature) -> tuple[tuple[Rule, Clause], ...]:
        """Return the clauses in which a feature plays a part, with their rules."""
        matching = [
            pair
            for wanted, pair in self._patterns.get(_shelf(feature), ())
            if meets(feature, wanted)
        ]
        return (*self._exact.get(feature, ()), *matching)

    @cached_property
    def python_names(self) -> frozenset[str]:
        """Names that Python packages of AI software likely have below site-packages.

        A guess by the names of their distributions: good enough to know where to look.
        """
        named = (f for f in self._exact if f.verb in ("loads", "runs") and f.key == "pypi")
        return frozenset(f.value.lower().replace("-", "_") for f in named)

    @cached_property
    def software(self) -> "RuleSet":
        """The rules and formats that name components."""
        rules = tuple(rule for rule in self.rules if rule.kind not in NO_COMPONENT)
        return RuleSet(rules, self.formats)

    @cached_property
    def serving(self) -> Mapping[str, Serves]:
        """How servers spell what they serve, by the rule's id."""
        return {rule.id: rule.serves for rule in self.rules if rule.serves is not None}

    @cached_property
    def spellings(self) -> Serves:
        """All options of all servers together, for whoever does not know which server it is."""
        return Serves(
            *(
                tuple(
                    sorted({o for one in self.serving.values() for o in getattr(one, field.name)})
                )
                for field in fields(Serves)
            )
        )

    @cached_property
    def destinations(self) -> "RuleSet":
        """The rules that name what processes talk to."""
        return RuleSet(tuple(rule for rule in self.rules if rule.kind in DESTINATIONS), ())

    @cached_property
    def sandboxes(self) -> "RuleSet":
        """The rules that name runtimes whose processes are not the host's."""
        return RuleSet(tuple(rule for rule in self.rules if rule.kind == "sandbox"), ())

    def knows(self, binary: Binary) -> bool:
        """Say whether a rule could name a binary, by its soname, symbols or modules."""
        return any(self.asking_for(feature) for feature in binary_features(binary))


def is_pattern(value: str) -> bool:
    """Say whether a clause's value is a shell pattern."""
    return any(c in value for c in "*?[")


def meets(feature: Feature, wanted: Feature) -> bool:
    """Say whether a feature is what a clause wants, whose value may be a shell pattern.

    In the pattern of a host's name no wildcard stands for a dot: whoever may choose one label of
    a name, as of a bucket, must not choose which rule holds for it.
    """
    if feature[:2] != wanted[:2]:
        return False
    if feature.key == "host" and feature.value.count(".") != wanted.value.count("."):
        return False
    return fnmatchcase(feature.value, wanted.value)


def _shelf(feature: Feature) -> tuple[str, ...]:
    """Return where a pattern is kept, and found by a feature: for hosts, below their domain."""
    domain = feature.value.rsplit(".", 2)[-2:] if feature.key == "host" else ()
    return (feature.verb, feature.key, *domain)


def binary_features(binary: Binary) -> tuple[Feature, ...]:
    """Return what a mapped binary makes true of the process that maps it."""
    features = [Feature("maps", "symbol", symbol) for symbol in sorted(binary.symbols)]
    features += [Feature("loads", "golang", module.name) for module in binary.modules]
    features += [Feature("runs", "golang", module.name) for module in binary.modules[:1]]
    if binary.soname:
        features.append(Feature("maps", "soname", binary.soname))
    return tuple(features)
