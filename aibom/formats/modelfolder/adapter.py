"""adapter_config.json beside an adapter's weights, as PEFT writes it."""

from typing import Any

from aibom.formats.jsontext import load_object, number_of, object_of, strings, text_of
from aibom.formats.modelfolder.config import custom_code
from aibom.types.modelfiles import ModelConfig

# members of the configurations in peft/tuners/*/config.py
_NUMBERS = ("r", "lora_alpha", "alpha", "num_virtual_tokens", "num_layers", "token_dim")
_FLAGS = ("use_dora", "use_rslora", "use_qalora", "lora_bias", "fan_in_fan_out")
_MODULES = ("target_modules", "target_parameters", "modules_to_save", "feedforward_modules")
_TEXTS = ("peft_version",)

# what peft may import to find a base model's class without running anybody's own code
_LIBRARIES = frozenset(
    {"diffusers", "peft", "sentence_transformers", "timm", "torch", "transformers"}
)


def parse_adapter(data: bytes) -> ModelConfig | None:
    """Return what a PEFT ``adapter_config.json`` says, or None when it is not one.

    ``task`` is PEFT's word (``CAUSAL_LM``). Whether the base was quantized for training, as for
    QLoRA, is nothing that this file says.
    """
    document = load_object(data)
    if document is None or not text_of(document, "peft_type"):
        return None
    return ModelConfig(
        peft_type=text_of(document, "peft_type"),
        base_model=text_of(document, "base_model_name_or_path"),
        base_revision=text_of(document, "revision"),
        task=text_of(document, "task_type"),
        custom_code=tuple(sorted({*custom_code(document), *_base_class(document)})),
        properties=tuple(sorted(_properties(document).items())),
    )


def _base_class(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the class that peft imports for the base model, when it is of no known library.

    peft imports the module that ``auto_mapping.parent_library`` names (peft/auto.py).
    """
    mapping = object_of(document, "auto_mapping")
    library, name = text_of(mapping, "parent_library"), text_of(mapping, "base_model_class")
    if not library or library.partition(".")[0] in _LIBRARIES:
        return ()
    return (f"{library}.{name}",)


def _properties(document: dict[str, Any]) -> dict[str, str]:
    found = {key: str(n) for key in _NUMBERS if (n := number_of(document, key)) is not None}
    found |= {key: "true" for key in _FLAGS if document.get(key) is True}
    for key in _MODULES:  # a list of names, or one pattern
        found[key] = ", ".join(strings(document.get(key))) or text_of(document, key)
    found |= {key: text_of(document, key) for key in _TEXTS}
    found["base_model_class"] = text_of(object_of(document, "auto_mapping"), "base_model_class")
    return {f"peft.{key}": value[:1000] for key, value in found.items() if value}
