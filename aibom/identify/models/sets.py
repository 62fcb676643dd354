"""What makes several files one model: a pipeline, an index, numbered shards, or one content."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable

from aibom.identify.models.filenames import is_dataset, repositories, shard_of
from aibom.types.files import FileKey
from aibom.types.modelfiles import ModelFile

#: Names the model that a file is of, within one container where content does not tell.
SetKey = tuple[object, ...]
#: The kinds of sets of which a part may be seen alone.
_PARTED = frozenset({"pipeline", "index", "shards"})
#: Formats that hold the variables of a graph in another file.
_VARIABLES = frozenset({"tensorflow-checkpoint"})


def key_of(model: ModelFile, container: str) -> SetKey:
    """Return what a file has in common with the other files of its model."""
    if is_dataset(model):
        return ("dataset", container, *repositories(model))
    # a commit that changed some of the files left the others in both
    named = tuple(dict.fromkeys(filter(None, _repositories(model))))
    if model.pipeline:
        return ("pipeline", container, named or model.pipeline.folder)
    place: object = named or posixpath.dirname(model.file.path)
    if _is_indexed(model):
        return ("index", container, place, model.shards)
    shard = shard_of(model.name)
    if shard and int(shard["count"]) > 1:
        return ("shards", container, place, shard["stem"], shard["count"], shard["suffix"])
    return _content_key(model)


def _content_key(model: ModelFile) -> SetKey:
    if model.file.sha256:
        return ("content", model.file.sha256)
    if model.file.head_sha256:
        return ("head", model.file.head_sha256, model.file.size)
    return ("file", model.file.key)


def editions(models: Iterable[ModelFile]) -> list[list[ModelFile]]:
    """Return the files of one set by the commits that hold them, where those are several models.

    They are when a file of one name has two contents. What several commits hold is in each.
    """
    found = list(models)
    contents: dict[str, set[str]] = defaultdict(set)
    for model in found:
        contents[_full_name(model)].add(model.file.sha256 or model.file.path)
    if all(len(known) == 1 for known in contents.values()):
        return [found]
    held: dict[str, set[int]] = defaultdict(set)
    for index, model in enumerate(found):
        for commit in _commits(model) or ("",):
            held[commit].add(index)
    kept: list[set[int]] = []
    for _, files in sorted(held.items(), key=lambda item: (-len(item[1]), item[0])):
        if not any(files <= known for known in kept):
            kept.append(files)
    return [[found[index] for index in sorted(files)] for files in kept]


def _repositories(model: ModelFile) -> tuple[str, ...]:
    sources = model.hub.sources if model.hub is not None else ()
    return tuple(s.repository for s in sources)


def _full_name(model: ModelFile) -> str:
    sources = model.hub.sources if model.hub is not None else ()
    return next((s.filename for s in sources if s.filename), model.file.path)


def _commits(model: ModelFile) -> tuple[str, ...]:
    sources = model.hub.sources if model.hub is not None else ()
    return tuple(sorted({commit for s in sources for commit in s.commits}))


def is_parted(key: SetKey) -> bool:
    """Say whether a model of this key may have more files than those that were seen."""
    return key[0] in _PARTED


def expected(model: ModelFile) -> int:
    """Return how many files a file's model has, as its index or names say; 1 where nothing does.

    What else a pipeline has is not known.
    """
    if _is_indexed(model):
        return len(model.shards)
    shard = shard_of(model.name)
    return int(shard["count"]) if shard else 1


def _is_indexed(model: ModelFile) -> bool:
    return len(model.shards) > 1 and model.name in map(posixpath.basename, model.shards)


def graph_variables(models: Iterable[ModelFile]) -> frozenset[FileKey]:
    """Return the variables among ``models`` that the header of another names: no own models.

    Only what cannot stand alone is taken from a graph's word; a whole model that is named as a
    part of another stays one, so that none can be hidden.
    """
    held = list(models)
    named = {c.file.key for m in held for c in m.companions if c.role == "part"}
    return frozenset(
        m.file.key for m in held if m.header.format in _VARIABLES and m.file.key in named
    )
