"""kagglehub's cache (kagglehub/cache.py).

``models/OWNER/MODEL/FRAMEWORK/VARIATION/VERSION/FILE`` and ``datasets/OWNER/NAME/versions/N/FILE``.
An empty file ``VERSION.complete`` beside the version says that all of it is there, and
``.complete/VERSION/FILE.complete`` that the one file is there that was asked for; for data sets
both stand below NAME.
"""

from typing import NamedTuple

from aibom.formats.hubs.paths import RepositoryPath, is_name, last_index
from aibom.types.modelfiles import HubKind

# how many folders name a repository, and the folders between it and the version
_SHAPES: dict[str, tuple[HubKind, int, list[str]]] = {
    "models": ("model", 4, []),
    "datasets": ("dataset", 2, ["versions"]),
}
_TYPES = frozenset(_SHAPES)


class KagglePath(NamedTuple):
    """A path that may be in the cache: it surely is when one of ``markers`` exists.

    ``named`` is true where a folder bears the cache's default name.
    """

    found: RepositoryPath
    markers: tuple[str, ...]
    named: bool


def parse(path: str) -> KagglePath | None:
    """Return what ``path`` says if it is in kagglehub's cache, or None when it cannot be."""
    parts = path.split("/")
    index = last_index(parts, _TYPES)
    if index < 0:
        return None
    kind, depth, between = _SHAPES[parts[index]]
    names, rest = parts[index + 1 : index + 1 + depth], parts[index + 1 + depth :]
    if rest[: len(between)] != between or not all(map(is_name, names)):
        return None
    version, *below = rest[len(between) :] or [""]
    if not below or not (version.isascii() and version.isdecimal()):
        return None
    folder, filename = "/".join(parts[: index + 1 + depth]), "/".join(below)
    found = RepositoryPath(folder, kind, "/".join(names), version, "", filename)
    markers = (f"{folder}/{version}.complete", f"{folder}/.complete/{version}/{filename}.complete")
    return KagglePath(found, markers, "kagglehub" in parts[:index])
