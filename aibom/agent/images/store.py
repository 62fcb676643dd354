"""What images promise, kept on disk: a restart and a second look read no image again."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress

from aibom import __version__
from aibom.agent.folder import PRIVATE, Folder
from aibom.agent.images.codec import MAX_BYTES, DamagedError, packed, unpacked
from aibom.agent.log import Log
from aibom.types.declared import Document

#: How large all files may be together, in bytes.
MAX_STORED = 256 << 20
# another form of what is kept, or another meaning: what is there is read anew
_FORM = 1


class ImageStore:
    """Files of a private folder, one for each image, by its digest. Only one thread uses it.

    Nothing is raised: what cannot be kept is read from the image again.
    """

    def __init__(
        self,
        path: str,
        log: Log,
        limit: int = MAX_STORED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep at most ``limit`` bytes in the folder ``path``, made when it is first used."""
        self._path, self._log = path, log
        self._limit = limit
        self._clock = clock
        self._folder: Folder | None = None
        # what another version of aibom has read of an image may be less
        self._suffix = f"-{hashlib.sha256(f'{__version__} {_FORM}'.encode()).hexdigest()[:16]}.zst"

    def load(self, digest: str) -> tuple[Document, ...] | None:
        """Return what is kept of an image, None when that is nothing."""
        name = self._name(digest)
        try:
            folder = self._opened()
            data = folder.read(name, MAX_BYTES)
            if data is None:
                return None
            documents = unpacked(data)
            folder.touch(name, self._clock())
        except DamagedError as error:
            self._log.warning("what was kept of an image is damaged", why=str(error), image=digest)
            with suppress(OSError):
                self._opened().remove(name)
            return None
        except OSError as error:
            self._fails(error)
            return None
        return documents

    def save(self, digest: str, documents: tuple[Document, ...]) -> None:
        """Keep what an image promises."""
        try:
            data = packed(documents)
            if len(data) > self._limit:
                return
            folder = self._opened()
            self._make_room(folder, len(data))
            folder.write(self._name(digest), data)
            folder.touch(self._name(digest), self._clock())
        except DamagedError as error:
            self._log.warning("an image is too large to be kept", why=str(error), image=digest)
        except OSError as error:
            self._fails(error)

    def close(self) -> None:
        """Close the folder."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _name(self, digest: str) -> str:
        return digest.rpartition(":")[2] + self._suffix

    def _opened(self) -> Folder:
        if self._folder is None:
            folder = self._folder = Folder.at(self._path, PRIVATE)
            for name in folder.names():
                if not name.endswith(self._suffix):  # of another version, or half written
                    folder.remove(name)
        return self._folder

    def _make_room(self, folder: Folder, size: int) -> None:
        """Remove what was not used for longest until ``size`` bytes more may be there."""
        found = ((name, folder.file(name)) for name in folder.names())
        known = sorted((f.st_mtime, name, f.st_size) for name, f in found if f is not None)
        total = size + sum(one[2] for one in known)
        for _, name, length in known:
            if total <= self._limit:
                return
            folder.remove(name)
            total -= length

    def _fails(self, error: OSError) -> None:
        self._log.once("images", "images cannot be kept on disk", why=str(error.strerror))
