"""Ollama's store: ``blobs/sha256-HEX`` and ``manifests/REGISTRY/NAMESPACE/MODEL/TAG``.

A manifest is that of a container image with layers of Ollama's own media types, or a list of
such manifests (ollama's manifest/manifest.go). Blobs in flight end in ``-partial``, and their
parts in ``-partial-N`` (server/download.go).
"""

import re
from typing import NamedTuple

from aibom.formats.jsontext import load_object

_BLOB = re.compile(r"sha256[-:]([0-9a-fA-F]{64})(-partial(?:-\d{1,6})?)?")
_DIGEST = re.compile(r"sha256[-:]([0-9a-fA-F]{64})")
_MAX_LAYERS = 2000


class Blob(NamedTuple):
    """A file in a store: the store's folder, and the SHA-256 that the file's name promises."""

    store: str
    sha256: str
    partial: bool


def parse(path: str) -> Blob | None:
    """Return what ``path`` says of a store of blobs, or None."""
    parts = path.rsplit("/", 2)
    if len(parts) < 3 or parts[1] != "blobs":
        return None
    name = _BLOB.fullmatch(parts[2])
    return Blob(parts[0], name[1].lower(), bool(name[2])) if name else None


class Manifest(NamedTuple):
    """The digests of a manifest's layers, and of the manifests that a list refers to, in hex."""

    layers: frozenset[str]
    manifests: frozenset[str]


def parse_manifest(data: bytes) -> Manifest:
    """Return the digests in a manifest or a list of manifests; none where it is neither."""
    document = load_object(data) or {}
    children = _objects(document.get("manifests"))
    layers = [d for m in (document, *children) for d in _layers(m)]
    listed = [_digest(child) for child in children]
    return Manifest(frozenset(layers) - {""}, frozenset(listed) - {""})


def _layers(manifest: dict[str, object]) -> list[str]:
    return [_digest(layer) for layer in _objects(manifest.get("layers"))]


def _objects(value: object) -> list[dict[str, object]]:
    items = value[:_MAX_LAYERS] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _digest(layer: dict[str, object]) -> str:
    value = layer.get("digest")
    found = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    return found[1].lower() if found else ""


def repository(registry: str, namespace: str, model: str) -> str:
    """Return a model's name as Ollama shows it: its own registry and library are left out."""
    if registry in ("registry.ollama.ai", "ollama.com"):
        return model if namespace == "library" else f"{namespace}/{model}"
    return f"{registry}/{namespace}/{model}"
