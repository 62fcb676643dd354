"""Packages and rule matches to components: frameworks, servers, runtimes, libraries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from packageurl import PackageURL

from aibom.identify import provisional
from aibom.identify.features import Proof, Witness
from aibom.identify.match import Match, match
from aibom.identify.models.filenames import library_version
from aibom.identify.origins import worst_origin
from aibom.types.files import FileFacts, Origin
from aibom.types.inventory import Component, ComponentKind, Evidence
from aibom.types.packages import Package
from aibom.types.rules import Feature, Rule, RuleKind, RuleSet, Verb, meets

_SERVERS: frozenset[RuleKind] = frozenset({"inference-server", "mcp-server"})
_KINDS: Mapping[RuleKind, ComponentKind] = {"mcp-server": "mcp-server", "accelerator": "package"}


@lru_cache(maxsize=10_000)
def package_url(package: Package) -> str:
    """Return the purl of a package, normalised as its type wants it."""
    namespace, _, name = package.name.rpartition("/")
    version = package.version or None
    return PackageURL(package.ecosystem, namespace or None, name, version).to_string()


@dataclass
class _Seen:
    """A component in the making: everything that spoke for it."""

    package: Package | None = None
    rules: dict[str, Rule] = field(default_factory=dict)
    evidence: set[Evidence] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    within: str = ""
    content: FileFacts | None = None
    #: what the name of the library's file ends in
    version: str = ""


class SoftwareShelf:
    """Collects what processes prove to run or load, and gives one component for each thing."""

    def __init__(self, rules: RuleSet) -> None:
        """Name things by ``rules``."""
        self._rules = rules
        self._seen: dict[str, _Seen] = {}

    def add(self, features: Mapping[Feature, Proof], witness: Witness) -> tuple[Match, ...]:
        """Take what is true of one process; return the rules that hold for it."""
        matches = match(self._rules, features)
        for feature, proof in features.items():
            if feature.verb == "listed":
                self._take_listed(feature, proof, witness)
            # packages that no rule names are libraries of the workload all the same
            named = feature.verb in ("loads", "installed")
            if named and proof.package is not None and proof.binary is None:
                self._note(package_url(proof.package), proof, witness).package = proof.package
        for found in matches:
            for feature in found.features:
                self._take(found.rule, feature, features[feature], witness)
        return matches

    def _take_listed(self, feature: Feature, proof: Proof, witness: Witness) -> None:
        """Name a package that another one lists, and prove nothing else by it.

        Of a rule only a clause that asks for no more than the package counts, and what is listed
        serves nobody.
        """
        asked = Feature("loads", feature.key, feature.value)
        for rule, clause in self._rules.asking_for(asked):
            if len(clause.features) == 1 and rule.kind not in _SERVERS:
                self._take(rule, feature, proof, witness)

    def _take(self, rule: Rule, feature: Feature, proof: Proof, witness: Witness) -> None:
        if proof.package is not None and self._names(rule, proof.package):
            seen = self._note(package_url(proof.package), proof, witness)
            seen.package = proof.package
            owner = proof.binary.owner if proof.binary is not None else None
            if owner is not None and owner is not proof.package:
                # a native program that a package of another ecosystem brings along
                seen.within = package_url(owner)
        elif rule.type == "device":
            # one thing, however many files of it a process holds
            seen = self._note(rule.id, proof, witness)
        else:
            # known by its code alone: its own file, or one that a package brings along
            seen = self._note(self._file_ref(rule, proof), proof, witness)
            seen.content = proof.file
            # code that another library holds has that library's number on its file
            if rule.names_version and feature.key == "soname" and proof.file is not None:
                seen.version = library_version(proof.file.path, feature.value)
            if proof.package is not None:
                seen.within = package_url(proof.package)
        seen.rules[rule.id] = rule

    def _file_ref(self, rule: Rule, proof: Proof) -> str:
        file = proof.file
        if file is not None and file.sha256:
            return f"{rule.id}:sha256:{file.sha256[:16]}"
        if file is not None and file.pending:
            return f"{rule.id}:{provisional.name_of([file])}"
        return f"{rule.id}:path:{file.path if file else proof.evidence.path}"

    def _names(self, rule: Rule, package: Package) -> bool:
        """Say whether a rule is about a package itself, and not about code inside of it."""
        wanted = {f for clause in rule.clauses for f in clause.features}
        verbs: tuple[Verb, ...] = ("loads", "runs")
        own = [Feature(verb, package.ecosystem, package.name) for verb in verbs]
        return any(meets(feature, asked) for feature in own for asked in wanted)

    def _note(self, ref: str, proof: Proof, witness: Witness) -> _Seen:
        seen = self._seen.setdefault(ref, _Seen())
        seen.evidence.add(proof.evidence)
        if witness.container:
            seen.containers.add(witness.container)
        return seen

    def components(self, *, without: Iterable[str] = ()) -> list[Component]:
        """Return one component per thing, sorted by ref; refs in ``without`` are left out."""
        left = set(without)
        return [
            _component(ref, seen) for ref, seen in sorted(self._seen.items()) if ref not in left
        ]


def _component(ref: str, seen: _Seen) -> Component:
    rule = _leading(seen.rules.values())
    package = seen.package
    name = package.name if package else (rule.name if rule else ref)
    origins = [e.origin for e in seen.evidence if e.origin.kind != "unknown"]
    pending = bool(seen.content and seen.content.pending and not package)
    return Component(
        ref=ref,
        kind=_kind(rule) if rule else "package",
        type=rule.type if rule else "library",
        name=name,
        version=package.version if package else seen.version,
        purl=package_url(package) if package else "",
        publisher=rule.publisher if rule else "",
        description=(package.summary if package else "") or (rule.description if rule else ""),
        licence=package.licence if package else "",
        sha256=seen.content.sha256 if seen.content and not package else "",
        rule=rule.id if rule else "",
        role=rule.kind if rule else "",
        inferred=max(e.confidence for e in seen.evidence) < 80,
        evidence=tuple(sorted(seen.evidence)),
        origin=worst_origin(origins) if origins else Origin("unknown"),
        containers=tuple(sorted(seen.containers)),
        within=seen.within,
        claimed=("version",) if seen.version and not package else (),
        references=rule.references if rule else (),
        properties=_properties(name, rule, package) + ((provisional.PENDING,) if pending else ()),
        pending=pending,
        provisional=_provisional(ref, seen),
    )


def _provisional(ref: str, seen: _Seen) -> tuple[str, ...]:
    """Return the ref of what is known by its own file alone, until that is hashed."""
    if seen.content is None or seen.package is not None:
        return ()
    rule = ref.partition(":")[0]
    return (f"{rule}:{provisional.name_of([seen.content])}",)


def _kind(rule: Rule) -> ComponentKind:
    return "device" if rule.type == "device" else _KINDS.get(rule.kind, "framework")


def _properties(
    name: str, rule: Rule | None, package: Package | None
) -> tuple[tuple[str, str], ...]:
    found = [("aibom:product", rule.name)] if rule and rule.name != name else []
    if package is not None and package.installer:
        found.append(("aibom:installer", package.installer))
        found.append(("aibom:requested", str(package.requested).lower()))
    if package is not None and package.integrity:
        found.append(("aibom:integrity", package.integrity))
    return tuple(found)


def _leading(rules: Iterable[Rule]) -> Rule | None:
    # a thing that is both an SDK and a server is called by what it does for others
    order: tuple[RuleKind, ...] = ("mcp-server", "inference-server", "vector-store")
    ranked = sorted(rules, key=lambda r: (r.kind not in order, r.id))
    return ranked[0] if ranked else None
