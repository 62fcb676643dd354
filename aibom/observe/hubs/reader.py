"""A hub's cache in a process's root, read with an end: whoever fills the cache may be hostile."""

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.types.unseen import Unseen

P = ParamSpec("P")
T = TypeVar("T")

#: What may be spent on the place of one file, and on those of all files of one look. The unit is
#: about a microsecond of CPU time.
FILE_COST = 125_000
LOOK_COST = 1_000_000
# a system call in the root of a process; an answer that is known, or a name of a folder; and how
# many bytes of a record, which somebody will parse, cost as much as that
_CALL = 25
_KNOWN = 1
_BYTES = 80
_DEPTH = 8


class CacheReader:
    """Asks a host about a process's files, each thing once, until what may be spent is spent.

    What was asked is remembered for as long as this lasts: one look at a process.
    """

    def __init__(self, host: Host, pid: int) -> None:
        """Read in the root of the process ``pid``."""
        self.pid = pid
        self._host = host
        self._left = LOOK_COST
        self._left_for_file = FILE_COST
        self._names: dict[str, list[str]] = {}
        self._paths: dict[str, str] = {}
        self._records: dict[str, bytes] = {}
        self._cut_short: dict[str, None] = {}
        self._subject = ""

    def begin(self, subject: str) -> None:
        """Start the questions about one file, the path ``subject``."""
        self._subject = subject
        self._left_for_file = FILE_COST

    def unseen(self) -> Iterator[Unseen]:
        """Yield one record for each file whose place was not wholly looked through."""
        detail = "the cache of the hub holds more than is looked through; some of it is not named"
        for subject in self._cut_short:
            yield Unseen("too-large", f"hub cache of {subject}", detail, "", self.pid)

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none where it cannot be listed."""
        if not self._spend(_KNOWN if folder in self._names else _CALL):
            return []
        if folder not in self._names:
            self._names[folder] = _or_nothing(self._host.list_in_root, self.pid, folder) or []
        found = self._names[folder]
        self._spend(len(found) * _KNOWN)
        return found

    def real_path(self, path: str) -> str:
        """Return a path with its symlinks resolved, or an empty string for one that leads away."""
        if not self._spend(_KNOWN if path in self._paths else _CALL):
            return ""
        if path not in self._paths:
            # a dangling link, or one to where a look could block, leads nowhere
            self._paths[path] = _or_nothing(self._host.real_path, self.pid, path) or ""
        return self._paths[path]

    def read(self, path: str, limit: int) -> bytes:
        """Return a file of at most ``limit`` bytes; nothing for a larger one or none.

        That a file is larger is noted, as it may say what was asked for.
        """
        if not self._spend(_KNOWN if path in self._records else _CALL):
            return b""
        if path not in self._records:
            self._records[path] = _or_nothing(self._read, path, limit + 1) or b""
        data = self._records[path]
        if len(data) > limit:
            self._note_cut()
            return b""
        return data if self._spend(len(data) // _BYTES) else b""

    def _read(self, path: str, limit: int) -> bytes:
        return read_in_root(self._host, self.pid, path, limit)

    def first(self, items: Iterable[T], most: int) -> Iterator[T]:
        """Yield the first ``most`` items; that there were more is noted."""
        for count, item in enumerate(items):
            if count == most:
                self._note_cut()
                return
            yield item

    def exists(self, path: str) -> bool:
        """Say whether something is at ``path``."""
        return bool(self.real_path(path))

    def links_to(self, folder: str, target: str, depth: int = _DEPTH) -> Iterator[str]:
        """Yield the names below ``folder``, as relative paths, that are links to ``target``."""
        for name in self.names(folder):
            path = f"{folder}/{name}"
            real = self.real_path(path)
            if real == target:
                yield name
            elif real == path and depth:  # a folder, or a file of its own that has no names
                yield from (f"{name}/{n}" for n in self.links_to(path, target, depth - 1))

    def _spend(self, cost: int) -> bool:
        self._left -= cost
        self._left_for_file -= cost
        if self._left >= 0 and self._left_for_file >= 0:
            return True
        self._note_cut()
        return False

    def _note_cut(self) -> None:
        self._cut_short[self._subject] = None


def _or_nothing(ask: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | None:
    """Return an answer, or None where what was asked for is missing or denied."""
    try:
        return ask(*arguments, **options)
    except OSError:
        return None
