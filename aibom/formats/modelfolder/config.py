"""config.json beside model weights, as the programs that write one of this name write it.

transformers, diffusers, MLX and KerasHub write a ``config.json``, Mistral a ``params.json`` and
ONNX Runtime GenAI a ``genai_config.json``. CTranslate2 writes a ``config.json`` as well, which
says nothing of what the model is, and is not taken for one of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aibom.formats.jsontext import load_object, number_of, object_of, strings, text_of
from aibom.formats.modelfolder.quantization import quantization
from aibom.types.modelfiles import ModelConfig

# the names under which architectures keep their context length, most common first
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx")

# members worth showing, by the names that the file gives them
_SHOWN = (
    "transformers_version",
    "dtype",
    "torch_dtype",
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "num_experts_per_tok",
)

# What transformers' pipelines call the task of the classes with these endings (the mappings of
# models/auto/modeling_auto.py that pipelines/__init__.py gives each task). Endings that serve
# several tasks, as ForConditionalGeneration does, are left out.
_TASKS = {
    "ForAudioClassification": "audio-classification",
    "ForCTC": "automatic-speech-recognition",
    "ForCausalLM": "text-generation",
    "ForDepthEstimation": "depth-estimation",
    "ForImageClassification": "image-classification",
    "ForMaskedLM": "fill-mask",
    "ForObjectDetection": "object-detection",
    "ForQuestionAnswering": "question-answering",
    "ForSequenceClassification": "text-classification",
    "ForSpeechSeq2Seq": "automatic-speech-recognition",
    "ForTokenClassification": "token-classification",
    "ForVideoClassification": "video-classification",
}


def parse_config(data: bytes) -> ModelConfig | None:
    """Return what a model's configuration says, or None when it is of no program known here."""
    document = load_object(data)
    if document is None:
        return None
    for recognises, read in _DIALECTS:
        if recognises(document):
            return read(document)
    return None


def custom_code(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the classes of a repository's own code that ``auto_map`` asks for, sorted.

    One is ``FILE.CLASS``, or ``REPOSITORY--FILE.CLASS`` of another repository; a tokenizer has a
    pair of them (transformers, dynamic_module_utils.py).
    """
    auto_map = document.get("auto_map")
    values = auto_map.values() if isinstance(auto_map, dict) else ()
    flat = [name for value in values for name in (value if isinstance(value, list) else [value])]
    return strings(flat)


def _is_transformers(document: dict[str, Any]) -> bool:
    return "model_type" in document or "architectures" in document


def _transformers(document: dict[str, Any]) -> ModelConfig:
    # a model of several parts (vision and text) keeps the text part's sizes one level down
    sizes = document | object_of(document, "text_config")
    lengths = (number_of(sizes, key) for key in _CONTEXT_KEYS)
    architecture = next(iter(strings(document.get("architectures"))), "")
    return ModelConfig(
        name=text_of(document, "_name_or_path"),
        architecture=architecture,
        model_type=text_of(document, "model_type"),
        context_length=next((n for n in lengths if n is not None), None),
        custom_code=tuple(sorted({*custom_code(document), *_custom_pipelines(document)})),
        quantization=quantization(document),
        task=next((task for end, task in _TASKS.items() if architecture.endswith(end)), ""),
        properties=tuple(sorted({**_shown(sizes, _SHOWN), **_parts(document)}.items())),
    )


def _custom_pipelines(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the classes of a repository's own pipelines (transformers, pipelines/__init__.py)."""
    pipelines = object_of(document, "custom_pipelines").values()
    return strings([p.get("impl") for p in pipelines if isinstance(p, dict)])


def _parts(document: dict[str, Any]) -> dict[str, str]:
    """Return the kinds of a model's parts, as ``vision_config.model_type``."""
    names = [key for key in document if key.endswith("_config") and len(key) < 40][:20]
    kinds = {f"{key}.model_type": text_of(object_of(document, key), "model_type") for key in names}
    return {key: kind for key, kind in kinds.items() if kind}


def _shown(document: dict[str, Any], keys: tuple[str, ...]) -> dict[str, str]:
    """Return the members that are text or a whole number, as text."""
    shown = {}
    for key in keys:
        number = number_of(document, key)
        if value := text_of(document, key) if number is None else str(number):
            shown[key] = value
    return shown


def _is_diffusers(document: dict[str, Any]) -> bool:
    # ModelMixin.save_config in diffusers, configuration_utils.py
    return isinstance(document.get("_class_name"), str) and "_diffusers_version" in document


def _diffusers(document: dict[str, Any]) -> ModelConfig:
    return ModelConfig(
        name=text_of(document, "_name_or_path"),
        architecture=text_of(document, "_class_name"),
        custom_code=custom_code(document),
        quantization=quantization(document),
        properties=tuple(_shown(document, ("_diffusers_version",)).items()),
    )


def _is_genai(document: dict[str, Any]) -> bool:
    # ONNX Runtime GenAI: src/config.h
    model = object_of(document, "model")
    return bool(text_of(model, "type")) and isinstance(document.get("search"), dict)


def _genai(document: dict[str, Any]) -> ModelConfig:
    model = object_of(document, "model")
    decoder = object_of(model, "decoder")
    shown = _shown(model, ("vocab_size",)) | _shown(decoder, ("hidden_size", "num_hidden_layers"))
    return ModelConfig(
        model_type=text_of(model, "type"),
        context_length=number_of(model, "context_length"),
        properties=tuple(sorted(shown.items())),
    )


def _is_mistral(document: dict[str, Any]) -> bool:
    # mistral_inference's TransformerArgs; Meta's own checkpoints have the same four
    return all(number_of(document, key) for key in ("dim", "n_layers", "n_heads"))


def _mistral(document: dict[str, Any]) -> ModelConfig:
    lengths = (number_of(document, key) for key in ("max_position_embeddings", "max_seq_len"))
    experts = _shown(object_of(document, "moe"), ("num_experts", "num_experts_per_tok"))
    shown = _shown(document, ("dim", "n_layers", "n_heads", "vocab_size")) | experts
    return ModelConfig(
        context_length=next((n for n in lengths if n is not None), None),
        quantization=quantization(document),
        properties=tuple(sorted(shown.items())),
    )


def _is_keras(document: dict[str, Any]) -> bool:
    # keras.saving.serialize_keras_object, as KerasHub writes it into config.json
    return all(isinstance(document.get(key), str) for key in ("module", "class_name")) and (
        "registered_name" in document and isinstance(document.get("config"), dict)
    )


def _keras(document: dict[str, Any]) -> ModelConfig:
    registered = text_of(document, "registered_name").partition(">")[0]
    return ModelConfig(
        name=text_of(object_of(document, "config"), "name"),
        architecture=text_of(document, "class_name"),
        properties=(("keras.package", registered),) if registered else (),
    )


_Dialect = tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], ModelConfig]]
_DIALECTS: tuple[_Dialect, ...] = (
    (_is_diffusers, _diffusers),
    (_is_transformers, _transformers),
    (_is_genai, _genai),
    (_is_keras, _keras),
    (_is_mistral, _mistral),
)
