"""config.json and adapter_config.json beside model weights (transformers, PEFT)."""

from typing import Any

from aibom.formats.jsontext import load_object, number_of, strings, text_of
from aibom.types.facts import ModelConfig

# the names under which architectures keep their context length, most common first
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx")


def parse_config(data: bytes) -> ModelConfig | None:
    """Return what a transformers ``config.json`` says, or None when it is not one."""
    document = load_object(data)
    if document is None or not ("model_type" in document or "architectures" in document):
        return None
    # a model of several parts (vision and text) keeps the text part's sizes one level down
    inner = document.get("text_config")
    sizes = document | inner if isinstance(inner, dict) else document
    lengths = (number_of(sizes, key) for key in _CONTEXT_KEYS)
    return ModelConfig(
        name=text_of(document, "_name_or_path"),
        architecture=next(iter(strings(document.get("architectures"))), ""),
        model_type=text_of(document, "model_type"),
        context_length=next((n for n in lengths if n is not None), None),
        custom_code=_custom_code(document),
    )


def _custom_code(document: dict[str, Any]) -> tuple[str, ...]:
    auto_map = document.get("auto_map")
    return strings(list(auto_map.values())) if isinstance(auto_map, dict) else ()


def parse_adapter(data: bytes) -> ModelConfig | None:
    """Return what a PEFT ``adapter_config.json`` says, or None when it is not one."""
    document = load_object(data)
    if document is None or not text_of(document, "peft_type"):
        return None
    return ModelConfig(
        peft_type=text_of(document, "peft_type"),
        base_model=text_of(document, "base_model_name_or_path"),
        custom_code=_custom_code(document),
    )
