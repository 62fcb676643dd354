"""Where a file came from, by the cache of whatever hub it lies in, and whether that is true."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from aibom.formats.hubs import named
from aibom.observe.files.content import require_same
from aibom.observe.host.protocol import Host
from aibom.observe.hubs import huggingface, ollama, others
from aibom.observe.hubs.found import Found
from aibom.observe.hubs.reader import CacheReader
from aibom.types.files import FileFacts
from aibom.types.modelfiles import HubPlace
from aibom.types.unseen import Unseen

#: Largest file, in bytes, whose git hash is computed: larger ones are in LFS on every hub.
MAX_GIT_BLOB = 16 << 20
# the surest first
_READERS = (
    huggingface.find,
    ollama.find,
    others.find_modelscope,
    others.find_kaggle,
    huggingface.find_local,
    others.find_llamacpp,
)

#: Returns the name that git gives a file's content, a SHA-1 in hex, or an empty string where
#: the file cannot be read.
GitHash = Callable[[FileFacts], str]


class HubPlaces:
    """Finds the places of the files of one process, for as long as one look at it takes."""

    def __init__(self, host: Host, pid: int, git_hash: GitHash | None = None) -> None:
        """Read caches in the root of the process ``pid``; ``git_hash`` is for tests."""
        self._cache = CacheReader(host, pid)
        self._git_hash = git_hash or partial(_git_hash, host, pid)

    def find(self, file: FileFacts) -> Found | None:
        """Return where a cache says that a file came from, or None when it lies in no cache."""
        found = self._find(file.path)
        if found is None:
            return None
        verified = _agrees(found.place.promised, file, self._git_hash)
        return found._replace(place=replace(found.place, verified=verified))

    def _find(self, path: str) -> Found | None:
        if not path.startswith("/"):
            return None  # memory has no neighbours
        self._cache.begin(path)
        for reader in _READERS:
            if (found := reader(self._cache, path)) is not None:
                return found
        place = named.find(path)
        return Found(place) if place is not None else None

    def unseen(self) -> Iterator[Unseen]:
        """Yield one record for each file whose cache was too large to look through."""
        return self._cache.unseen()


def confirmed(place: HubPlace, file: FileFacts) -> HubPlace:
    """Return the place of a file whose SHA-256 has become known since it was found."""
    return replace(place, verified=_agrees(place.promised, file, lambda _: ""))


def _git_hash(host: Host, pid: int, file: FileFacts) -> str:
    try:
        opened = host.open_in_root(pid, file.path)
        try:
            require_same(opened, file.key, host.mounts(pid))
            return opened.git_sha1()
        finally:
            opened.close()
    except OSError:
        return ""


def _agrees(promised: str, file: FileFacts, git_hash: GitHash) -> bool:
    """Say whether a file's content has the digest that a cache promises."""
    algorithm, _, digest = promised.partition(":")
    if algorithm == "sha256":
        return digest == file.sha256
    if algorithm == "sha256-prefix":
        return file.sha256.startswith(digest)
    if algorithm == "git-sha1" and file.size <= MAX_GIT_BLOB:
        return digest == git_hash(file)
    return False
