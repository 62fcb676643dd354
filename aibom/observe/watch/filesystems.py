"""The file systems that are watched: found by mount tables, marked once, asked by handles."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from aibom.formats.procfs.mountinfo import Mount
from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents, fsid_of, open_handle, path_of
from aibom.observe.events.overlays import OverlayEvents
from aibom.observe.host import rootdir
from aibom.observe.host.live import LiveFile, LiveHost, reopen
from aibom.types.unseen import Unseen

# the kernel's own file systems, on which nobody keeps a model
_KERNELS = frozenset(
    {
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    }
)
# every container has a file system of its own at each of these
_PLUMBING = ("/proc/", "/sys/", "/run/secrets/", "/var/run/secrets/")
# the major number of file systems without a device of their own, such as tmpfs
_ANONYMOUS = "0:"
#: Most mounts of them, and other file systems, that are marked.
MAX_MARKED = 16_384
#: Most ways to one file system that are remembered, as processes end.
MAX_WAYS = 8


#: The device of a file whose path is that of the process that opened it.
AS_SHOWN = ""


class Stored(NamedTuple):
    """A file as a file system stores it: its device (``major:minor``), and the path there.

    Where the device is AS_SHOWN the path is already that in the container.
    """

    device: str
    path: str


class _Way(NamedTuple):
    """A process, and a folder in its root at which a file system is mounted."""

    pid: int
    mount: Mount


@dataclass(slots=True)
class _FileSystem:
    """A marked file system and the ways that lead to it, tried in turn as processes end."""

    device: str
    ways: list[_Way] = field(default_factory=list)


class FileSystems:
    """Marks file systems for events, and answers what their handles lead to.

    No descriptor is kept: one that stays open would keep a volume from being unmounted.
    """

    def __init__(
        self, host: LiveHost, events: FileEvents | None, overlays: OverlayEvents | None = None
    ) -> None:
        """Mark with ``events`` what the processes of ``host`` can see.

        With ``overlays`` each overlay is marked by itself, for kernels that need it.
        """
        self._host = host
        self._events = events
        self._overlays = overlays
        self._by_id: dict[bytes, _FileSystem] = {}
        self._met: dict[tuple[str, str], bytes] = {}
        # those to which somebody led since everything was last learnt anew
        self._noted: set[bytes] = set()
        # what is open while a few events are taken together, None otherwise
        self._held: dict[bytes, tuple[int, _Way]] | None = None
        # both threads ask
        self._lock = threading.RLock()

    def meet(self, pid: int) -> tuple[Unseen, ...]:
        """Mark what a process's mount namespace shows and is not marked yet.

        Returns what cannot be watched. Raises OSError when the process has ended.
        """
        if self._events is None:
            return ()
        with self._lock:
            missed = [self._take(_Way(pid, mount)) for mount in self._host.mounts(pid).mounts]
        return tuple(unseen for unseen in missed if unseen is not None)

    def _take(self, way: _Way) -> Unseen | None:
        if way.mount.overlay and self._overlays is not None:
            return self._mark_overlay(way, self._overlays)
        return None if _is_plumbing(way.mount) else self._mark_once(way)

    def _mark_once(self, way: _Way) -> Unseen | None:
        known = self._met.get(_key(way.mount))
        if known is None:
            return self._mark(way) if len(self._met) < MAX_MARKED else None
        if known in self._by_id:
            self._note_way(known, self._by_id[known], way)
        return None

    def renew(self, pid: int) -> tuple[Unseen, ...]:
        """Learn anew what the mount namespace of a process shows, as its mounts have changed.

        What is no longer mounted there is forgotten. Numbers of devices are given again: what
        bears one now may be another file system. To mark one twice changes nothing. Returns what
        ``meet`` does, and raises what it does.
        """
        with self._lock:
            self._met.clear()
            for known in self._by_id.values():
                known.ways[:] = [way for way in known.ways if way.pid != pid and self._lives(way)]
            try:
                return self.meet(pid)
            finally:
                self._by_id = {i: known for i, known in self._by_id.items() if known.ways}

    def anew(self) -> None:
        """Begin to learn everything anew, until ``learnt``; what is known is of use meanwhile."""
        with self._lock:
            self._met.clear()
            self._noted.clear()

    def learnt(self) -> None:
        """Forget the file systems that nobody was met in since ``anew``: they are unmounted."""
        with self._lock:
            kept = self._noted
            self._by_id = {i: known for i, known in self._by_id.items() if i in kept}

    def _note_way(self, identifier: bytes, known: _FileSystem, way: _Way) -> None:
        self._noted.add(identifier)
        # a mount that shows the whole file system can name every file of it
        if way.mount.root == "/" and known.ways and known.ways[0].mount.root != "/":
            known.ways.insert(0, way)
        elif all(w.pid != way.pid for w in known.ways):
            known.ways.append(way)
        if len(known.ways) > MAX_WAYS:
            alive = [w for w in known.ways if self._lives(w)]
            known.ways[:] = alive[:MAX_WAYS] or known.ways[-1:]

    def _lives(self, way: _Way) -> bool:
        return os.path.exists(f"{self._host.procfs}/{way.pid}")

    def _mark_overlay(self, way: _Way, overlays: OverlayEvents) -> Unseen | None:
        if _key(way.mount) in self._met:
            return None
        self._met[_key(way.mount)] = b""
        try:
            folder = self._open(way)
            try:
                overlays.mark(folder)
            finally:
                os.close(folder)
        except OSError as error:
            detail = error.strerror or str(error)
            return Unseen("sensor", f"file events of the overlay at {way.mount.point}", detail)
        return None

    def _mark(self, way: _Way) -> Unseen | None:
        mount = way.mount
        if mount.remote:
            self._met[_key(mount)] = b""
            detail = f"{mount.fstype}: no events, and files on it are not opened"
            return Unseen("remote-filesystem", f"file events below {mount.point}", detail)
        try:
            folder = self._open(way)
        except (NotADirectoryError, FileNotFoundError):
            return None  # a single file bound into a container, or mounted over; another may do
        except OSError as error:
            detail = error.strerror or str(error)
            return Unseen("denied", f"file events below {mount.point}", detail)
        try:
            if self._events is not None:
                self._events.mark(folder)
            identifier = self._met[_key(mount)] = fsid_of(folder)
            known = self._by_id.get(identifier)
            if known is not None and known.device == mount.device:
                self._note_way(identifier, known, way)
            else:
                self._noted.add(identifier)
                self._by_id[identifier] = _FileSystem(mount.device, [way])
        except SensorError as error:
            self._met[_key(mount)] = b""
            subject = f"file events on {mount.fstype} at {mount.point}"
            return Unseen("sensor", subject, error.detail, error.remedy)
        finally:
            os.close(folder)
        return None

    def _open(self, way: _Way) -> int:
        """Return a descriptor of the folder at which a file system is mounted."""
        root = f"{self._host.procfs}/{way.pid}/root"
        path = rootdir.open_path(root, way.mount.point, self._host.mounts(way.pid))
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK | os.O_CLOEXEC
            found = os.open(f"/proc/self/fd/{path}", flags)
        finally:
            os.close(path)
        device = os.fstat(found).st_dev
        if f"{os.major(device)}:{os.minor(device)}" != way.mount.device:
            os.close(found)
            raise FileNotFoundError(way.mount.point)  # something else is mounted over it
        return found

    @contextmanager
    def together(self) -> Iterator[None]:
        """Open each file system once for everything that is asked in a block: keep it short."""
        with self._lock:
            self._held = {}
        try:
            yield
        finally:
            with self._lock:
                held, self._held = self._held, None
                for folder, _ in (held or {}).values():
                    os.close(folder)

    @contextmanager
    def _opened(self, identifier: bytes) -> Iterator[tuple[int, _Way]]:
        """Give a descriptor on a marked file system, by the first way that still leads there."""
        if self._held is not None and identifier in self._held:
            yield self._held[identifier]
            return
        known = self._by_id.get(identifier)
        if known is None:
            raise FileNotFoundError("a file system that is not marked")
        while known.ways:
            way = known.ways[0]
            try:
                folder = self._open(way)
            except OSError:
                if len(known.ways) == 1:
                    raise
                known.ways.pop(0)
                continue
            if self._held is not None:
                self._held[identifier] = (folder, way)
                yield folder, way
                return
            try:
                yield folder, way
            finally:
                os.close(folder)
            return

    def folder(self, identifier: bytes, handle: bytes) -> Stored:
        """Return where the folder of an event lies now. Raises OSError when it is gone."""
        with self._lock, self._opened(identifier) as (descriptor, way):
            shown = path_of(descriptor, handle)
        point = way.mount.point.rstrip("/")
        inside = shown == way.mount.point or shown.startswith(point + "/")
        below = shown[len(point) :] if inside else shown
        return Stored(way.mount.device, (way.mount.root.rstrip("/") + below).rstrip("/") or "/")

    def open(self, identifier: bytes, handle: bytes) -> LiveFile:
        """Open the very file of an event, if it is a regular one. Raises OSError."""
        with self._lock, self._opened(identifier) as (descriptor, _):
            return reopen(open_handle(descriptor, handle), "")


def _is_plumbing(mount: Mount) -> bool:
    """Say whether a mount is the kernel's own, or one that every container has and nobody uses."""
    if mount.fstype in _KERNELS or mount.overlay or mount.point.startswith(_PLUMBING):
        return True
    return mount.point.startswith("/dev") and mount.point != "/dev/shm"  # noqa: S108


def _key(mount: Mount) -> tuple[str, str]:
    """Return what tells a file system from another as long as mounts do not change."""
    return (mount.device, mount.point if mount.device.startswith(_ANONYMOUS) else "")
