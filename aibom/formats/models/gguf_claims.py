"""What a GGUF file says of its origin, and what else of its metadata is shown.

Source: docs/gguf.md in the ggml repository, and gguf/constants.py in llama.cpp.
"""

import re

from aibom.formats.models.gguf_values import Metadata, Value
from aibom.formats.models.header import properties
from aibom.types.model import BaseModel

_BASE_MODEL = re.compile(r"general\.base_model\.(\d+)\.(name|organization|url|repo_url)")
_DATASET = re.compile(r"general\.(dataset\.\d+)\.(name|url|repo_url)")

_PROJECTOR = "clip"  # gguf/constants.py, MODEL_ARCH.MMPROJ: an image's or sound's way into a model

# What has a field of its own in ModelHeader, or is of use to this parser only.
_NOT_PROPERTIES = re.compile(
    r"general\.(architecture|name|description|license|file_type|alignment)|.+\.context_length"
    r"|general\.base_model\.\d+\.(name|repo_url)|general\.dataset\.\d+\.name|split\.(no|count)"
)


def base_models(metadata: Metadata) -> tuple[BaseModel, ...]:
    """Return the parents by their number. general.base_model.count is not needed for that."""
    found = sorted({int(m[1]) for key in metadata.values if (m := _BASE_MODEL.fullmatch(key))})
    result = []
    for number in found:
        name = metadata.text(f"general.base_model.{number}.name")
        reference = metadata.text(f"general.base_model.{number}.repo_url") or metadata.text(
            f"general.base_model.{number}.url"
        )
        if name or reference:
            result.append(BaseModel(name or reference or "", reference))
    return tuple(result)


def shown_properties(metadata: Metadata, tensors: int) -> tuple[tuple[str, str], ...]:
    """Return what has no field of its own in ModelHeader, of a file with so many tensors."""
    values = metadata.values.items()
    shown = {k: v for k, v in values if v != "" and not _NOT_PROPERTIES.fullmatch(k)}
    for name, template in metadata.templates.items():
        shown[name] = template.sha256
        shown[name.replace("chat_template", "chat_template_length", 1)] = template.length
    if metadata.vocabulary is not None:
        shown["tokenizer.ggml.tokens.length"] = metadata.vocabulary
        if not tensors and "split.count" not in metadata.values:  # a first shard may have none
            shown["vocab_only"] = True
    if metadata.text("general.architecture") == _PROJECTOR:  # also of before general.type
        shown.setdefault("general.type", "mmproj")
    return properties(shown | _datasets(metadata))


def _datasets(metadata: Metadata) -> dict[str, Value]:
    """Return ``dataset.N`` for each dataset that a model was trained on: its name, or its place."""
    found: dict[str, Value] = {}
    for member in ("name", "repo_url", "url"):
        for key in metadata.values:
            match = _DATASET.fullmatch(key)
            if match and match[2] == member and (value := metadata.text(key)):
                found.setdefault(match[1], value)
    return found
