"""Files as processes hold them: identity, content, origin, arrival."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

OriginKind = Literal[
    "image-layer", "writable-layer", "volume", "memory", "deleted", "host", "unknown"
]


#: Origins that were not there when the image was built.
ARRIVED: frozenset[OriginKind] = frozenset({"writable-layer", "memory", "deleted"})


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a loaded file came from, and where the host keeps it.

    ``detail`` names the layer's snapshot, or the volume's kind and name. ``host_path`` is the
    file's path on the host, where one is known. ``replaces`` names the image's layer that has a
    file at the same path, which a file of the writable layer hides.
    """

    kind: OriginKind
    detail: str = ""
    host_path: str = ""
    replaces: str = ""


#: Of a file whose place could not be determined.
UNKNOWN_ORIGIN = Origin("unknown")


@dataclass(frozen=True, slots=True)
class FileKey:
    """Identity of a file's content on this node, good for as long as nothing is written to it.

    ``device`` is 0 for files on overlayfs: there the same layer file has another device in each
    container, while inode and ctime (which nobody can set) are those of the layer file. So one
    file shared by fifty pods has one key.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


#: Of a file that could not be looked at.
NO_KEY = FileKey(0, 0, 0, 0, 0)


#: ``opened`` and ``written`` are what an event said; the others are what was held at a look.
UseKind = Literal["executable", "mapped", "open", "opened", "written"]


@dataclass(frozen=True, slots=True)
class FileUse:
    """One file that a process holds, as /proc shows it.

    ``path`` is the path inside the process's root. ``handle`` is the entry below /proc/PID that
    leads to the very file (``fd/3``, ``map_files/7f..-7f..``, ``exe``). ``device`` is
    ``major:minor`` in decimal. ``runs`` is true where a mapping may be executed,
    ``escapes`` where the file lies outside of the process's root: then ``path`` is the mount
    namespace's.
    """

    path: str
    kind: UseKind
    handle: str
    device: str
    inode: int
    deleted: bool = False
    runs: bool = False
    escapes: bool = False


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file's content and place. ``sha256`` is empty when the file was not hashed.

    ``head_sha256`` is of the first mebibyte of a file that was too large to hash. ``pending`` is
    true while the digest is computed.
    """

    path: str
    key: FileKey
    origin: Origin
    sha256: str = ""
    head_sha256: str = ""
    pending: bool = False

    @property
    def size(self) -> int:
        """Length of the content in bytes."""
        return self.key.size


class Written(NamedTuple):
    """A file as it was after it was written: the number of an inode is soon given to another."""

    device: int
    inode: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """How a file came to where it was loaded from: what wrote it, or gave it its name.

    ``argv`` is the writer's command with secrets removed, ``destinations`` are the remote ends
    it was connected to meanwhile, ``renamed_from`` is the name before the last one. ``when`` it
    was seen is in seconds since the epoch.
    """

    writer: str
    pid: int
    container: str = ""
    argv: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    renamed_from: str = ""
    when: float | None = field(default=None, compare=False)
