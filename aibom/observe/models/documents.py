"""The documents of one folder of models: each read once, bounded, by its known name."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from aibom.formats.modelfolder import adapter, card, config, index, templates, tokenizers
from aibom.formats.modelfolder.jinjacheck import MAX_TEMPLATE
from aibom.formats.modelfolder.licences import spdx
from aibom.formats.modelfolder.pipeline import parse_modules, parse_pipeline
from aibom.formats.models import spacy
from aibom.observe.host.protocol import Host
from aibom.observe.models.reader import FolderReader, Patience
from aibom.types.concerns import Concern, ConcernKind
from aibom.types.model import ChatTemplate
from aibom.types.modelfiles import CompanionRole, ModelCard, ModelConfig, ModelPipeline

#: Most templates, and indexes, of one folder.
MAX_TEMPLATES = 32
# most shards outside of the folder that one index is accused of
_MAX_OUTSIDE = 10

# File names that the libraries of Hugging Face give (transformers, tokenizers, diffusers, peft,
# sentence-transformers), Mistral's and mergekit's.
ROLES: dict[str, CompanionRole] = {
    "adapter_config.json": "adapter-config",
    "added_tokens.json": "tokenizer",
    "chat_template.jinja": "chat-template",
    "chat_template.json": "chat-template",
    "config.json": "config",
    "config_sentence_transformers.json": "config",
    "genai_config.json": "config",
    "generation_config.json": "config",
    "merges.txt": "tokenizer",
    "mergekit_config.yml": "config",
    "model_index.json": "pipeline",
    "modules.json": "pipeline",
    "params.json": "config",
    "preprocessor_config.json": "config",
    "processor_config.json": "config",
    "README.md": "card",
    "sentencepiece.bpe.model": "tokenizer",
    "special_tokens_map.json": "tokenizer",
    "spiece.model": "tokenizer",
    "tekken.json": "tokenizer",
    "tokenizer.json": "tokenizer",
    "tokenizer.model": "tokenizer",
    "tokenizer_config.json": "tokenizer",
    "vocab.json": "tokenizer",
    "vocab.txt": "tokenizer",
}
# https://spacy.io/api/data-formats; elsewhere such names are anybody's
_SPACY: dict[str, CompanionRole] = {"config.cfg": "config", "meta.json": "pipeline"}
# transformers and its kin, Mistral, onnxruntime-genai
_CONFIGS = ("config.json", "params.json", "genai_config.json")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
_INDEX = ".index.json"
# documents that name code or hold templates: what stays unread there may be hidden there
_CLOSED: dict[str, ConcernKind] = {
    "adapter_config.json": "custom-code",
    "chat_template.json": "chat-template",
    "chat_template.jinja": "chat-template",
    "config.json": "custom-code",
    "model_index.json": "custom-code",
    "tokenizer_config.json": "chat-template",
}
_TEMPLATES = "additional_chat_templates"


def is_document(path: str) -> bool:
    """Say whether ``path``, read by its name, is one of the documents that are read here."""
    folder, _, name = path.rpartition("/")
    in_templates = folder.endswith(f"/{_TEMPLATES}") and name.endswith(".jinja")
    return name in ROLES or name in _SPACY or name.endswith(_INDEX) or in_templates


@dataclass(frozen=True, slots=True)
class Documents:
    """What one folder's files say."""

    names: frozenset[str] = frozenset()
    config: ModelConfig | None = None
    adapter: ModelConfig | None = None
    card: ModelCard | None = None
    pipeline: ModelPipeline | None = None
    pipeline_code: tuple[str, ...] = ()
    tokenizer: str = ""
    roles: Mapping[str, CompanionRole] | None = None
    templates: tuple[ChatTemplate, ...] = ()
    concerns: tuple[Concern, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    has_one_model: bool = True


#: Of a folder that cannot be read, or holds none.
NOTHING = Documents()


def read_documents(host: Host, pid: int, folder: str, patience: Patience) -> Documents:
    """Return what the files of a folder in the root of a process say; missing ones are normal."""
    try:
        names = frozenset(host.list_in_root(pid, folder))
    except OSError:
        return NOTHING
    reader = FolderReader(host, pid, folder, names, patience)
    pipeline = _pipeline(reader)
    known = ROLES | (_SPACY if pipeline is not None and pipeline.library == "spacy" else {})
    roles = {name: role for name, role in known.items() if name in names}
    indexes = [n for n in sorted(names) if n.endswith(_INDEX)][:MAX_TEMPLATES]
    shards = [(n, index.parse_index(reader.read_index(n))) for n in indexes]
    found = list(_templates(reader, patience))
    outside = [
        Concern("outside-reference", "dangerous", f"names the shard {name}", f"{folder}/{n}")
        for n, one in shards
        if one is not None
        for name in one.outside[:_MAX_OUTSIDE]
    ]
    code = _pipeline_code(reader)
    own, peft = _config(reader), adapter.parse_adapter(reader.read("adapter_config.json"))
    return Documents(
        names=names,
        config=own,
        adapter=peft,
        card=_card(reader),
        pipeline=pipeline,
        pipeline_code=code,
        tokenizer=_tokenizer(reader),
        roles=roles | dict.fromkeys(indexes, "index"),
        templates=tuple(template for template, _ in found),
        concerns=(
            *outside,
            *(c for _, concerns in found for c in concerns),
            *reader.closed(_CLOSED),
        ),
        indexes=tuple(one.files for _, one in shards if one is not None),
    )


def _config(reader: FolderReader) -> ModelConfig | None:
    found = (config.parse_config(reader.read(name)) for name in _CONFIGS)
    return next((one for one in found if one is not None), None)


def _templates(reader: FolderReader, patience: Patience) -> Iterator[templates.Examined]:
    for name in ("tokenizer_config.json", "chat_template.json"):
        if data := reader.read(name):
            found = templates.from_tokenizer_config(data, f"{reader.folder}/{name}")
            patience.characters -= sum(min(t.length, MAX_TEMPLATE) for t, _ in found)
            yield from found
    more = [n for n in reader.below(_TEMPLATES) if n.endswith(".jinja")]
    for name in ("chat_template.jinja", *more[:MAX_TEMPLATES]):
        if data := reader.read(name):
            stem = posixpath.basename(name).removesuffix(".jinja")
            label = "default" if stem == "chat_template" else stem
            text = data.decode("utf-8", "replace")
            yield templates.examine(
                label, text, f"{reader.folder}/{name}", limit=max(0, patience.characters)
            )
            patience.characters -= min(len(text), MAX_TEMPLATE)


def _card(reader: FolderReader) -> ModelCard | None:
    found = card.parse_card(reader.read("README.md"))
    merge = card.parse_merge(reader.read("mergekit_config.yml"))
    found = found or _spacy_card(reader)
    if merge is None:
        return found
    found = found or ModelCard()
    known = {b.reference for b in found.base_models}
    bases = (*found.base_models, *(b for b in merge.models if b.reference not in known))
    return replace(found, base_models=bases, merge_method=merge.method)


def _tokenizer(reader: FolderReader) -> str:
    """Return how text becomes tokens, in a few words; the surest of several files speaks."""
    for name in _TOKENIZERS:
        data = reader.read_tokenizer(name)
        found = tokenizers.parse(name, data) if data else None
        if found is not None:
            size = f" of {found.vocabulary} tokens" if found.vocabulary is not None else ""
            return f"{found.kind}{size} ({found.format})"
    return ""


def _spacy_card(reader: FolderReader) -> ModelCard | None:
    said = spacy.parse_meta(reader.read("meta.json"))
    if said is None:
        return None
    return ModelCard(name=said.name or "", licence=spdx(said.licence or ""), library="spacy")


def _pipeline(reader: FolderReader) -> ModelPipeline | None:
    config_of_modules = reader.read("config_sentence_transformers.json")
    found = parse_pipeline(reader.read("model_index.json")) or parse_modules(
        reader.read("modules.json"), config_of_modules
    )
    if found is not None:
        return ModelPipeline(reader.folder, found.library, found.class_name)
    spoken = spacy.parse_meta(reader.read("meta.json"))
    if spoken is None:
        return None
    version = dict(spoken.properties).get("version", "")
    return ModelPipeline(reader.folder, "spacy", "", spoken.name or "", version)


def _pipeline_code(reader: FolderReader) -> tuple[str, ...]:
    found = parse_pipeline(reader.read("model_index.json"))
    return found.custom_code if found is not None else ()
