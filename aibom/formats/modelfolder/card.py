"""Model cards: the front matter of a hub repository's README.md, and mergekit's configuration.

Source: Hugging Face Hub documentation, "Model Cards" (metadata), and huggingface_hub's
repocard.py for where the front matter begins and ends.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aibom.formats import yamltext
from aibom.formats.jsontext import text_of
from aibom.formats.modelfolder.licences import spdx
from aibom.formats.text import printable
from aibom.types.model import BaseModel
from aibom.types.modelfiles import ModelCard

# The largest real ones list the scores of a text embedding benchmark: 300 KiB. More than this is
# not read: libyaml takes a tenth of a second for 100 KiB.
_MAX_FRONT = 512 << 10
_MAX_ITEMS = 100

_OPENING = re.compile(r"\s{0,100}---[ \t]{0,100}\r?\n")
_CLOSING = re.compile(r"^---[ \t]{0,100}\r?$", re.MULTILINE)

# Hugging Face Hub documentation, "Model Cards", base_model_relation
_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_NOTHING = ("", "~", "null", "None")


def parse_card(data: bytes) -> ModelCard | None:
    """Return what the front matter of a model card says, or None when there is none."""
    document = _mapping(_front_matter(data))
    if not document:
        return None
    licence = spdx(", ".join(_texts(document.get("license"))), _text(document, "license_name"))
    relation = _text(document, "base_model_relation")
    return ModelCard(
        name=_name(document),
        licence=licence,
        licence_link=_text(document, "license_link"),
        base_models=_bases(
            _texts(document.get("base_model")), relation if relation in _RELATIONS else ""
        ),
        datasets=_texts(document.get("datasets")),
        languages=_texts(document.get("language")),
        tags=_texts(document.get("tags")),
        library=_text(document, "library_name"),
        task=_text(document, "pipeline_tag"),
    )


@dataclass(frozen=True, slots=True)
class Merge:
    """How mergekit made a model: its method, and the models it took. All of it is a claim."""

    method: str
    models: tuple[BaseModel, ...]


def parse_merge(data: bytes) -> Merge | None:
    """Return what mergekit's ``mergekit_config.yml`` says, or None when it is not one."""
    document = _mapping(data)
    method = _text(document, "merge_method")
    if not method:
        return None
    entries = [document.get("base_model"), *_listed(document, "models")]
    for part in _listed(document, "slices"):
        entries += _listed(part, "sources") if isinstance(part, dict) else []
    names = {name for entry in entries if (name := _merged(entry))}
    return Merge(method, _bases(sorted(names)[:_MAX_ITEMS], "merge"))


def _merged(entry: object) -> str:
    """Return the model of an entry: ``NAME``, ``{model: NAME}`` or ``{model: {path: NAME}}``.

    See ModelReference in mergekit's common.py; the depth is that of the longest form.
    """
    for key in ("model", "model", "path"):
        if isinstance(entry, dict):
            entry = entry.get(key, entry.get("path"))
    return printable(entry.strip(), 500) if isinstance(entry, str) else ""


def _bases(names: Iterable[str], relation: str) -> tuple[BaseModel, ...]:
    return tuple(BaseModel(name, name, relation) for name in names)


def _front_matter(data: bytes) -> str:
    text = data[: _MAX_FRONT + 1024].decode("utf-8-sig", "replace")
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    return text[opening.end() : closing.start()] if opening and closing else ""


def _mapping(text: bytes | str) -> dict[str, Any]:
    if len(text) > _MAX_FRONT:
        return {}
    try:
        document = yamltext.load_texts(text)
    except yamltext.YAMLError:
        return {}
    return document if isinstance(document, dict) else {}


def _name(document: dict[str, Any]) -> str:
    """Return a card's name for its model: ``model_name``, or that of its one list of results."""
    results = [entry for entry in _listed(document, "model-index") if isinstance(entry, dict)]
    found = _text(document, "model_name")
    return found or (_text(results[0], "name") if len(results) == 1 else "")


def _listed(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value[:_MAX_ITEMS] if isinstance(value, list) else []


def _text(document: dict[str, Any], key: str) -> str:
    value = text_of(document, key)
    return "" if value in _NOTHING else value


def _texts(value: object) -> tuple[str, ...]:
    """Return one text or a list of them, in the order of the card, each once."""
    values = value[:_MAX_ITEMS] if isinstance(value, list) else [value]
    texts = [printable(v.strip(), 500) for v in values if isinstance(v, str)]
    return tuple(dict.fromkeys(text for text in texts if text not in _NOTHING))
