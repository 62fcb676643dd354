"""What the caches of ModelScope, Kaggle and llama.cpp keep beside a file."""

from dataclasses import replace

from aibom.formats.hubs import kaggle, llamacpp, modelscope
from aibom.observe.hubs.found import Found, place_of
from aibom.observe.hubs.reader import CacheReader
from aibom.types.modelfiles import HubPlace

_MAX_VERSION = 200
_MAX_RECORD = 1 << 18
_HUGGING_FACE = "huggingface.co"


def find_modelscope(cache: CacheReader, path: str) -> Found | None:
    """Return what a cache of ModelScope says of ``path``, or None."""
    newer = modelscope.parse(path)
    if newer is not None:
        return Found(place_of("modelscope", newer))
    for older in modelscope.candidates(path):
        if not older.partial and not cache.exists(f"{older.folder}/{modelscope.INDEX}"):
            continue
        version = cache.read(f"{older.folder}/{modelscope.VERSION}", _MAX_VERSION)
        found = older._replace(revision=modelscope.parse_version(version))
        return Found(place_of("modelscope", found))
    return None


def find_kaggle(cache: CacheReader, path: str) -> Found | None:
    """Return what kagglehub's cache says of ``path``, or None."""
    parsed = kaggle.parse(path)
    if parsed is None:
        return None
    place = place_of("kaggle", parsed.found)
    if any(map(cache.exists, parsed.markers)):
        return Found(place)
    # no mark of completeness: still on its way, or a folder that is only called so
    return Found(replace(place, claim="names")) if parsed.named else None


def find_llamacpp(cache: CacheReader, path: str) -> Found | None:
    """Return what llama.cpp's own cache says of ``path``, or None."""
    if not llamacpp.is_candidate(path):
        return None
    whole = path.removesuffix(llamacpp.PARTIAL)
    place = _downloaded(cache, whole) or _listed(cache, whole)
    return Found(replace(place, partial=whole != path)) if place is not None else None


def _downloaded(cache: CacheReader, path: str) -> HubPlace | None:
    said = llamacpp.parse_download(cache.read(f"{path}.json", _MAX_RECORD))
    if said is None:
        return None
    host, found = said
    return place_of("huggingface" if host == _HUGGING_FACE else host, found)


def _listed(cache: CacheReader, path: str) -> HubPlace | None:
    folder, _, filename = path.rpartition("/")
    for name in cache.names(folder) if "_" in filename else ():
        if (of := llamacpp.manifest_of(name, filename)) is None:
            continue
        record = cache.read(f"{folder}/{name}", _MAX_RECORD)
        found = llamacpp.parse_manifest(record, of[0], filename)
        if found is not None:
            return place_of("huggingface", found._replace(revision=of[1]))
    return None
