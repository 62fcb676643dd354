"""ModelScope's caches.

Since modelscope 1.38 (modelscope_hub/_download.py): ``models/OWNER--NAME/snapshots/REVISION/FILE``.
Before: ``models/OWNER/NAME/FILE`` or ``hub/OWNER/NAME/FILE`` with ``___`` for a dot in NAME, and
the index ``.msc`` in the repository's folder (modelscope/hub/utils/caching.py); files in flight
lie in ``._____temp`` beside the owners.
"""

from collections.abc import Iterator

from aibom.formats.hubs.paths import (
    SHA1_DIGITS,
    SHA256_DIGITS,
    RepositoryPath,
    is_hex,
    is_name,
    last_index,
)
from aibom.types.modelfiles import HubKind

#: The index that tells a repository's folder of the older layout from any other folder.
INDEX = ".msc"
#: Says which revision lies there, as text: ``Revision:master,CreatedAt:...``.
VERSION = ".mv"
_KINDS: dict[str, HubKind] = {"models": "model", "datasets": "dataset", "hub": "model"}
_TYPES = frozenset(_KINDS)
_IN_FLIGHT = "._____temp"


def parse(path: str) -> RepositoryPath | None:
    """Return what ``path`` says in the newer layout, or None."""
    parts = path.split("/")
    for index in range(len(parts) - 5, 0, -1):
        names = parts[index + 1].split("--")
        if parts[index] not in ("models", "datasets") or parts[index + 2] != "snapshots":
            continue
        if len(names) == 2 and all(map(is_name, names)):
            folder = "/".join(parts[: index + 2])
            found = RepositoryPath(folder, _KINDS[parts[index]], "/".join(names))
            return _at(found, parts[index + 3], "/".join(parts[index + 4 :]))
    return None


def _at(found: RepositoryPath, revision: str, filename: str) -> RepositoryPath:
    if is_hex(revision, SHA1_DIGITS) or is_hex(revision, SHA256_DIGITS):
        return found._replace(commit=revision, filename=filename)
    return found._replace(revision=revision, filename=filename)


def candidates(path: str) -> Iterator[RepositoryPath]:
    """Yield what ``path`` may say in the older layouts: true where INDEX lies in the folder."""
    parts = path.split("/")
    index = last_index(parts[:-3], _TYPES)
    if index < 0:
        return
    after = index + 1 + (parts[index + 1] == _IN_FLIGHT)
    owner, name, *rest = parts[after:]
    if rest and is_name(owner) and is_name(name):
        yield RepositoryPath(
            folder="/".join(parts[: after + 2]),
            kind=_KINDS[parts[index]],
            repository=f"{owner}/{name.replace('___', '.')}",
            filename="/".join(rest),
            partial=after > index + 1,
        )


def parse_version(data: bytes) -> str:
    """Return the revision that VERSION names, or an empty string."""
    text = data.decode("utf-8", "replace").strip()
    first = text.partition(",")[0].removeprefix("Revision:")
    return first if is_name(first) else ""
