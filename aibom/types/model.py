"""What a model file says of itself, read from its header only."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from aibom.types.concerns import Concern

#: In references: the file's own name without its extension.
STEM = "{stem}"

ModelKind = Literal["model", "adapter"]


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model that another one names as its origin. All of it is a claim of the file.

    ``reference`` is what the file says, as it says it: a hub repository id, a URL or a path.
    ``relation`` is how the model was made of it, where that is said: ``adapter``, ``finetune``,
    ``merge`` or ``quantized`` (Hugging Face, model cards, base_model_relation).
    """

    name: str
    reference: str | None = None
    relation: str = ""


class Width(NamedTuple):
    """The shape of the weights that all modules of one name share, as ``q_proj`` of each layer.

    Of an adapter's module it is the shape of the weights that the adapter changes.
    """

    module: str
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A chat template: Jinja, which runtimes execute. ``sha256`` is of its text in UTF-8.

    ``length`` is in bytes. ``path`` is the file that has it, empty for a model's own header.
    """

    name: str
    sha256: str
    length: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """The header fields of one model file. ``None`` and empty mean: the file does not say.

    ``format`` is the id of a rule in rules/format. ``parameters`` counts the elements of all
    tensors. ``quantization`` is the dominating tensor type in the format's own spelling
    (``Q4_K_M``, ``BF16``). ``context_length`` is in tokens. ``globals`` are the names that a
    pickle would import, as ``module.name``. ``properties`` are further fields worth showing,
    sorted by name. ``concerns`` is what makes the file dangerous to load. ``references`` are
    other files that it needs, by their relative names as the file says them, or as its format has
    them where files go by convention: then some may be missing, and STEM stands for the
    file's own name. ``widths`` are sorted, and empty where too many differ.
    """

    format: str
    kind: ModelKind = "model"
    format_version: str | None = None
    name: str | None = None
    producer: str | None = None
    description: str | None = None
    architecture: str | None = None
    parameters: int | None = None
    quantization: str | None = None
    tensors: int | None = None
    licence: str | None = None
    context_length: int | None = None
    base_models: tuple[BaseModel, ...] = ()
    globals: tuple[str, ...] = ()
    shard: tuple[int, int] | None = None
    properties: tuple[tuple[str, str], ...] = ()
    concerns: tuple[Concern, ...] = ()
    templates: tuple[ChatTemplate, ...] = ()
    references: tuple[str, ...] = ()
    widths: tuple[Width, ...] = ()
