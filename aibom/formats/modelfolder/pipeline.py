"""Documents that make one thing of several models: model_index.json and modules.json."""

import re
from dataclasses import dataclass
from typing import Any

from aibom.formats.jsontext import load_object, load_objects, object_of, text_of

_MAX_PARTS = 100

# Libraries that diffusers loads parts from (LOADABLE_CLASSES in pipeline_loading_utils.py), and
# its own modules that a part may name instead: the folders of diffusers/pipelines that have more
# than pipelines in them, of all releases.
_KNOWN = re.compile(
    "diffusers|flax|onnxruntime|optimum|transformers"
    "|ace_step|alt_diffusion|audioldm2|blip_diffusion|bria_fibo2|consisid|cosmos|deepfloyd_if"
    "|flux2?|hunyuan_video1_5|ideogram4|joyimage|kandinsky3?|kolors|latent_diffusion|longcat_image"
    "|ltx2?|marigold|omnigen|pag|paint_by_example|sana_wm|shap_e|spectrogram_diffusion"
    "|stable_audio(?:_3)?|stable_cascade|stable_diffusion(?:_safe|_xl)?|unclip|unidiffuser"
    "|visualcloze|wan|wuerstchen"
)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One part of a pipeline: a folder, and the class that reads it (``library.class_name``).

    ``folder`` is as the file says it; empty for the pipeline's own folder.
    """

    folder: str
    library: str
    class_name: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of several models, as the document in its folder says. All of it is a claim.

    ``library`` is ``diffusers`` or ``sentence-transformers``, ``version`` its version.
    ``custom_code`` are classes of the repository's own, as ``FILE.CLASS``. ``name`` is the
    repository that it was loaded from when it was saved.
    """

    library: str
    class_name: str = ""
    version: str = ""
    parts: tuple[Part, ...] = ()
    custom_code: tuple[str, ...] = ()
    name: str = ""


def parse_pipeline(data: bytes) -> Pipeline | None:
    """Return what diffusers' ``model_index.json`` says, or None when it is not one."""
    document = load_object(data)
    if document is None or not ({"_class_name", "_diffusers_version"} <= document.keys()):
        return None
    own = _pair(document["_class_name"])  # a class of the repository's own has its file first
    class_name = own[1] if own else text_of(document, "_class_name")
    pairs = [(key, pair) for key, value in document.items() if (pair := _pair(value))]
    parts = tuple(sorted(Part(key, *pair) for key, pair in pairs if key[:1] != "_")[:_MAX_PARTS])
    custom = {f"{p.library}.{p.class_name}" for p in parts if _is_own(p.library)}
    if not class_name:
        return None
    return Pipeline(
        "diffusers",
        class_name,
        text_of(document, "_diffusers_version"),
        parts,
        tuple(sorted(custom | {".".join(own)} if own else custom)),
        text_of(document, "_name_or_path"),
    )


def parse_modules(modules: bytes, config: bytes = b"") -> Pipeline | None:
    """Return what sentence-transformers' ``modules.json`` says, or None when it is not one.

    ``config`` is ``config_sentence_transformers.json`` beside it, which has the versions.
    """
    entries = load_objects(modules, _MAX_PARTS)
    if not entries or not all("path" in e and text_of(e, "type") for e in entries):
        return None
    document = load_object(config) or {}
    parts = tuple(Part(text_of(e, "path"), *_split(text_of(e, "type"))) for e in entries)
    # SentenceTransformer._load_sbert_model imports any other class from the repository
    own = {p for p in parts if p.library.partition(".")[0] != "sentence_transformers"}
    return Pipeline(
        "sentence-transformers",
        text_of(document, "model_type") or "SentenceTransformer",
        text_of(object_of(document, "__version__"), "sentence_transformers"),
        parts,
        tuple(sorted(f"{p.library}.{p.class_name}" for p in own)),
    )


def _pair(value: object) -> tuple[str, str] | None:
    """Return library and class of a part; None for a part that is left out, and for settings."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    shown: dict[str, Any] = {"library": value[0], "class": value[1]}
    library, name = text_of(shown, "library"), text_of(shown, "class")
    return (library, name) if library and name else None


def _is_own(library: str) -> bool:
    """Tell whether a part's library is a file of the repository: diffusers imports ``FILE.py``.

    A name with a dot is an installed module, except what transformers copies from repositories.
    """
    top, _, rest = library.partition(".")
    return top == "transformers_modules" or not (rest or _KNOWN.fullmatch(top))


def _split(path: str) -> tuple[str, str]:
    library, _, name = path.rpartition(".")
    return library, name
