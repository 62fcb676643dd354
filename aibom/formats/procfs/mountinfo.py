"""/proc/PID/mountinfo: what is mounted where in a mount namespace (proc_pid_mountinfo(5))."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")

# File systems whose data comes from another machine or from a process: reading them can block
# for as long as that other side pleases.
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "lustre", "beegfs", "afs", "orangefs"}
)
# Options fit a page (mount(2)), and so does a path; each byte may be written as four.
_MAX_PATH = 4096
_MAX_LINE = 16 * _MAX_PATH
# Tables of one node repeat each other's lines, as the node's own has another few with each pod, and
# all containers' have the same points and options: these are one object each. What is longer is
# read anew each time, so that nobody's long names fill the memory.
_KEPT_LINES, _KEPT_LINE = 1024, 2048
_KEPT_PARTS, _KEPT_PART = 2048, 64
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo.

    ``id`` is what fdinfo calls ``mnt_id``, ``device`` is ``major:minor``, ``root`` the directory
    of the file system that ``point`` shows, ``options`` the super block's options.
    """

    id: int
    device: str
    root: str
    point: str
    fstype: str
    source: str
    options: Mapping[str, str] = field(hash=False)

    @property
    def remote(self) -> bool:
        """Whether a read may wait for another machine or another process."""
        return self.fstype in _REMOTE or self.fstype.split(".")[0] in ("fuse", "fuseblk")

    @property
    def overlay(self) -> bool:
        """Whether this is an overlay of image layers and a writable layer."""
        return self.fstype == "overlay"

    def lower(self) -> tuple[str, ...]:
        """Host paths of the read-only layers of an overlay, uppermost first.

        containerd shortens them to paths relative to its snapshot folder when there are many
        (mount options must fit a page); upperdir stays absolute and tells that folder.
        """
        layers = _split_layers(self.options.get("lowerdir", ""))
        upper = self.options.get("upperdir", "")
        snapshots = upper.rsplit("/", 2)[0] if upper.count("/") > 2 else ""
        return tuple(p if p.startswith("/") else f"{snapshots}/{p}" for p in layers)

    def upper(self) -> str:
        """Host path of the writable layer of an overlay, or an empty string."""
        return self.options.get("upperdir", "")


def _split_layers(value: str) -> list[str]:
    # overlayfs: colons separate, a backslash before a colon is part of a name, and '::' begins
    # data-only layers (Documentation/filesystems/overlayfs.rst)
    return [p.replace("\\:", ":") for p in re.split(r"(?<!\\):+", value) if p]


def _kept(number: int, length: int) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """Remember what a function gives of the last ``number`` inputs of at most ``length`` bytes."""

    def keeping(read: Callable[[bytes], T]) -> Callable[[bytes], T]:
        known = lru_cache(number)(read)
        return lambda raw: known(raw) if len(raw) <= length else read(raw)

    return keeping


@_kept(_KEPT_PARTS, _KEPT_PART)
def _text(raw: bytes) -> str:
    # space, tab, newline and backslash are written as \ooo
    plain = _OCTAL.sub(lambda m: bytes([int(m[1], 8) & 0xFF]), raw)
    return plain.decode("utf-8", "surrogateescape")


@_kept(_KEPT_PARTS, _KEPT_PART)
def _options(raw: bytes) -> Mapping[str, str]:
    # a comma inside a layer's name is written as \, by overlayfs
    options = (o.replace("\\,", ",") for o in re.split(r"(?<!\\),", _text(raw)))
    pairs = (option.partition("=") for option in options)
    return MappingProxyType({name: value for name, _, value in pairs})


@_kept(_KEPT_LINES, _KEPT_LINE)
def _mount(line: bytes) -> Mount | None:
    """Return the mount of a line; None for one of another form."""
    fields = line.split(b" ")
    # ID parent major:minor root point options [optional ...] - type source super-options
    if len(fields) < 10 or b"-" not in fields[6:]:
        return None
    rest = fields[fields.index(b"-", 6) + 1 :]
    if len(rest) < 3:
        return None
    return Mount(
        id=int(fields[0]) if fields[0].isdigit() else -1,
        device=_text(fields[2]),
        root=_text(fields[3]),
        point=_text(fields[4]),
        fstype=_text(rest[0]),
        source=_text(rest[1]),
        options=_options(rest[2]),
    )


def _mounts(data: bytes) -> Iterator[Mount]:
    for line in data.split(b"\n"):
        if len(line) > _MAX_LINE:
            continue
        if (mount := _mount(line)) is not None:
            yield mount


class MountTable:
    """The mounts of a namespace, indexed by what is asked of them for every file."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        """Index ``mounts``, in the order in which they were made."""
        self.mounts = tuple(mounts)
        # of several mounts on one point the last one is what is seen
        self._points = {mount.point.rstrip("/"): mount for mount in self.mounts}
        self._devices = {mount.device: mount for mount in reversed(self.mounts)}
        self._ids = {mount.id: mount for mount in self.mounts}
        self._overlays = frozenset(m.device for m in self.mounts if m.overlay)
        remote = {m.device for m in self.mounts if m.remote}
        # an overlay over a file system that may block blocks with it
        remote |= {m.device for m in self.mounts if m.overlay and self._over_remote(m)}
        self._remotes = frozenset(remote)

    def _over_remote(self, overlay: Mount) -> bool:
        below = (self.at(layer) for layer in (overlay.upper(), *overlay.lower()) if layer)
        return any(mount is not None and mount.remote for mount in below)

    @property
    def has_remote(self) -> bool:
        """Whether some mount may keep a reader waiting for another machine or process."""
        return bool(self._remotes)

    @property
    def root(self) -> Mount | None:
        """What is mounted on ``/``."""
        return self._points.get("")

    def at(self, path: str) -> Mount | None:
        """Return the mount that shows ``path`` (absolute, without symlinks)."""
        point = path[:_MAX_PATH].rstrip("/")
        while point not in self._points:
            if not point:
                return None
            point = point.rpartition("/")[0]
        return self._points[point]

    def of_device(self, device: str) -> Mount | None:
        """Return the first mount of a device (``major:minor``)."""
        return self._devices.get(device)

    def is_overlay(self, device: str) -> bool:
        """Say whether a device is an overlay's."""
        return device in self._overlays

    def may_block(self, device: str) -> bool:
        """Say whether reading from a device may wait for another machine or process.

        So it is with network and user-space file systems, and so it may be with an anonymous
        device that is mounted nowhere here: a file system that was unmounted lazily, or one of
        another namespace. The kernel's own (memfd, shared memory) have no mount either; their
        files are told by their names.
        """
        if device in self._remotes:
            return True
        return device.startswith("0:") and device not in self._devices

    def by_id(self, identifier: int) -> Mount | None:
        """Return the mount of an id, as fdinfo names it."""
        return self._ids.get(identifier)


def parse(data: bytes) -> MountTable:
    """Return the mounts of ``data``; lines of another form are left out."""
    return MountTable(_mounts(data))
