"""Names of files: of models in their repositories and as shards of one set, and of libraries."""

import posixpath
import re

from aibom.types.modelfiles import ModelFile

# transformers' and llama.cpp's naming of shards: model-00001-of-00005.safetensors
_SHARD = re.compile(r"^(?P<stem>.+?)-\d{5}-of-(?P<count>\d{5})(?P<suffix>\.[^.]+)$")
# a library's file behind its soname: libcudart.so.12.4.127 (ld.so(8) knows it by libcudart.so.12)
_VERSIONED = re.compile(r"^(?P<stem>.+\.so)\.(?P<version>\d{1,9}(?:\.\d{1,9}){1,4})$", re.ASCII)


def library_version(path: str, soname: str) -> str:
    """Return the version at the end of a library's file name, or an empty string.

    Only a name that is the soname's own with another number behind it, of more than one part,
    says a version: ``libx.so.2`` is the interface's number alone.
    """
    found = _VERSIONED.match(posixpath.basename(path))
    stem, so, _ = soname.partition(".so")
    return found["version"] if found and so and found["stem"] == stem + so else ""


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
