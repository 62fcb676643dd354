"""What makes several files one model: a pipeline, an index, numbered shards, or one content."""

import posixpath

from aibom.identify.filenames import file_name, is_dataset, repositories, shard_of
from aibom.types.facts import ModelFile

#: Names the model that a file is of, within one container where content does not tell.
SetKey = tuple[object, ...]
#: The kinds of sets of which a part may be seen alone.
_PARTED = frozenset({"pipeline", "index", "shards"})


def key_of(model: ModelFile, container: str) -> SetKey:
    """Return what a file has in common with the other files of its model."""
    place: object = repositories(model) or posixpath.dirname(model.file.path)
    if is_dataset(model):
        return ("dataset", container, *repositories(model))
    if model.pipeline:
        return ("pipeline", container, repositories(model) or model.pipeline.folder)
    if _is_indexed(model):
        return ("index", container, place, model.shards)
    shard = shard_of(file_name(model))
    if shard and int(shard["count"]) > 1:
        return ("shards", container, place, shard["stem"], shard["count"], shard["suffix"])
    return _content_key(model)


def _content_key(model: ModelFile) -> SetKey:
    if model.file.sha256:
        return ("content", model.file.sha256)
    if model.file.head_sha256:
        return ("head", model.file.head_sha256, model.file.size)
    return ("file", model.file.key)


def is_parted(key: SetKey) -> bool:
    """Say whether a model of this key may have more files than those that were seen."""
    return key[0] in _PARTED


def expected(model: ModelFile) -> int:
    """Return how many files a file's model has, as its index or names say; 1 where nothing does.

    What else a pipeline has is not known.
    """
    if _is_indexed(model):
        return len(model.shards)
    shard = shard_of(file_name(model))
    return int(shard["count"]) if shard else 1


def _is_indexed(model: ModelFile) -> bool:
    return len(model.shards) > 1 and file_name(model) in map(posixpath.basename, model.shards)
