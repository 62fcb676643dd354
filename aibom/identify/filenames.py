"""Names of model files: in their repositories, and as shards of one set."""

import posixpath
import re

from aibom.types.facts import ModelFile

# transformers' and llama.cpp's naming of shards: model-00001-of-00005.safetensors
_SHARD = re.compile(r"^(?P<stem>.+?)-\d{5}-of-(?P<count>\d{5})(?P<suffix>\.[^.]+)$")


def shard_of(name: str) -> re.Match[str] | None:
    """Return the ``stem``, ``count`` and ``suffix`` of a shard's name, or None for another."""
    return _SHARD.match(name)


def repositories(model: ModelFile) -> tuple[object, ...]:
    """Return which repositories and commits a file is of, as far as a hub's cache says."""
    sources = model.hub.sources if model.hub is not None else ()
    return tuple((s.repository, s.commits) for s in sources if s.repository or s.commits)


def is_dataset(model: ModelFile) -> bool:
    """Say whether a hub's cache names a data set that a file is of."""
    return model.hub is not None and model.hub.kind == "dataset" and bool(repositories(model))


def file_name(model: ModelFile) -> str:
    """Return the last part of a file's name in its repository, else of its path."""
    sources = model.hub.sources if model.hub is not None else ()
    names = [s.filename for s in sources if s.filename]
    return posixpath.basename(names[0] if names else model.file.path)


def shard_count(model: ModelFile) -> int:
    """Return how many shards the set of a file has by its name; 1 where it is no shard."""
    shard = _SHARD.match(file_name(model))
    return int(shard["count"]) if shard else 1


def shard_properties(models: list[ModelFile]) -> tuple[tuple[str, str], ...]:
    """Return how many shards of a set were seen as a property, if it is a set."""
    count = shard_count(models[0])
    return (("aibom:shards", f"{len(models)} of {count} seen"),) if count > 1 else ()
