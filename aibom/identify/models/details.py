"""What a model's own files say of it: header, configuration and card as one model card."""

import posixpath
from collections.abc import Iterable
from dataclasses import replace

from aibom.formats.modelfolder import licences
from aibom.formats.modelnames import OWN_FOLDER
from aibom.identify.models.filenames import shard_of
from aibom.identify.models.provenance import Provenance
from aibom.identify.models.sets import expected
from aibom.types.concerns import Concern
from aibom.types.inventory import ModelDetails
from aibom.types.model import BaseModel, ModelHeader
from aibom.types.modelfiles import Companion, ModelCard, ModelConfig, ModelFile

# names that every model of a kind bears; the folder says more
_GENERIC = OWN_FOLDER | {"weights"}
# folders that repositories and servers give to a format or a version of each model, and those
# within each NAME.mlpackage (coremltools, utils.py: _MLPACKAGE_AUTHOR_NAME)
_GENERIC_FOLDERS = frozenset(
    {
        "0_Transformer",
        "Data",
        "com.apple.CoreML",
        "gguf",
        "model",
        "onnx",
        "openvino",
        "tflite",
    }
)


def name_of(models: list[ModelFile], origin: Provenance) -> tuple[str, tuple[str, ...]]:
    """Return a model's name, and ``("name",)`` when only its own files or a cache vouch for it."""
    first = models[0]
    if origin.repositories and (origin.recorded or not first.header.name):
        return origin.repositories[0], () if origin.certain else ("name",)
    if first.pipeline is not None:
        named = first.pipeline.name
        return (named, ("name",)) if named else (_telling(first.pipeline.folder), ())
    if first.header.name:
        return first.header.name, ("name",)
    base = posixpath.basename(first.file.path)
    shard = shard_of(base)
    stem = shard["stem"] if shard else posixpath.splitext(base)[0]
    folder = _telling(first.folder or posixpath.dirname(first.file.path))
    # one file of an index gives its name to no model
    generic = stem in _GENERIC or (expected(first) > 1 and not shard)
    return (folder if generic and folder else base), ()


def _telling(folder: str) -> str:
    """Return the last part of a folder's path that is more than a version or a format."""
    for part in reversed(folder.split("/")):
        if part and not part.isdigit() and part not in _GENERIC_FOLDERS:
            return part
    return posixpath.basename(folder)


def licence_of(models: list[ModelFile]) -> str:
    """Return the licence that a model's header or card claims, in SPDX's spelling where it has one.

    Empty where neither says one.
    """
    said = (m.header.licence for m in models)
    header = next((licence for licence in said if licence), "")
    return licences.spdx(header) if header else _card(models).licence


def details_of(models: list[ModelFile]) -> ModelDetails:
    """Return the model card of a model's files; the first file speaks for what all share."""
    header = models[0].header
    config = models[0].config or ModelConfig()
    card = _card(models)
    return ModelDetails(
        format=header.format,
        format_version=header.format_version or "",
        architecture=_architecture(models),
        parameters=_sum(models, "parameters"),
        quantization=header.quantization or "",
        tensors=_sum(models, "tensors"),
        context_length=header.context_length or config.context_length,
        base_models=_bases(header, config, card),
        unsafe_globals=tuple(sorted({g for m in models for g in m.header.globals})),
        properties=_properties(header, config, card) + _tokenizer(models),
        templates=tuple(
            dict.fromkeys(t for m in models for t in (*m.header.templates, *m.templates))
        ),
        datasets=card.datasets,
        task=card.task or config.task,
        widths=tuple(sorted({w for m in models for w in m.header.widths})),
    )


def companions_of(models: Iterable[ModelFile]) -> tuple[Companion, ...]:
    """Return the files beside a model's weights, each path once."""
    found = {c.file.path: c for m in models for c in m.companions}
    return tuple(found[path] for path in sorted(found))


def concerns_of(models: Iterable[ModelFile]) -> tuple[Concern, ...]:
    """Return what deserves a look about a model's files, sorted."""
    found: dict[Concern, Concern] = {}
    for model in sorted(models, key=lambda m: m.file.path):
        for concern in (*model.header.concerns, *model.concerns):
            placed = replace(concern, path=concern.path or model.file.path)
            found.setdefault(concern, placed)  # of one content in two places the first is named
    return tuple(sorted(found.values()))


def _architecture(models: list[ModelFile]) -> str:
    pipeline, header = models[0].pipeline, models[0].header
    config = models[0].config or ModelConfig()
    if pipeline is not None and pipeline.class_name:
        return pipeline.class_name
    return header.architecture or config.architecture or config.model_type


def _card(models: list[ModelFile]) -> ModelCard:
    return next((m.card for m in models if m.card is not None), ModelCard())


def _bases(header: ModelHeader, config: ModelConfig, card: ModelCard) -> tuple[BaseModel, ...]:
    """Return the models that this one was made of, each once, as several files may name one."""
    named = [BaseModel(config.base_model, config.base_model)] if config.base_model else []
    found: dict[str, BaseModel] = {}
    for base in (*named, *header.base_models, *card.base_models):
        key = base.reference or base.name
        known = found.get(key)
        if known is None or (base.relation and not known.relation):
            found[key] = base
    return tuple(found.values())


def _properties(
    header: ModelHeader, config: ModelConfig, card: ModelCard
) -> tuple[tuple[str, str], ...]:
    # what a model was made from, as often as what it is: shown, and never taken for its name
    said = [
        ("peft.type", config.peft_type),
        ("config._name_or_path", config.name),
        ("config.quantization", config.quantization),
        ("config.base_revision", config.base_revision),
        ("custom_code", ", ".join(config.custom_code)),
        ("card.name", card.name),
        ("card.languages", ", ".join(card.languages)),
        ("card.library", card.library),
        ("card.licence_link", card.licence_link),
        ("card.merge_method", card.merge_method),
        ("card.tags", ", ".join(card.tags)),
    ]
    told = [pair for pair in said if pair[1]]
    sizes = [(k if k.startswith("peft.") else f"config.{k}", v) for k, v in config.properties]
    return tuple(sorted({*header.properties, *sizes, *told}))


def _tokenizer(models: list[ModelFile]) -> tuple[tuple[str, str], ...]:
    said = next((m.tokenizer for m in models if m.tokenizer), "")
    return (("tokenizer", said),) if said else ()


def _sum(models: list[ModelFile], name: str) -> int | None:
    values = [getattr(m.header, name) for m in models]
    # a sum over some of the shards would be a wrong number
    missing = len(models) < expected(models[0])
    return None if missing or None in values else sum(values)
