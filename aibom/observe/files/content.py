"""What the files are that a process holds: models, binaries or neither; each read once."""

import errno
import os
from dataclasses import dataclass
from typing import Literal

from aibom.formats.models.detect import HEAD
from aibom.formats.models.examine import examine
from aibom.formats.procfs.mountinfo import MountTable
from aibom.formats.source import FormatError
from aibom.observe.files.binaries import MAGIC, BinaryFacts, read_binary
from aibom.observe.files.recent import Recent
from aibom.observe.host.protocol import FileStat, Host, HostFile
from aibom.types.files import FileKey, FileUse
from aibom.types.model import ModelHeader
from aibom.types.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Content:
    """What a file's content is. ``damage`` says why a header could not be read."""

    kind: Literal["model", "binary", "other"]
    header: ModelHeader | None = None
    binary: BinaryFacts | None = None
    damage: str = ""


_OTHER = Content("other")
_REMEMBERED = 10_000


def key_of(found: FileStat, mounts: MountTable) -> FileKey:
    """Return the identity of a file's content; see FileKey for what overlayfs changes."""
    device = f"{os.major(found.device)}:{os.minor(found.device)}"
    return FileKey(
        device=0 if mounts.is_overlay(device) else found.device,
        inode=found.inode,
        size=found.size,
        mtime_ns=found.mtime_ns,
        ctime_ns=found.ctime_ns,
    )


def require_same(file: HostFile, key: FileKey, mounts: MountTable) -> None:
    """Raise OSError when a descriptor leads to another file than the one that was looked at.

    A process can put another file under a descriptor's number at any moment, and what is read
    would be remembered under the wrong identity.
    """
    if key_of(file.stat, mounts) != key:
        raise OSError(errno.ESTALE, "another file was put in its place while it was looked at")


class ContentReader:
    """Classifies files by their content and remembers the answer for as long as they last."""

    def __init__(self, host: Host, rules: RuleSet) -> None:
        """Read through ``host``; look for the formats and symbols that ``rules`` know."""
        self._host = host
        self._rules = rules
        self._symbols = rules.symbols
        self._known: Recent[tuple[FileKey, bool], Content] = Recent(_REMEMBERED)

    def classify(self, pid: int, use: FileUse, key: FileKey) -> Content:
        """Return what the held file is. Raises OSError where it cannot be read."""
        # a file first seen as data may be mapped for execution later
        content = self._known.get((key, use.runs))
        if content is None:
            file = self._host.open_use(pid, use)
            try:
                require_same(file, key, self._host.mounts(pid))
                content = self._read(file, use.path, runs=use.runs)
            finally:
                file.close()
            self._known.put((key, use.runs), content)
        return content

    def classify_data(self, file: HostFile, key: FileKey) -> Content:
        """Return what an open file is, as data: a binary that is not run is nothing."""
        content = self._known.get((key, False))
        if content is None:
            content = self._known.put((key, False), self._read(file, "", runs=False))
        return content

    def _read(self, file: HostFile, path: str, *, runs: bool) -> Content:
        if file.size < len(MAGIC):
            return _OTHER
        head = file.read(0, HEAD)
        if head.startswith(MAGIC):
            return self._read_binary(file, path) if runs else _OTHER
        detected = examine(file, self._rules)
        if detected is None:
            return _OTHER
        return Content("model", header=detected.header, damage=detected.damage)

    def _read_binary(self, file: HostFile, path: str) -> Content:
        try:
            return Content("binary", binary=read_binary(file, self._symbols, path))
        except FormatError as error:
            return Content("binary", binary=BinaryFacts(), damage=str(error))
