"""/proc/PID/cgroup: the container, pod or systemd unit of a process (cgroups(7))."""

import re

from aibom.types.processes import Cgroup

# A container: 64 hex digits as containerd, CRI-O, Docker and Podman name them, with the prefix
# that the systemd cgroup driver or Podman puts before them.
_CONTAINER = re.compile(r"^(?:(?P<runtime>[a-z][a-z-]*)-)?(?P<id>[0-9a-f]{64})(?:\.scope)?$")
# kubelet: 'pod' and the uid; the systemd driver writes '_' for '-', and a static pod's uid is the
# 32 hex digits of its manifest's hash.
_POD = re.compile(
    r"^(?:kubepods(?:-burstable|-besteffort)?-)?pod"
    r"(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$"
)
_UNIT = re.compile(r"^[^/]+\.service$")
# conmon is the monitor of CRI-O and Podman, outside the container though its scope bears the id
_MONITORS = frozenset({"crio-conmon", "libpod-conmon"})


def parse(data: bytes) -> Cgroup:
    """Return what the cgroup paths of ``data`` say; the innermost container wins.

    Handles cgroup v1, hybrid and v2, the cgroupfs and systemd drivers, nested nodes
    (``/kubelet/kubepods/...``) and paths relative to a private cgroup namespace
    (``/../../pod<uid>/...``).
    """
    best = Cgroup()
    for line in data.decode("utf-8", "replace").splitlines():
        # hierarchy-ID:controllers:path
        path = line.split(":", 2)[-1]
        found = _read_path(path)
        if _weight(found) > _weight(best):
            best = found
    return best


def _weight(cgroup: Cgroup) -> tuple[bool, bool, bool]:
    return (bool(cgroup.container_id), bool(cgroup.pod_uid), bool(cgroup.unit))


def _read_path(path: str) -> Cgroup:
    container_id = pod_uid = runtime = unit = ""
    # a cgroupfs path given to the systemd driver is SLICE:PREFIX:ID
    for part in re.split("[/:]", path):
        if container := _CONTAINER.match(part):
            if container["runtime"] not in _MONITORS:
                container_id, runtime = container["id"], container["runtime"] or ""
        elif pod := _POD.match(part):
            # a pod inside a container inside a pod: what was outside does not count
            pod_uid, container_id, runtime = pod["uid"].replace("_", "-"), "", ""
        elif _UNIT.match(part):
            unit = part
    if container_id or pod_uid:
        unit = ""
    return Cgroup(container_id, pod_uid, runtime, unit)
