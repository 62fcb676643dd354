"""Model files to components: shards joined, adapters told from models, names with their source."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aibom.identify import provisional
from aibom.identify.features import Witness
from aibom.identify.models import provenance
from aibom.identify.models.details import (
    companions_of,
    concerns_of,
    details_of,
    licence_of,
    name_of,
)
from aibom.identify.models.filenames import is_dataset
from aibom.identify.models.provenance import Provenance
from aibom.identify.models.sets import (
    SetKey,
    editions,
    expected,
    graph_variables,
    is_parted,
    key_of,
)
from aibom.identify.origins import worst_origin
from aibom.types.files import FileFacts
from aibom.types.inventory import Component, ComponentKind, Evidence, Technique
from aibom.types.modelfiles import ModelFile, ModelUse
from aibom.types.rules import RuleSet

#: Most copies of one content whose names from before it was hashed are kept.
MAX_COPIES = 50


@dataclass
class _Seen:
    """A model with everything that showed it."""

    uses: list[tuple[ModelFile, Evidence]] = field(default_factory=list)
    containers: set[str] = field(default_factory=set)

    def digests(self) -> frozenset[str]:
        """Return the digests of all files; empty when one of them is not known."""
        found = frozenset(model.file.sha256 for model, _ in self.uses)
        return frozenset() if "" in found else found


class ModelShelf:
    """Collects the model files of a workload and gives one component for each model."""

    def __init__(self, rules: RuleSet) -> None:
        """Start empty; ``rules`` say which formats hold data and not models."""
        self._data = rules.data_formats
        #: by ref, every file in which a component was found, once ``components`` was asked
        self.places: dict[str, tuple[FileFacts, ...]] = {}
        self._seen: dict[SetKey, _Seen] = {}

    def add(self, uses: Iterable[ModelUse], witness: Witness, beside: Iterable[str] = ()) -> None:
        """Take the model files that one process held, and the model runtimes in it."""
        for held in uses:
            model, use = held.model, held.use
            verified = model.hub is not None and model.hub.verified
            technique: Technique = "hash-comparison" if verified else "binary-analysis"
            seen = self._seen.setdefault(key_of(model, witness.container), _Seen())
            evidence = witness.saw(use.kind, model.file.path, technique, 100, model.file)
            evidence = replace(evidence, times=held.times, beside=tuple(beside))
            seen.uses.append((model, evidence))
            if witness.container:
                seen.containers.add(witness.container)

    def components(self) -> list[Component]:
        """Return one component per model, adapters included, sorted by ref."""
        found = []
        variables = graph_variables(m for seen in self._seen.values() for m, _ in seen.uses)
        for seen in _merged(_parted(self._seen)):
            if all(m.file.key in variables for m, _ in seen.uses):
                continue
            component = self._settle(_component(seen))
            found.append(component)
            self.places[component.ref] = tuple({m.file: None for m, _ in seen.uses})
        return sorted(found, key=lambda c: c.ref)

    def _settle(self, component: Component) -> Component:
        if component.rule not in self._data and component.kind != "data":
            return component
        refs = (component.ref, *component.provisional)
        ref, *names = (f"data:{r.partition(':')[2]}" for r in refs)
        component = replace(component, ref=ref, provisional=tuple(names))
        return replace(component, kind="data", type="data", role="data", model=None)


def _parted(found: Mapping[SetKey, _Seen]) -> dict[SetKey, _Seen]:
    """Part what are several commits of one model; each has the files that it holds."""
    parted: dict[SetKey, _Seen] = {}
    for key, seen in found.items():
        parts = editions(m for m, _ in seen.uses) if is_parted(key) else []
        if len(parts) < 2:
            parted[key] = seen
            continue
        for number, files in enumerate(map(set, parts)):
            uses = [(m, e) for m, e in seen.uses if m in files]
            parted[*key, number] = _Seen(uses, set(seen.containers))
    return parted


def _merged(found: Mapping[SetKey, _Seen]) -> list[_Seen]:
    """Join what has the same content, and parts of a set with the whole of it."""
    merged: dict[object, _Seen] = {}
    # the whole first, so that its parts find it
    for key, seen in sorted(found.items(), key=lambda item: -len(item[1].digests())):
        digests = seen.digests()
        whole = _whole(digests, merged) if is_parted(key) else None
        known = merged.setdefault(whole or digests or key, seen)
        if known is not seen:
            known.uses += seen.uses
            known.containers |= seen.containers
    return list(merged.values())


def _whole(digests: frozenset[str], known: Iterable[object]) -> frozenset[str] | None:
    """Return the set of digests among ``known`` that has all of ``digests``."""
    sets = (one for one in known if isinstance(one, frozenset))
    return next((one for one in sets if digests and digests <= one), None)


def _component(seen: _Seen) -> Component:
    found = sorted((m for m, _ in seen.uses), key=lambda m: (m.name, m.file.path))
    # one content in several places is one file of the model
    models = list({m.file.sha256 or m.file.path: m for m in reversed(found)}.values())[::-1]
    first = models[0]
    files = tuple(m.file for m in models)
    kind = _kind(first)
    origin = provenance.join(found)
    name, claimed = name_of(models, origin)
    licence = licence_of(models)
    publisher = first.header.producer or origin.organisation
    digest = files[0].sha256 if len(files) == 1 else ""
    names = _provisional(files, found)
    pending = any(file.pending for file in files)
    return Component(
        ref=f"{kind}:{names[0] if pending else _fingerprint(files)}",
        kind=kind,
        type="machine-learning-model",
        name=name,
        version=origin.commit,
        purl=origin.purl,
        publisher=publisher,
        description=first.header.description or "",
        licence=licence,
        sha256=digest,
        rule=f"format/{first.header.format}" if first.header.format else "",
        role=kind,
        claimed=claimed + _claimed(licence, publisher, origin),
        files=files,
        evidence=tuple(sorted({e for _, e in seen.uses})),
        origin=worst_origin(m.file.origin for m in found),
        containers=tuple(sorted(seen.containers)),
        model=details_of(models),
        properties=provenance.properties(origin) + _set_properties(models),
        companions=companions_of(found),
        concerns=concerns_of(found) + provenance.mismatches(found),
        pending=pending,
        provisional=tuple(f"{kind}:{name}" for name in names),
    )


def _provisional(files: tuple[FileFacts, ...], found: Iterable[ModelFile]) -> tuple[str, ...]:
    """Return what a model is called until its files are hashed; each copy is one until then."""
    first = provisional.name_of(files)
    copies = {provisional.name_of([m.file]) for m in found} if len(files) == 1 else set()
    return (first, *sorted(copies - {first})[:MAX_COPIES])


def _kind(model: ModelFile) -> ComponentKind:
    if is_dataset(model):
        return "data"
    return "adapter" if _is_adapter(model) else "model"


def _fingerprint(files: tuple[FileFacts, ...]) -> str:
    digests = [file.sha256 for file in files]
    if len(digests) == 1 and digests[0]:
        return f"sha256:{digests[0][:16]}"
    if all(digests):
        together = "".join(sorted(digests)).encode()
        return f"sha256-of-{len(digests)}:{hashlib.sha256(together).hexdigest()[:16]}"
    return f"path:{files[0].path}"


def _is_adapter(model: ModelFile) -> bool:
    return model.header.kind == "adapter" or bool(model.config and model.config.peft_type)


def _claimed(licence: str, publisher: str, origin: Provenance) -> tuple[str, ...]:
    """Return which of these only the model's own files, or an unproven place, vouch for."""
    proven = origin.certain and publisher == origin.organisation
    return (("licence",) if licence else ()) + (("publisher",) if publisher and not proven else ())


def _set_properties(models: list[ModelFile]) -> tuple[tuple[str, str], ...]:
    """Return how many files of a set were seen, and the pipeline that they are parts of."""
    first = models[0]
    count = expected(first)
    found = [("aibom:shards", f"{len(models)} of {count} seen")] if count > 1 else []
    if first.pipeline is not None:
        found.append(("aibom:pipeline", first.pipeline.library))
        # a claim of its makers: the component's version is what content proves
        found += [("aibom:claimed:version", v)] if (v := first.pipeline.version) else []
    if any(model.file.pending for model in models):
        found.append(provisional.PENDING)
    if first.file.head_sha256:
        found.append(("aibom:fingerprint", f"sha256-of-first-mebibyte:{first.file.head_sha256}"))
    return tuple(found)
