"""What a model is for, as far as its own files say it: text from text, or vectors."""

import re
from dataclasses import replace

from aibom.types.inventory import Component

#: The property that says what a model is for, and the one that says how that is known.
ROLE, CLAIM = "aibom:model:role", "aibom:model:role:claim"
EMBEDDING, RERANKING = "embedding", "reranking"

# general.architecture of encoders in GGUF, whose output is vectors: LLM_ARCH_NAMES in llama.cpp's
# src/llama-arch.cpp
_ENCODERS = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
    }
)
# other kinds of GGUF files that make no text: projectors, speech
_NO_TEXT = frozenset({"clip", "mmproj", "whisper"})
# llama.cpp, include/llama.h, enum llama_pooling_type
_POOLED, _RANKED = frozenset({"1", "2", "3"}), "4"
# transformers' names of classes that make text of text
_GENERATIVE = re.compile(r"\w+(?:ForCausalLM|ForConditionalGeneration|LMHeadModel)")
# where programs keep the models that they embed with: Chroma, fastembed (their default caches)
_CACHES = re.compile(r"/\.cache/chroma/onnx_models/|/fastembed_cache/")


def with_role(component: Component) -> Component:
    """Return a model with its role among its properties, where it is known to be one."""
    if component.kind != "model" or component.model is None:
        return component
    role, claim = _said(component)
    if not role and any(_CACHES.search(f.path) for f in component.files):
        role, claim = EMBEDDING, "inferred from its place"
    if not role:
        return component
    pairs = {*component.properties, (ROLE, role), (CLAIM, claim)}
    return replace(component, properties=tuple(sorted(pairs)))


def _said(component: Component) -> tuple[str, str]:
    """Return what a model's own files say that it is for, and which of them."""
    if any(c.file.path.endswith("/modules.json") for c in component.companions):
        # sentence-transformers, "Saving Sentence Transformer models"
        return EMBEDDING, "its pipeline's own files"
    model = component.model
    if model is None or model.format != "gguf":
        return "", ""
    pooled = {v for k, v in model.properties if k.endswith("pooling_type")}
    if _RANKED in pooled:
        return RERANKING, "its own header"
    if pooled & _POOLED or model.architecture in _ENCODERS:
        return EMBEDDING, "its own header"
    return "", ""


def embeds(component: Component) -> bool:
    """Say whether a model gives vectors: ``with_role`` must have been asked."""
    return (ROLE, EMBEDDING) in component.properties


def generates(component: Component) -> bool:
    """Say whether a model is known to make text, so that an agent can be driven by it."""
    model = component.model
    if component.kind != "model" or model is None:
        return False
    if any(name == ROLE for name, _ in component.properties):
        return False
    if model.format == "gguf":
        return model.architecture not in _NO_TEXT
    return bool(_GENERATIVE.fullmatch(model.architecture) or model.templates)
