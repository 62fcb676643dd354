"""The folder that keeps what was downloaded or built, and how to fill it without half results."""

import fcntl
import hashlib
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.errors import RigError

REPOSITORY = Path(__file__).resolve().parent.parent
_UNFINISHED = ".unfinished-"


def cache_folder() -> Path:
    """Return the folder for downloads and images: $AIBOM_RIG_CACHE or .cache/rig here."""
    chosen = os.environ.get("AIBOM_RIG_CACHE")
    return Path(chosen).resolve() if chosen else REPOSITORY / ".cache" / "rig"


def key(*parts: str | bytes) -> str:
    """Return 12 hex digits that stand for ``parts``: the same for the same parts, in order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:12]


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Give an empty folder in ``parent`` for the block; nothing of it is left afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def unfinished(final: Path) -> Iterator[Path]:
    """Give an empty folder that becomes ``final`` when the block ends well, and vanishes if not.

    Whoever was first with ``final`` wins.
    """
    with scratch(final.parent) as folder:
        yield folder
        folder.chmod(0o755)
        if not final.exists():
            folder.rename(final)


@contextmanager
def lock(path: Path, *, busy: str, patience: float = math.inf) -> Iterator[None]:
    """Hold the lock file ``path`` for the block; the kernel frees it when the process dies.

    When somebody else holds it for more than ``patience`` seconds, that is a RigError with the
    message ``busy``.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise RigError(f"{error}; choose another folder with AIBOM_RIG_CACHE") from error
    with file:
        deadline = time.monotonic() + patience
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise RigError(busy)
            time.sleep(0.1)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def filling(cache: Path) -> Iterator[None]:
    """Hold ``cache`` alone for the block, after removing what a killed process left half done."""
    with lock(cache / "lock", busy=f"{cache} is in use"):
        for left in (*cache.glob(f"{_UNFINISHED}*"), *cache.glob(f"*/{_UNFINISHED}*")):
            shutil.rmtree(left, ignore_errors=True)
        yield
