"""Where a path stands in a Hugging Face cache.

The layout is that of huggingface_hub ("Understand caching" in its documentation):
``models--ORG--NAME/{blobs/HASH, refs/REVISION, snapshots/COMMIT/FILE}``, where a blob is named by
the SHA-256 of an LFS file (64 digits) or the git hash of a small one (40), and a snapshot's files
are links to blobs.
"""

import re
from typing import NamedTuple

# organisation and name of a repository: letters, digits, '-', '_' and '.'
_REPO = r"(?P<folder>.*/models--(?P<repo>(?:[\w.-]+?--)?[\w.-]*[\w.]))"
_BLOB = re.compile(rf"^{_REPO}/blobs/(?P<blob>[0-9a-f]{{64}}|[0-9a-f]{{40}})$")
_SNAPSHOT = re.compile(rf"^{_REPO}/snapshots/(?P<commit>[0-9a-f]{{40}})/(?P<file>.+)$")


class CachePath(NamedTuple):
    """A path in a hub cache. ``folder`` is the repository's folder; other parts may be empty."""

    folder: str
    repository: str
    blob: str
    commit: str
    filename: str


def parse(path: str) -> CachePath | None:
    """Return what ``path`` says of a hub cache, or None when it is not in one."""
    if blob := _BLOB.match(path):
        return CachePath(blob["folder"], _repository(blob["repo"]), blob["blob"], "", "")
    if snapshot := _SNAPSHOT.match(path):
        folder, commit, filename = snapshot["folder"], snapshot["commit"], snapshot["file"]
        return CachePath(folder, _repository(snapshot["repo"]), "", commit, filename)
    return None


def _repository(escaped: str) -> str:
    # '/' between organisation and name is written '--'
    return escaped.replace("--", "/", 1)
