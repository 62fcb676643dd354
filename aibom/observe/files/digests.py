"""SHA-256 of whole files, computed once per content and remembered on disk between runs."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from aibom.observe.files.digestfile import DigestFile
from aibom.observe.files.hashing import be_idle
from aibom.observe.files.recent import UNUSED_FOR_LONG, Recent
from aibom.observe.host.protocol import HostFile
from aibom.types.files import FileFacts, FileKey

#: Files larger than this many bytes are not hashed unless the caller asks for it.
DEFAULT_LIMIT = 20 * 10**9

_REMEMBERED = 20_000


class TooLargeError(Exception):
    """The file is larger than the limit, and its digest is not known yet."""


class PendingError(Exception):
    """The file is hashed in the background: its digest is known later."""


class Digests:
    """A cache of digests: in memory, and in a private SQLite file where one is given."""

    def __init__(self, path: str | None = None, limit: int = DEFAULT_LIMIT) -> None:
        """Keep digests in the file ``path``; hash files up to ``limit`` bytes.

        A cache file that cannot be used is left alone: it only saves time.
        """
        self.limit = limit
        #: called, by another thread, when ``finished`` has something to tell
        self.on_finished: Callable[[], object] = lambda: None
        self._memory: Recent[FileKey, str] = Recent(_REMEMBERED, UNUSED_FOR_LONG)
        self._database: DigestFile | None = None
        if path is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._database = DigestFile(path)

    def sha256(self, file: HostFile, key: FileKey, group: str = "") -> str:
        """Return the digest of an open file, whose identity is ``key``.

        ``group`` names the workload that holds it, to be fair to all of them. Raises
        TooLargeError, OSError; PendingError where digests are computed in the background.
        """
        digest = self._memory.get(key) or self._recall(key)
        if digest is None:
            if key.size > self.limit:
                raise TooLargeError
            digest = self._compute(file, key, group)
            self._store(key, digest)
        return self._memory.put(key, digest)

    def _compute(self, file: HostFile, key: FileKey, group: str) -> str:  # noqa: ARG002
        be_idle()
        return file.sha256()

    def settled(self, file: FileFacts) -> FileFacts:
        """Return what is said of a file, with the digest if that is known by now."""
        digest = self._memory.get(file.key) if not file.sha256 else None
        return replace(file, sha256=digest, pending=False) if digest else file

    def failing(self, key: FileKey) -> str:  # noqa: ARG002
        """Return in words why a digest will not be known; empty where it still may be."""
        return ""

    def is_due(self, file: FileFacts) -> bool:
        """Say whether a file without a digest is worth asking for again."""
        return self._memory.get(file.key) is not None

    def finished(self) -> frozenset[FileKey]:
        """Return what has become known since the last time without having been asked for."""
        return frozenset()

    def _recall(self, key: FileKey) -> str | None:
        return self._database.recall(key) if self._database is not None else None

    def _store(self, key: FileKey, digest: str) -> None:
        if self._database is not None:
            self._database.store(key, digest)

    def prune(self) -> None:
        """Keep the cache file small; once a day of its use that happens by itself."""
        if self._database is not None:
            self._database.prune()

    def close(self) -> None:
        """Close the cache file."""
        if self._database is not None:
            self._database.close()
            self._database = None


def default_path() -> str:
    """Return where the cache lies by default, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "aibom", "digests.sqlite")
