"""Whether the name that a model is served under says anything of the model."""

import re
from collections.abc import Iterable

from aibom.types.inventory import Component

_WORD = re.compile(r"[^\W\d_]{2,}")
# words that any model's name may have: what it was tuned for, how it is stored, where it runs
_GENERIC = re.compile(
    r"ai|api|app|awq|base|bf|bin|blob|blobs|bot|cache|chat|checkpoint|completion|completions|data"
    r"|default|embed|embedding|embeddings|fp|ft|generate|gguf|gptq|hf|home|hub|inference"
    r"|instruct|int|it|latest|lite|llm|local|lora|main|medium|merged|mini|mnt|model|models"
    r"|my|onnx|opt|prod|production|quant|quantized|rerank|reranker|root|safetensors|server"
    r"|service|sha|small|snapshot|srv|staging|test|text|tiny|tmp|tuned|var|weights"
    r"|workspace"
)
# a name that is a digest says nothing
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_LONG_ENOUGH = 3


def says(name: str, model: Component, others: Iterable[str]) -> bool:
    """Say whether a name and what is known of a model have a telling word in common.

    ``others`` are further names of the model: of its file, folder and repository. True as well
    where one side has no telling word: nothing can then be said.
    """
    known = [model.name, *others, *_names(model)]
    words = {word for text in known for word in _words(text)}
    wanted = _words(name)
    if not words or not wanted:
        return True
    return any(_same(one, other) for one in wanted for other in words)


def _names(model: Component) -> list[str]:
    if model.model is None:
        return []
    return [model.model.architecture, *(base.name for base in model.model.base_models)]


def _words(text: str) -> set[str]:
    """Return the telling words of a name: ``Meta-Llama-3-8B-Instruct`` has meta and llama."""
    told = _DIGEST.sub(" ", text.lower())
    return {word for word in _WORD.findall(told) if not _GENERIC.fullmatch(word)}


def _same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= _LONG_ENOUGH and short in long)
