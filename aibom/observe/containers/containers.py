"""Which container and pod a process belongs to, and what their runtime says of them."""

import re
from collections.abc import Mapping

from aibom.formats.containers import bundle
from aibom.observe.files.origin import in_container
from aibom.observe.host.protocol import Host
from aibom.types.processes import Cgroup, Container, Process

# Where containerd and CRI-O keep the bundles of running containers, for the case that the
# container's shim is not to be seen among its ancestors.
_BUNDLES = (
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json",
    "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json",
    "/run/containers/storage/overlay-containers/{id}/userdata/config.json",
    "/var/lib/containers/storage/overlay-containers/{id}/userdata/config.json",
    "/run/containerd/io.containerd.runtime.v2.task/moby/{id}/config.json",
)
_POD_IN_MOUNT = re.compile(
    r"/pods/(?P<uid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})/"
)
_CONTAINER_IN_MOUNT = re.compile(r"/containers/(?:[^/]+/)*(?P<id>[0-9a-f]{64})/")
_SHIM = "containerd-shim"


def bundle_folders() -> tuple[str, ...]:
    """Return the folders on a host where runtimes keep the bundles of running containers."""
    return tuple(path.partition("/{id}")[0] for path in _BUNDLES)


def place(host: Host, process: Process) -> Cgroup:
    """Return the container and pod of a process, by its cgroup or, failing that, its mounts.

    A container whose cgroup path is hidden by a private cgroup namespace is known by the files
    that its runtime mounts into it, or at least by its mount namespace. Raises OSError.
    """
    if process.cgroup.container_id:
        return process.cgroup
    mounts = host.mounts(process.pid)
    if not in_container(mounts, process):
        return process.cgroup
    pod = container = ""
    for mount in mounts.mounts:
        if match := _POD_IN_MOUNT.search(mount.root):
            pod = match["uid"]
        if match := _CONTAINER_IN_MOUNT.search(mount.root):
            container = match["id"]
    namespace = process.mount_namespace.strip("mnt:[]")
    return Cgroup(
        container_id=container or f"mnt-{namespace}",
        pod_uid=process.cgroup.pod_uid or pod,
        runtime=process.cgroup.runtime,
    )


def runtime_of(processes: Mapping[int, Process], process: Process) -> int | None:
    """Return the nearest ancestor outside the container: its shim, or None when it is not seen.

    The runtime mounted the container's layers, so their paths hold in its mount namespace,
    whether that is the host's, a private one, or that of a node that is itself a container.
    """
    seen = set()
    current = process
    while current.pid not in seen:
        seen.add(current.pid)
        parent = processes.get(current.parent)
        if parent is None or parent.pid <= 1:
            return None
        if parent.cgroup.container_id != process.cgroup.container_id and _runs_containers(parent):
            return parent.pid
        current = parent
    return None


def _runs_containers(process: Process) -> bool:
    return process.comm.startswith((_SHIM, "conmon")) or "docker" in process.comm


def describe(host: Host, container_id: str, pod_uid: str, shim: Process | None) -> Container:
    """Return what the runtime's bundle says of a container; only its id where there is none."""
    fallback = Container(id=container_id, pod_uid=pod_uid)
    if not re.fullmatch(r"[0-9a-f]{64}", container_id):
        return fallback
    for path, runtime in _bundle_paths(container_id, shim):
        try:
            data = host.read_on_host(path, runtime)
        except OSError:
            continue  # the bundle may be in any of these places
        described = bundle.parse(container_id, data)
        if described is not None:
            return described
    return fallback


def _bundle_paths(container_id: str, shim: Process | None) -> list[tuple[str, int | None]]:
    paths: list[tuple[str, int | None]] = [(p.format(id=container_id), None) for p in _BUNDLES]
    if shim is not None and shim.comm.startswith(_SHIM):
        # a shim's working directory is the bundle of the container (or pod) that it was made for;
        # the bundles of its other containers lie beside it
        folder = shim.cwd.rsplit("/", 1)[0]
        paths.insert(0, (f"{folder}/{container_id}/config.json", shim.pid))
    return paths
