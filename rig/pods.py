"""What a pod consists of, and the CRI messages that a kubelet would make of it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rig.errors import RigError
from rig.wire import Message, string_map

POD_UID = "io.kubernetes.pod.uid"
"""The label that names a pod."""

HostNamespace = Literal["network", "pid"]
"""A namespace that a pod may share with the machine, as ``hostNetwork`` and ``hostPID`` ask."""

_CONTAINER, _NODE, _POD = 1, 2, 0  # NamespaceMode
_RUNTIME_DEFAULT: Message = {}  # SecurityProfile: type 0
_UNCONFINED: Message = {1: 1}
_LOCALHOST = 2
# what a kubelet asks to be hidden and kept from being written to (pkg/securitycontext, procMount)
_MASKED = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
_READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_RESOURCES: Message = {1: 100_000, 3: 102, 5: 900}  # cpu period, cpu shares, oom score


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the machine, bind-mounted into a container."""

    host: Path
    container: str
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a pod. ``kind`` as kubelet writes it in paths: empty-dir, configmap, csi ...

    ``files`` are put into it before the containers start.
    """

    name: str
    kind: str = "empty-dir"
    files: Mapping[str, bytes | Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Security:
    """What a container may do: all capabilities are dropped and these added, as ``SYS_PTRACE``.

    ``seccomp`` is the runtime's default filter when it is on, none when it is off, or a file with
    a profile. ``user`` is the number of the user that it runs as.
    """

    capabilities: Sequence[str] = ()
    seccomp: bool | Path = True
    user: int = 0
    readonly_root: bool = True


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod. ``volumes`` maps a volume's name to its path in the container.

    Without ``argv`` the image's own command runs; without ``security`` it may do what the runtime
    allows everybody.
    """

    name: str
    image: str
    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    security: Security | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A container that was started: its id, its first process's pid here, its log file."""

    name: str
    id: str
    pid: int
    log: Path

    def output(self) -> str:
        """Return what the container wrote to stdout and stderr so far."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        # a line of CRI's log is: time, stream, F(ull) or P(artial), then what was written
        fields = [line.split(" ", 3) for line in text.splitlines()]
        return "".join(part[3] + "\n" * (part[2] == "F") for part in fields if len(part) == 4)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that runs. ``folder`` is its own below kubelet's, named by its uid."""

    name: str
    namespace: str
    uid: str
    sandbox: str
    containers: tuple[Running, ...]
    folder: Path

    @property
    def pid(self) -> int:
        """The pid, on this machine, of the first container's first process."""
        return self.containers[0].pid

    def container(self, name: str) -> Running:
        """Return the container ``name``."""
        return next(container for container in self.containers if container.name == name)


@dataclass(frozen=True, slots=True)
class Plan:
    """A pod that is to run: who it is and where kubelet would keep its things."""

    name: str
    namespace: str
    uid: str
    folder: Path
    logs: Path
    volumes: tuple[Volume, ...]
    host: frozenset[HostNamespace]

    @property
    def cgroup(self) -> str:
        """The pod's control group, in the form of kubelet's cgroupfs driver."""
        return f"/kubepods/burstable/pod{self.uid}"

    def prepare(self, containers: Sequence[Container]) -> None:
        """Make the pod's folders, with the content of its volumes."""
        for container in containers:
            (self.logs / container.name).mkdir(parents=True)
        for volume in self.volumes:
            folder = self.volume(volume.name)
            folder.mkdir(parents=True)
            for path, content in volume.files.items():
                _put(folder / path, content)

    def volume(self, name: str) -> Path:
        """Return the folder of the volume ``name``."""
        for volume in self.volumes:
            if volume.name == name:
                return self.folder / "volumes" / f"kubernetes.io~{volume.kind}" / name
        raise RigError(
            f"pod {self.namespace}/{self.name} has no volume {name!r}: pass it to run_pod"
        )

    def sandbox_message(self) -> Message:
        """Return the PodSandboxConfig."""
        security: Message = {1: self._namespaces(), 9: _RUNTIME_DEFAULT}
        return {
            1: {1: self.name, 2: self.uid, 3: self.namespace},
            2: None if "network" in self.host else self.name,
            3: str(self.logs),
            6: string_map(self._labels() | {"app": self.name}),
            7: string_map({"kubernetes.io/config.source": "api"}),
            8: {1: self.cgroup, 2: security},
        }

    def container_message(self, container: Container) -> Message:
        """Return the ContainerConfig of ``container``."""
        mounts = [*container.mounts, *self._volume_mounts(container)]
        return {
            1: {1: container.name},
            2: {1: container.image},
            3: list(container.argv),
            6: string_map(container.env),
            7: [{1: m.container, 2: str(m.host), 3: m.readonly} for m in mounts],
            9: string_map(self._labels() | {"io.kubernetes.container.name": container.name}),
            10: string_map({"io.kubernetes.container.restartCount": "0"}),
            11: f"{container.name}/0.log",
            15: {1: _RESOURCES, 2: self._security(container.security)},
        }

    def _security(self, wanted: Security | None) -> Message:
        """Return the LinuxContainerSecurityContext."""
        if wanted is None:
            return {3: self._namespaces(), 15: _RUNTIME_DEFAULT}
        return {
            1: {1: list(wanted.capabilities), 2: ["ALL"]},
            3: self._namespaces(),
            5: {1: wanted.user},
            7: wanted.readonly_root,
            11: True,  # no_new_privs, which allowPrivilegeEscalation: false asks for
            13: list(_MASKED),
            14: list(_READONLY),
            15: _seccomp(wanted.seccomp),
        }

    def log_of(self, container: Container) -> Path:
        """Return the file that ``container_message`` names as the log."""
        return self.logs / container.name / "0.log"

    def _volume_mounts(self, container: Container) -> list[Mount]:
        return [Mount(self.volume(name), path) for name, path in container.volumes.items()]

    def _namespaces(self) -> Message:
        shared = _NODE if "network" in self.host else _POD
        return {1: shared, 2: _NODE if "pid" in self.host else _CONTAINER, 3: shared}

    def _labels(self) -> dict[str, str]:
        return {
            "io.kubernetes.pod.name": self.name,
            "io.kubernetes.pod.namespace": self.namespace,
            POD_UID: self.uid,
        }


def _seccomp(wanted: bool | Path) -> Message:
    """Return the SecurityProfile."""
    if isinstance(wanted, Path):
        return {1: _LOCALHOST, 2: f"localhost/{wanted}"}
    return _RUNTIME_DEFAULT if wanted else _UNCONFINED


def _put(target: Path, content: bytes | Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        target.write_bytes(content)
    elif content.is_dir():
        shutil.copytree(content, target, symlinks=True)
    else:
        shutil.copyfile(content, target)
