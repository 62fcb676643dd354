"""What is true of one process, in the words of rules, each with its evidence."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from aibom.identify.origins import worst_origin
from aibom.types.facts import THE_PROCESS, ProcessFacts
from aibom.types.files import FileFacts, Origin
from aibom.types.inventory import Evidence, Technique
from aibom.types.packages import Binary, LoadedBy, LoadedPackage, Package, Program
from aibom.types.processes import Container
from aibom.types.rules import Feature, Verb, binary_features

# an opened file may have been read for another reason than an import
_LOADED: Mapping[LoadedBy, tuple[Technique, int]] = {
    "mapped": ("manifest-analysis", 95),
    "imported": ("dynamic-analysis", 95),
    "opened": ("dynamic-analysis", 75),
    # that it ran is then likely, and not proven
    "listed": ("manifest-analysis", 50),
    "installed": ("manifest-analysis", 50),
}
#: Evidence that a package is there, or named by another one: neither loads it.
UNPROVEN: frozenset[str] = frozenset({"installed", "listed"})
#: Evidence that a process runs something itself, and does not just load it.
RUN = frozenset({"command line", "executable"})
#: Evidence that a process reads a file, and did not only write it for others.
READ = frozenset({"mapped", "open", "opened"})
# what a process shows for as long as it is there
_FROM_THE_BEGINNING = RUN | {"script"}


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a feature is true: the evidence, and the package or binary that it rests on."""

    evidence: Evidence
    package: Package | None = None
    file: FileFacts | None = None
    binary: Binary | None = None


class Witness:
    """Writes evidence in the name of one process."""

    def __init__(self, found: ProcessFacts, container: Container | None) -> None:
        """Speak for a process, which runs in ``container`` if in any."""
        self._process = found.process
        self._when = found.when
        self._container = container.name or container.id[:12] if container else ""

    @property
    def container(self) -> str:
        """The name of the container, or the start of its id."""
        return self._container

    def saw(
        self, how: str, path: str, technique: Technique, confidence: int, file: FileFacts | None
    ) -> Evidence:
        """Return evidence that this process showed something at ``path``."""
        span = self._when.get((path, how))
        if span is None and how in _FROM_THE_BEGINNING:
            span = self._when.get(THE_PROCESS)
        return Evidence(
            how=how,
            path=path,
            process=self._process.comm,
            pid=self._process.pid,
            technique=technique,
            confidence=confidence,
            container=self._container,
            origin=file.origin if file is not None else Origin("unknown"),
            first_seen=span.first if span is not None else None,
            last_seen=span.last if span is not None else None,
        )


def features_of(found: ProcessFacts, witness: Witness) -> dict[Feature, Proof]:
    """Return what is true of a process, each feature with the first proof of it."""
    proofs: dict[Feature, Proof] = {}
    for loaded in found.packages:
        package = loaded.package
        if loaded.how in UNPROVEN:
            continue
        technique, confidence = _LOADED[loaded.how]
        seen = witness.saw(loaded.how, loaded.file.path, technique, confidence, loaded.file)
        feature = Feature("loads", package.ecosystem, package.name)
        known = proofs.get(feature)
        # of a package's files the one that did not come with the rest is what tells
        if known is None or known.file is None or _less_trusted(loaded.file, known.file):
            proofs[feature] = Proof(seen, package, loaded.file)
    for binary in found.binaries:
        for feature in binary_features(binary):
            proofs.setdefault(feature, _binary_proof(feature, binary, witness))
    for device in found.devices:
        seen = witness.saw("open", device, "dynamic-analysis", 90, None)
        # wherever its file lies, the device is the node's
        proof = Proof(replace(seen, origin=Origin("host")))
        proofs[Feature("holds", "device", device)] = proof
    for feature, proof in _program_features(found, witness):
        proofs.setdefault(feature, proof)
    for feature, proof in _unproven_features(found, witness):
        # what is loaded needs nobody to list it
        if feature.verb == "installed" or feature._replace(verb="loads") not in proofs:
            proofs.setdefault(feature, proof)
    return proofs


def _unproven_features(found: ProcessFacts, witness: Witness) -> list[tuple[Feature, Proof]]:
    features = []
    for one in (*found.packages, *found.installed):
        if one.how not in UNPROVEN:
            continue
        technique, confidence = _LOADED[one.how]
        seen = witness.saw(one.how, one.file.path, technique, confidence, one.file)
        verb: Verb = "listed" if one.how == "listed" else "installed"
        feature = Feature(verb, one.package.ecosystem, one.package.name)
        features.append((feature, Proof(seen, one.package, one.file)))
    return features


def further_versions(found: ProcessFacts) -> Iterator[ProcessFacts]:
    """Yield a process as often as versions of one package are loaded in it, with one of each.

    A feature knows names alone, and JavaScript programs load several versions of one name.
    """
    named: dict[tuple[str, str], dict[str, LoadedPackage]] = defaultdict(dict)
    for one in found.packages:
        if one.how not in UNPROVEN:
            versions = named[one.package.ecosystem, one.package.name]
            versions.setdefault(one.package.version, one)
    several = [list(versions.values()) for versions in named.values() if len(versions) > 1]
    for number in range(max(map(len, several), default=0)):
        packages = tuple(v[number] for v in several if number < len(v))
        yield ProcessFacts(found.process, Program(""), packages=packages)


def _less_trusted(one: FileFacts, other: FileFacts) -> bool:
    return worst_origin((one.origin, other.origin)) is one.origin and one.origin != other.origin


def _binary_proof(feature: Feature, binary: Binary, witness: Witness) -> Proof:
    # an exported symbol is the code's own; a soname is a name that the linker was given
    confidence = 80 if feature.key == "soname" else 90
    module = next((m for m in binary.modules if m.name == feature.value), None)
    seen = witness.saw("mapped", binary.file.path, "binary-analysis", confidence, binary.file)
    return Proof(seen, module or binary.owner, binary.file, binary)


def _program_features(found: ProcessFacts, witness: Witness) -> list[tuple[Feature, Proof]]:
    program = found.program
    features = []
    if program.package is not None:
        package = program.package
        path = program.path or package.location
        seen = witness.saw("command line", path, "manifest-analysis", 90, program.file)
        proof = Proof(seen, package, program.file)
        features.append((Feature("runs", package.ecosystem, package.name), proof))
        # what runs from a package's own files is loaded
        features.append((Feature("loads", package.ecosystem, package.name), proof))
    if program.module:
        path = program.path or program.module
        seen = witness.saw("command line", path, "filename", 70, program.file)
        proof = Proof(seen, program.package, program.file)
        features.append((Feature("runs", "module", program.module), proof))
    if program.path:
        how = "executable" if program.path == found.process.executable else "command line"
        seen = witness.saw(how, program.path, "filename", 50, program.file)
        proof = Proof(seen, program.package, program.file)
        features.append((Feature("runs", "program", program.name), proof))
    return features
