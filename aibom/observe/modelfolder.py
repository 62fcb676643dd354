"""What lies beside a model's weights: configuration, tokenizer, card, chat templates, code."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from aibom.formats.modelfolder import card, config, index, pipeline, templates
from aibom.observe.host import Host
from aibom.observe.smallfile import read_in_root
from aibom.types.concerns import Concern
from aibom.types.facts import (
    Companion,
    CompanionRole,
    FileFacts,
    ModelCard,
    ModelConfig,
    ModelFile,
)
from aibom.types.model import ChatTemplate

#: Most bytes of one of these documents that are read.
MAX_DOCUMENT = 4 << 20
#: Most folders that are read in one look at a process, and most templates of one model.
MAX_FOLDERS = 64
MAX_TEMPLATES = 32
#: Most files of a folder that are named as belonging to its model.
MAX_COMPANIONS = 64

# File names that the libraries of Hugging Face give (transformers, tokenizers, diffusers, peft,
# sentence-transformers), Mistral's and mergekit's.
_ROLES: Mapping[str, CompanionRole] = {
    "adapter_config.json": "adapter-config",
    "added_tokens.json": "tokenizer",
    "chat_template.jinja": "chat-template",
    "chat_template.json": "chat-template",
    "config.json": "config",
    "config_sentence_transformers.json": "config",
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
_INDEX = ".index.json"
_TEMPLATES = "additional_chat_templates"
_PIPELINES = ("model_index.json", "modules.json")
# weights with one of these names have a folder of their own (transformers, diffusers, peft, ...)
_OWN_FOLDER = (
    "adapter_model",
    "consolidated",
    "diffusion_pytorch_model",
    "flax_model",
    "model",
    "openvino_model",
    "pytorch_model",
    "saved_model",
    "tf_model",
)

#: Returns identity, origin and digest of a file by its path, None where it cannot be looked at.
Describe = Callable[[str], FileFacts | None]


@dataclass(frozen=True, slots=True)
class _Documents:
    """What one folder's files say."""

    names: frozenset[str] = frozenset()
    config: ModelConfig | None = None
    adapter: ModelConfig | None = None
    card: ModelCard | None = None
    roles: Mapping[str, CompanionRole] | None = None
    templates: tuple[ChatTemplate, ...] = ()
    concerns: tuple[Concern, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()


_NOTHING = _Documents()


class ModelFolders:
    """Reads the folders of the models of one process, each once, for as long as one look takes."""

    def __init__(
        self, host: Host, pid: int, describe: Describe, extensions: tuple[str, ...]
    ) -> None:
        """Read in the root of the process ``pid``.

        ``describe`` gives what is said of each file that belongs to a model, ``extensions`` are
        those that weights have.
        """
        self._host = host
        self._pid = pid
        self._describe = describe
        self._extensions = extensions
        self._known: dict[str, _Documents] = {}
        self._companions: dict[str, Companion | None] = {}

    def complete(self, model: ModelFile, name: str, *, is_adapter: bool) -> ModelFile:
        """Return a model file with what lies beside it, where that is of this model alone.

        ``name`` is the file's name in ``model.folder``. Missing neighbours are normal.
        """
        documents = self._documents(model.folder)
        inner = documents.adapter if is_adapter else documents.config
        if not (model.hub or self._is_alone(name, documents)):
            return model
        root = self._pipeline(model.folder, documents)
        top = self._documents(root) if root else _NOTHING
        shards = next((files for files in documents.indexes if name in files), ())
        concerns = [*documents.concerns, *top.concerns, *_code(inner, model.folder)]
        files = list(self._files(model, documents))
        files += [f for f in self._of(root, top) if f not in files] if root else []
        return replace(
            model,
            config=inner,
            card=documents.card or top.card,
            companions=tuple(files[:MAX_COMPANIONS]),
            templates=(documents.templates or top.templates)[:MAX_TEMPLATES],
            concerns=tuple(dict.fromkeys(concerns)),
            shards=shards,
            pipeline="" if is_adapter else root,
        )

    def _is_alone(self, name: str, documents: _Documents) -> bool:
        """Say whether a folder is that of one model: its documents are of no other weights."""
        if name.partition(".")[0].partition("-0")[0] in _OWN_FOLDER:
            return True
        weights = {
            n.partition("-0")[0]
            for n in documents.names
            if n.lower().endswith(self._extensions) and n not in _ROLES
        }
        return len(weights) <= 1

    def _pipeline(self, folder: str, documents: _Documents) -> str:
        """Return the folder of the pipeline that a folder is, or is a part of."""
        for place, found in ((folder, documents), (posixpath.dirname(folder), None)):
            known = found or (self._documents(place) if place not in ("", "/") else _NOTHING)
            if known.names & {*_PIPELINES}:
                return place
        return ""

    def _files(self, model: ModelFile, documents: _Documents) -> Iterator[Companion]:
        yield from self._of(model.folder, documents)
        for reference in model.header.references[:MAX_COMPANIONS]:
            path = posixpath.normpath(posixpath.join(model.folder, reference))
            # what leads elsewhere is a concern of the header's, and is not read
            if path.startswith(model.folder.rstrip("/") + "/"):
                yield from self._companion(path, "part")
        for name in _code_files(documents, model.config):
            yield from self._companion(f"{model.folder}/{name}", "code")

    def _of(self, folder: str, documents: _Documents) -> Iterator[Companion]:
        for name, role in sorted((documents.roles or {}).items()):
            yield from self._companion(f"{folder.rstrip('/')}/{name}", role)

    def _companion(self, path: str, role: CompanionRole) -> Iterator[Companion]:
        if path not in self._companions:
            file = self._describe(path)
            self._companions[path] = Companion(role, file) if file is not None else None
        if (found := self._companions[path]) is not None:
            yield found

    def _documents(self, folder: str) -> _Documents:
        if not folder.startswith("/"):
            return _NOTHING  # memory has no neighbours
        if folder not in self._known:
            full = len(self._known) >= MAX_FOLDERS
            self._known[folder] = _NOTHING if full else self._read_folder(folder)
        return self._known[folder]

    def _read_folder(self, folder: str) -> _Documents:
        try:
            names = frozenset(self._host.list_in_root(self._pid, folder))
        except OSError:
            return _NOTHING
        reader = _Reader(self._host, self._pid, folder, names)
        roles = {name: role for name, role in _ROLES.items() if name in names}
        indexes = [n for n in sorted(names) if n.endswith(_INDEX)][:MAX_TEMPLATES]
        shards = [(n, index.parse_index(reader.read(n))) for n in indexes]
        found = list(_templates(reader))
        outside = [
            Concern("outside-reference", "dangerous", f"names the shard {name}", f"{folder}/{n}")
            for n, one in shards
            if one is not None
            for name in one.outside
        ]
        return _Documents(
            names=names,
            config=config.parse_config(reader.read("config.json"))
            or config.parse_config(reader.read("params.json")),
            adapter=config.parse_adapter(reader.read("adapter_config.json")),
            card=_card(reader),
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

    def read(self, name: str) -> bytes:
        """Return a document's content; nothing where it is not there or cannot be read."""
        if name.partition("/")[0] not in self.names:
            return b""
        try:
            return read_in_root(self.host, self.pid, f"{self.folder}/{name}", MAX_DOCUMENT)
        except OSError:
            return b""

    def below(self, name: str) -> list[str]:
        """Return the names in a folder below this one, with its name before them."""
        if name not in self.names:
            return []
        try:
            found = self.host.list_in_root(self.pid, f"{self.folder}/{name}")
        except OSError:
            return []
        return [f"{name}/{one}" for one in found]


def _templates(reader: _Reader) -> Iterator[templates.Examined]:
    for name in ("tokenizer_config.json", "chat_template.json"):
        if data := reader.read(name):
            yield from templates.from_tokenizer_config(data, f"{reader.folder}/{name}")
    more = [n for n in reader.below(_TEMPLATES) if n.endswith(".jinja")]
    for name in ("chat_template.jinja", *more[:MAX_TEMPLATES]):
        if data := reader.read(name):
            stem = posixpath.basename(name).removesuffix(".jinja")
            label = "default" if stem == "chat_template" else stem
            text = data.decode("utf-8", "replace")
            yield templates.examine(label, text, f"{reader.folder}/{name}")


def _card(reader: _Reader) -> ModelCard | None:
    found = card.parse_card(reader.read("README.md"))
    merged = card.parse_merge(reader.read("mergekit_config.yml"))
    if not merged:
        return found
    found = found or ModelCard()
    known = {b.reference for b in found.base_models}
    bases = (*found.base_models, *(b for b in merged if b.reference not in known))
    return replace(found, base_models=bases)


def _code(found: ModelConfig | None, folder: str) -> list[Concern]:
    if found is None or not found.custom_code:
        return []
    names = ", ".join(found.custom_code[:5])
    detail = f"auto_map names {names}: loaded with trust_remote_code, that code runs"
    return [Concern("custom-code", "note", detail, f"{folder}/config.json")]


def _code_files(documents: _Documents, found: ModelConfig | None) -> Iterable[str]:
    """Return the files of the folder that hold the classes which ``auto_map`` names."""
    classes = found.custom_code if found is not None else ()
    # "OTHER/REPOSITORY--MODULE.CLASS" is code of another repository (transformers)
    modules = {c.partition(".")[0] for c in classes if "--" not in c}
    return sorted({f"{m}.py" for m in modules} & documents.names)
