"""Which files of a workload are records that a hub's cache keeps: text, and no model's content."""

import re

_RECORD = re.compile(
    r"(?:/(?:models|datasets|spaces|kernels)--[^/]+/(?:refs/.+|trees/[0-9a-f]{40}\.json)"
    r"|/blobs/[0-9a-f]{2}/[0-9a-f]{64}\.refs"
    r"|/\.cache/huggingface/download/.+\.metadata"
    r"|/manifests(?:-v2)?(?:/[^/]+){4}"
    r"|/blobs/sha256-[0-9a-f]{64}"  # what an Ollama manifest calls a manifest
    r"|/manifest=[^/]*\.json"
    r"|\.gguf\.json"
    r"|/\.mv)$"
)


def is_record(path: str) -> bool:
    """Say whether ``path``, read by its name, is one of the records that hubs' readers ask for."""
    return _RECORD.search(path) is not None
