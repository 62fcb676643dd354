"""Where a file that a process holds came from, by its mount and the layers below it."""

import re

from aibom.formats.procfs.mountinfo import Mount, MountTable
from aibom.formats.procfs.placement import Placed
from aibom.observe.host.protocol import Host
from aibom.types.files import FileKey, FileUse, Origin, OriginKind
from aibom.types.processes import Process

# kubelet's layout: pods/<uid>/volumes/<plugin>/<name>, and volume-subpaths/<name>/... for subPath
_KUBELET_VOLUME = re.compile(
    r"/pods/[0-9a-f-]+/volumes/kubernetes\.io~(?P<kind>[^/]+)/(?P<name>[^/]+)"
)
_KUBELET_SUBPATH = re.compile(r"/pods/[0-9a-f-]+/volume-subpaths/(?P<name>[^/]+)/")
# containerd names a layer by its snapshot's number, Docker's overlay2 by a hash
_SNAPSHOT = re.compile(r"/(?:snapshots|overlay2|overlay)/(?P<name>[^/]+)(?:/(?:fs|diff))?$")
_NO_RUNTIME = "an overlay that no container runtime was seen to make"
# a memfd, and POSIX shared memory
_SHARED_MEMORY = ("/memfd:", "/dev/shm/")  # noqa: S108
_IN_MEMORY = frozenset({"tmpfs", "ramfs", "hugetlbfs"})


def origin_of(
    host: Host, process: Process, use: FileUse, key: FileKey, runtime: int | None
) -> Origin:
    """Return where ``use`` came from. ``runtime`` is the process that mounted the container.

    ``key`` is what is held: a layer's file at the same path must be the same file.

    Raises OSError where the layers cannot be looked at.
    """
    if use.path.startswith(_SHARED_MEMORY):
        return Origin("memory", use.path.removeprefix("/"))
    mounts = host.mounts(process.pid)
    mount = _mount_of(mounts, use)
    if mount is None:
        return Origin("deleted" if use.deleted else "unknown")
    if use.deleted:
        return Origin("deleted", mount.fstype)
    contained = in_container(mounts, process)
    if mount.point != "/":
        return _beside_root(mount, use.path, contained=contained)
    return _in_root(host, mount, (use.path, key), runtime, contained=contained)


def origin_of_placed(placed: Placed, runtime: int | None, *, contained: bool) -> Origin:
    """Return where a file came from that an event told of, by the place that it is stored at.

    ``runtime`` is the process that mounted the container.
    """
    if placed.layer and runtime is None:
        return Origin("unknown", _NO_RUNTIME)
    if placed.layer:
        below = placed.path.removeprefix(placed.mount.point.rstrip("/"))
        kind: OriginKind = "writable-layer" if placed.writable else "image-layer"
        return Origin(kind, _snapshot(placed.layer), placed.layer + below)
    if placed.mount.point != "/":
        return _beside_root(placed.mount, placed.path, contained=contained)
    if not contained:
        return Origin("host", host_path=placed.path)
    return Origin("unknown", placed.mount.fstype)


_Held = tuple[str, FileKey]


def _in_root(
    host: Host, mount: Mount, held: _Held, runtime: int | None, *, contained: bool
) -> Origin:
    if mount.overlay:
        if runtime is None:
            # anybody may mount an overlay in a user namespace and call any folder its layer
            return Origin("unknown", _NO_RUNTIME)
        return _layer(host, mount, held, runtime)
    if not contained:
        return Origin("host", host_path=held[0])
    # a container on a plain directory (vfs driver, chroot): no layer can be told from another
    return Origin("unknown", mount.fstype)


def in_container(mounts: MountTable, process: Process) -> bool:
    """Say whether a process's root is a container's: by its cgroup, or by an overlay root."""
    root = mounts.root
    return bool(
        process.cgroup.container_id
        or process.cgroup.pod_uid
        or (root is not None and root.overlay and root.upper())
    )


def _mount_of(mounts: MountTable, use: FileUse) -> Mount | None:
    by_path = mounts.at(use.path)
    if not use.device or by_path is None or by_path.device == use.device:
        return by_path
    if by_path.overlay:
        # before Linux 6.8 maps show the device of the layer's file, not the overlay's
        return by_path
    # a file opened through another mount than its path shows now
    return mounts.of_device(use.device) or by_path


def _beside_root(mount: Mount, path: str, *, contained: bool) -> Origin:
    if not contained:
        return Origin("host", mount.point, path)
    if mount.fstype in _IN_MEMORY:
        named = _volume_name(mount.root)
        return Origin("volume", named or f"{mount.fstype} at {mount.point}")
    below = mount.root.rstrip("/") + path.removeprefix(mount.point.rstrip("/"))
    return Origin("volume", _volume_name(mount.root) or f"bind of {mount.root}", below)


def _volume_name(root: str) -> str:
    if volume := _KUBELET_VOLUME.search(root):
        return f"{volume['kind']} {volume['name']}"
    if subpath := _KUBELET_SUBPATH.search(root):
        return f"subPath of {subpath['name']}"
    return ""


def _layer(host: Host, mount: Mount, held: _Held, runtime: int) -> Origin:
    path, key = held
    upper = mount.upper()
    if upper and host.stat_in_layer(upper, path, runtime) is not None:
        hidden = _hidden(host, mount, path, runtime)
        return Origin("writable-layer", _snapshot(upper), upper + path, hidden)
    for layer in mount.lower():
        found = host.stat_in_layer(layer, path, runtime)
        if found is None:
            continue
        # the layers' names are the mounting process's words; nobody can set a ctime
        same = (found.size, found.mtime_ns, found.ctime_ns) == (
            key.size,
            key.mtime_ns,
            key.ctime_ns,
        )
        if same:
            return Origin("image-layer", _snapshot(layer), layer + path)
        return Origin("unknown", "its layer holds another file at this path")
    return Origin("unknown", "in none of the overlay's layers")


def _hidden(host: Host, mount: Mount, path: str, runtime: int) -> str:
    """Return the layer of the image whose file at ``path`` the writable layer hides, if any."""
    for layer in mount.lower():
        found = host.stat_in_layer(layer, path, runtime)
        if found is not None:
            # a device is a whiteout (kernel, Documentation/filesystems/overlayfs.rst)
            return _snapshot(layer) if found.regular else ""
    return ""


def _snapshot(layer: str) -> str:
    match = _SNAPSHOT.search(layer)
    return f"snapshot {match['name']}" if match else layer
