"""What Ollama's manifests say of a blob in its store."""

import hashlib
from collections.abc import Iterator

from aibom.formats.hubs import ollama as layout
from aibom.observe.hubs.found import Found
from aibom.observe.hubs.reader import CacheReader
from aibom.types.modelfiles import HubPlace, HubSource

#: Most manifests of each folder that are read for one blob.
MAX_MANIFESTS = 2000
_MAX_MANIFEST = 1 << 20
# the second since 2026: a named manifest is a link to a blob there
_FOLDERS = ("manifests-v2", "manifests")


def find(cache: CacheReader, path: str) -> Found | None:
    """Return what the manifests beside a store of blobs say of ``path``, or None.

    A blob that no manifest names is Ollama's only where the store is called ``models``: other
    programs keep blobs of such names, too.
    """
    blob = layout.parse(path)
    if blob is None:
        return None
    promised = f"sha256:{blob.sha256}"
    sources = tuple(sorted({s for s in _sources(cache, blob) if s is not None}))
    if sources:
        return Found(HubPlace("ollama", sources, promised=promised, partial=blob.partial))
    if not blob.store.endswith("/models"):
        return None
    return Found(HubPlace("ollama", (), "model", promised, claim="names", partial=blob.partial))


def _sources(cache: CacheReader, blob: layout.Blob) -> Iterator[HubSource]:
    seen: set[tuple[str, str]] = set()
    for registry, namespace, model, tag, path in _manifests(cache, blob.store):
        name = layout.repository(registry, namespace, model)
        data = cache.read(path, _MAX_MANIFEST)
        if (name, tag) not in seen and blob.sha256 in _layers(cache, blob.store, data):
            seen.add((name, tag))
            # the digest of the manifest is what 'ollama list' shows the start of as the id
            yield HubSource(name, (f"sha256:{hashlib.sha256(data).hexdigest()}",), "", (tag,))


def _layers(cache: CacheReader, store: str, data: bytes) -> frozenset[str]:
    """Return the digests of the layers of a manifest, or of all manifests in a list."""
    manifest = layout.parse_manifest(data)
    found = manifest.layers
    for digest in sorted(manifest.manifests):
        child = cache.read(f"{store}/blobs/sha256-{digest}", _MAX_MANIFEST)
        found |= layout.parse_manifest(child).layers
    return found


def _manifests(cache: CacheReader, store: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield registry, namespace, model, tag and path of each named manifest of a store."""
    for top in _FOLDERS:
        for names in cache.first(_walk(cache, f"{store}/{top}", 4), MAX_MANIFESTS):
            registry, namespace, model, tag = names
            yield registry, namespace, model, tag, "/".join((store, top, *names))


def _walk(cache: CacheReader, folder: str, depth: int) -> Iterator[tuple[str, ...]]:
    for name in cache.names(folder):
        if depth == 1:
            yield (name,)
        else:
            yield from ((name, *rest) for rest in _walk(cache, f"{folder}/{name}", depth - 1))
