"""The documents of one folder of models: each read once, bounded, by its known name."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from aibom.formats.modelfolder import adapter, card, config, index, templates, tokenizers
from aibom.formats.modelfolder.licences import spdx
from aibom.formats.modelfolder.pipeline import Pipeline, parse_modules, parse_pipeline
from aibom.formats.models import spacy
from aibom.observe.host import Host
from aibom.observe.smallfile import read_in_root
from aibom.types.concerns import Concern
from aibom.types.facts import CompanionRole, ModelCard, ModelConfig, ModelPipeline
from aibom.types.model import ChatTemplate, ModelHeader

#: Most bytes of one of these documents that are read.
MAX_DOCUMENT = 4 << 20
#: Most bytes of an index: that of a model with a thousand experts has a hundred thousand tensors.
MAX_INDEX = 16 << 20
#: Most bytes of all documents together that are read in one look.
MAX_BYTES = 128 << 20
#: Most characters of templates that are examined in one look; a common one has five thousand.
MAX_TEXT = 400_000
#: Most bytes of a tokenizer: counting the tokens of as many takes 0.15 s at worst.
MAX_TOKENIZER = 8 << 20
#: Most templates, and indexes, of one folder.
MAX_TEMPLATES = 32

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
    tokenizer: str = ""
    pipeline_code: tuple[str, ...] = ()
    roles: Mapping[str, CompanionRole] | None = None
    templates: tuple[ChatTemplate, ...] = ()
    concerns: tuple[Concern, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()


#: Of a folder that cannot be read, or holds none.
NOTHING = Documents()


@dataclass(slots=True)
class Patience:
    """How much more is read and examined, for all folders of one look.

    ``characters`` are of chat templates, ``bytes`` of documents.
    """

    characters: int = MAX_TEXT
    bytes: int = MAX_BYTES


def read_documents(host: Host, pid: int, folder: str, patience: Patience) -> Documents:
    """Return what the files of a folder in the root of a process say; missing ones are normal."""
    try:
        names = frozenset(host.list_in_root(pid, folder))
    except OSError:
        return NOTHING
    reader = _Reader(host, pid, folder, names, patience)
    diffusers = parse_pipeline(reader.read("model_index.json"))
    spoken = spacy.parse_meta(reader.read("meta.json"))
    pipeline = _pipeline(reader, diffusers, spoken)
    known = ROLES | (_SPACY if pipeline is not None and pipeline.library == "spacy" else {})
    roles = {name: role for name, role in known.items() if name in names}
    indexes = [n for n in sorted(names) if n.endswith(_INDEX)][:MAX_TEMPLATES]
    shards = [(n, index.parse_index(reader.read(n, MAX_INDEX))) for n in indexes]
    found = list(_templates(reader, patience))
    outside = [
        Concern("outside-reference", "dangerous", f"names the shard {name}", f"{folder}/{n}")
        for n, one in shards
        if one is not None
        for name in one.outside
    ]
    return Documents(
        names=names,
        config=_config(reader),
        adapter=adapter.parse_adapter(reader.read("adapter_config.json")),
        card=_card(reader, spoken),
        pipeline=pipeline,
        tokenizer=_tokenizer(reader),
        pipeline_code=diffusers.custom_code if diffusers is not None else (),
        roles=roles | dict.fromkeys(indexes, "index"),
        templates=tuple(template for template, _ in found),
        concerns=(*outside, *(c for _, concerns in found for c in concerns)),
        indexes=tuple(one.files for _, one in shards if one is not None),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the documents of one folder by their names."""

    host: Host
    pid: int
    folder: str
    names: frozenset[str]
    patience: Patience

    def read(self, name: str, limit: int = MAX_DOCUMENT) -> bytes:
        """Return a document's content; nothing where it is not there or cannot be read."""
        if name.partition("/")[0] not in self.names:
            return b""
        try:
            limit = min(limit, self.patience.bytes)
            data = read_in_root(self.host, self.pid, f"{self.folder}/{name}", limit)
        except OSError:
            return b""
        self.patience.bytes -= len(data)
        return data

    def below(self, name: str) -> list[str]:
        """Return the names in a folder below this one, with its name before them."""
        if name not in self.names:
            return []
        try:
            found = self.host.list_in_root(self.pid, f"{self.folder}/{name}")
        except OSError:
            return []
        return [f"{name}/{one}" for one in found]


def _config(reader: _Reader) -> ModelConfig | None:
    found = (config.parse_config(reader.read(name)) for name in _CONFIGS)
    return next((one for one in found if one is not None), None)


def _templates(reader: _Reader, patience: Patience) -> Iterator[templates.Examined]:
    for name in ("tokenizer_config.json", "chat_template.json"):
        if data := reader.read(name):
            found = templates.from_tokenizer_config(data, f"{reader.folder}/{name}")
            patience.characters -= sum(template.length for template, _ in found)
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
            patience.characters -= len(text)


def _card(reader: _Reader, spoken: ModelHeader | None) -> ModelCard | None:
    found = card.parse_card(reader.read("README.md"))
    merge = card.parse_merge(reader.read("mergekit_config.yml"))
    found = found or _spacy_card(spoken)
    if merge is None:
        return found
    found = found or ModelCard()
    known = {b.reference for b in found.base_models}
    bases = (*found.base_models, *(b for b in merge.models if b.reference not in known))
    return replace(found, base_models=bases, merge_method=merge.method)


def _tokenizer(reader: _Reader) -> str:
    """Return how text becomes tokens, in a few words; the surest of several files speaks."""
    for name in _TOKENIZERS:
        data = reader.read(name, MAX_TOKENIZER)
        found = tokenizers.parse(name, data) if data else None
        if found is not None:
            size = f" of {found.vocabulary} tokens" if found.vocabulary is not None else ""
            return f"{found.kind}{size} ({found.format})"
    return ""


def _spacy_card(said: ModelHeader | None) -> ModelCard | None:
    if said is None:
        return None
    return ModelCard(name=said.name or "", licence=spdx(said.licence or ""), library="spacy")


def _pipeline(
    reader: _Reader, diffusers: Pipeline | None, spoken: ModelHeader | None
) -> ModelPipeline | None:
    found = diffusers or parse_modules(
        reader.read("modules.json"), reader.read("config_sentence_transformers.json")
    )
    if found is not None:
        return ModelPipeline(reader.folder, found.library, found.class_name)
    if spoken is None:
        return None
    version = dict(spoken.properties).get("version", "")
    return ModelPipeline(reader.folder, "spacy", "", spoken.name or "", version)
