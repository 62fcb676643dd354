"""Model files to components: shards joined, adapters told from models, names with their source."""

import hashlib
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from aibom.identify import provenance
from aibom.identify.features import Witness
from aibom.identify.filenames import (
    file_name,
    is_dataset,
    repositories,
    shard_count,
    shard_of,
    shard_properties,
)
from aibom.identify.origins import worst_origin
from aibom.identify.provenance import Provenance
from aibom.types.facts import FileFacts, FileKey, ModelConfig, ModelFile, ModelUse
from aibom.types.inventory import Component, ComponentKind, Evidence, ModelDetails, Technique
from aibom.types.model import BaseModel, ModelHeader
from aibom.types.rules import RuleSet

# names that every model of a kind bears; the folder says more
_GENERIC = frozenset(
    {
        "model",
        "pytorch_model",
        "adapter_model",
        "weights",
        "consolidated",
        "diffusion_pytorch_model",
    }
)


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
        self._seen: dict[tuple[object, ...], _Seen] = {}

    def add(self, uses: Iterable[ModelUse], witness: Witness, beside: Iterable[str] = ()) -> None:
        """Take the model files that one process held, and the model runtimes in it."""
        for held in uses:
            model, use = held.model, held.use
            verified = model.hub is not None and model.hub.verified
            technique: Technique = "hash-comparison" if verified else "binary-analysis"
            seen = self._seen.setdefault(_identity(model, witness.container), _Seen())
            evidence = witness.saw(use.kind, model.file.path, technique, 100, model.file)
            evidence = replace(evidence, times=held.times, beside=tuple(beside))
            seen.uses.append((model, evidence))
            if witness.container:
                seen.containers.add(witness.container)

    def components(self) -> list[Component]:
        """Return one component per model, adapters included, sorted by ref."""
        merged: dict[object, _Seen] = {}
        for key, seen in self._seen.items():
            known = merged.setdefault(seen.digests() or key, seen)
            if known is not seen:
                known.uses += seen.uses
                known.containers |= seen.containers
        found = []
        for seen in merged.values():
            component = self._settle(_component(seen))
            found.append(component)
            self.places[component.ref] = tuple({m.file: None for m, _ in seen.uses})
        return sorted(found, key=lambda c: c.ref)

    def _settle(self, component: Component) -> Component:
        if component.rule not in self._data and component.kind != "data":
            return component
        ref = f"data:{component.ref.partition(':')[2]}"
        return replace(component, ref=ref, kind="data", type="data", role="data", model=None)


def _identity(model: ModelFile, container: str) -> tuple[object, ...]:
    """Return what makes two files one: shards of a set, a data set, or the same content."""
    if is_dataset(model):
        return ("dataset", container, *repositories(model))
    shard = shard_of(file_name(model))
    if shard and int(shard["count"]) > 1:
        place: object = repositories(model) or posixpath.dirname(model.file.path)
        return ("shards", container, place, shard["stem"], shard["count"], shard["suffix"])
    if model.file.sha256:
        return ("content", model.file.sha256)
    key: FileKey = model.file.key
    return ("file", key)


def _component(seen: _Seen) -> Component:
    found = sorted((m for m, _ in seen.uses), key=lambda m: (file_name(m), m.file.path))
    # one content in several places is one file of the model
    models = list({m.file.sha256 or m.file.path: m for m in reversed(found)}.values())[::-1]
    first = models[0]
    files = tuple(m.file for m in models)
    kind = _kind(first)
    origin = provenance.join(found)
    name, claimed = _name(first, origin)
    digest = files[0].sha256 if len(files) == 1 else ""
    return Component(
        ref=f"{kind}:{_fingerprint(files)}",
        kind=kind,
        type="machine-learning-model",
        name=name,
        version=origin.commit,
        purl=origin.purl,
        publisher=first.header.producer or "",
        description=first.header.description or "",
        licence=first.header.licence or "",
        sha256=digest,
        rule=f"format/{first.header.format}" if first.header.format else "",
        role=kind,
        claimed=claimed,
        files=files,
        evidence=tuple(sorted({e for _, e in seen.uses})),
        origin=worst_origin(m.file.origin for m in found),
        containers=tuple(sorted(seen.containers)),
        model=_details(models),
        properties=provenance.properties(origin) + shard_properties(models),
    )


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


def _name(model: ModelFile, origin: Provenance) -> tuple[str, tuple[str, ...]]:
    """Return a model's name, and ``("name",)`` when only its own files or a cache vouch for it."""
    if origin.repositories and (origin.recorded or not model.header.name):
        return origin.repositories[0], () if origin.certain else ("name",)
    if model.header.name:
        return model.header.name, ("name",)
    base = posixpath.basename(model.file.path)
    shard = shard_of(base)
    stem = shard["stem"] if shard else posixpath.splitext(base)[0]
    folder = posixpath.basename(posixpath.dirname(model.file.path))
    return (folder if stem in _GENERIC and folder else base), ()


def _details(models: list[ModelFile]) -> ModelDetails:
    header = models[0].header
    config = models[0].config or ModelConfig()
    bases = header.base_models
    if config.base_model:
        bases = (BaseModel(config.base_model, config.base_model), *bases)
    return ModelDetails(
        format=header.format,
        format_version=header.format_version or "",
        architecture=header.architecture or config.architecture or config.model_type,
        parameters=_sum(models, "parameters"),
        quantization=header.quantization or "",
        tensors=_sum(models, "tensors"),
        context_length=header.context_length or config.context_length,
        base_models=bases,
        unsafe_globals=tuple(sorted({g for m in models for g in m.header.globals})),
        properties=_details_properties(header, config),
    )


def _details_properties(header: ModelHeader, config: ModelConfig) -> tuple[tuple[str, str], ...]:
    extra = [("peft.type", config.peft_type)] if config.peft_type else []
    # what a model was made from, as often as what it is: shown, and never taken for its name
    extra += [("config._name_or_path", config.name)] if config.name else []
    if config.custom_code:
        extra.append(("custom_code", ", ".join(config.custom_code)))
    return tuple(sorted({*header.properties, *extra}))


def _sum(models: list[ModelFile], name: str) -> int | None:
    values = [getattr(m.header, name) for m in models]
    # a sum over some of the shards would be a wrong number
    missing = len(models) < shard_count(models[0])
    return None if missing or None in values else sum(values)
