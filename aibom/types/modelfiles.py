"""Model files with what lies beside them, and where hubs say that they came from."""

import posixpath
from dataclasses import dataclass
from typing import Literal

from aibom.types.concerns import Concern
from aibom.types.files import FileFacts, FileUse
from aibom.types.model import BaseModel, ChatTemplate, ModelHeader


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What the JSON files beside the weights say (config.json, adapter_config.json).

    All of it is a claim of whoever wrote the files. ``quantization`` is the method and its
    sizes (``gptq 4-bit``). ``custom_code`` are the classes of ``auto_map``. ``task`` is what the
    model is for, in the file's own word. ``base_revision`` is of ``base_model``.
    """

    name: str = ""
    architecture: str = ""
    model_type: str = ""
    context_length: int | None = None
    peft_type: str = ""
    base_model: str = ""
    custom_code: tuple[str, ...] = ()
    base_revision: str = ""
    quantization: str = ""
    task: str = ""
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The front matter of a model card (README.md of a hub's repository): all of it a claim.

    ``licence`` is an SPDX expression where what is said is one, else as it is said;
    ``licence_link`` is where its text is. ``merge_method`` is how mergekit made it of others.
    """

    name: str = ""
    licence: str = ""
    licence_link: str = ""
    base_models: tuple[BaseModel, ...] = ()
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    library: str = ""
    task: str = ""
    merge_method: str = ""


CompanionRole = Literal[
    "adapter-config",
    "card",
    "chat-template",
    "code",
    "config",
    "index",
    "part",
    "pipeline",
    "tokenizer",
]


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that belongs to a model and is not its weights; it lies beside them."""

    role: CompanionRole
    file: "FileFacts"


@dataclass(frozen=True, slots=True, order=True)
class HubSource:
    """One repository that a hub's cache names for a file.

    ``repository`` is empty where the cache keeps no name. ``commits`` are those that hold the
    file as ``filename``: commits on Hugging Face, the digest of a manifest on Ollama, version
    numbers on Kaggle. ``revisions`` are branches and tags that lead to one of them.
    """

    repository: str
    commits: tuple[str, ...] = ()
    filename: str = ""
    revisions: tuple[str, ...] = ()


HubKind = Literal["model", "dataset", "space", "code"]


#: ``records``: links, manifests or metadata that the cache keeps say it. ``names``: only how
#: folders and files are called, which anybody may call so.
HubClaim = Literal["records", "names"]


@dataclass(frozen=True, slots=True)
class HubPlace:
    """Where the cache of a hub says that a file came from.

    ``hub`` is a word: ``huggingface``, ``ollama``, ``modelscope``, ``kaggle``, ``torchhub``, ...
    ``sources`` are all repositories that the cache names, sorted: one content may be in several.
    ``promised`` is the digest that the cache says the file has, as ``sha256:HEX``,
    ``git-sha1:HEX`` (the name of a git blob) or ``sha256-prefix:HEX``; ``verified`` is true when
    the content has it. ``partial`` is a download that had not ended.
    """

    hub: str
    sources: tuple[HubSource, ...] = ()
    kind: HubKind = "model"
    promised: str = ""
    verified: bool = False
    claim: HubClaim = "records"
    partial: bool = False


@dataclass(frozen=True, slots=True)
class ModelPipeline:
    """Several models that one document makes one thing: diffusers, sentence-transformers, spaCy.

    ``folder`` has the document; ``library``, ``class_name``, ``name`` and ``version`` (of the
    whole, not of the library) are what it says.
    """

    folder: str
    library: str = ""
    class_name: str = ""
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file whose content is a model's or an adapter's weights, and what lies beside it.

    ``shards`` are the names, relative to ``folder``, of all files that an index says make one
    model together. ``pipeline`` is what it is a part of, ``tokenizer`` how its text becomes
    tokens. Paths are in the container; of a file in a hub's cache ``folder`` is the snapshot's.
    """

    file: FileFacts
    header: ModelHeader
    config: ModelConfig | None = None
    hub: HubPlace | None = None
    card: ModelCard | None = None
    companions: tuple[Companion, ...] = ()
    templates: tuple[ChatTemplate, ...] = ()
    concerns: tuple[Concern, ...] = ()
    folder: str = ""
    shards: tuple[str, ...] = ()
    pipeline: ModelPipeline | None = None
    tokenizer: str = ""

    @property
    def name(self) -> str:
        """The last part of the file's name in its repository, else of its path."""
        sources = self.hub.sources if self.hub is not None else ()
        names = (s.filename for s in sources if s.filename)
        return posixpath.basename(next(names, self.file.path))


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model file and how the process holds it, or did. ``times`` counts equal uses."""

    model: ModelFile
    use: FileUse
    times: int = 1
