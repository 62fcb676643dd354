"""The event sensors of this machine: opened as far as they work here, each with its word on why."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.overlays import OverlayEvents
from aibom.observe.events.processes import ProcessEvents
from aibom.observe.events.selftest import require_handles, scratch_folder, self_test
from aibom.types.unseen import Unseen

_T = TypeVar("_T")

PROCESS_EVENTS = "process events"
FILE_EVENTS = "file events"
IN_CONTAINERS = "file events in containers"
#: The network namespace whose process connector the kernel serves. Process 2 is kthreadd, the
#: parent of the kernel's own threads, and never leaves it; process 1 may be out of reach.
_HOSTS_NETWORK = "{procfs}/2/ns/net"
_ENTER = (
    "in a pod hostPID: true, and either hostNetwork: true or CAP_SYS_ADMIN and CAP_SYS_PTRACE;"
    " before Linux 6.6 CAP_NET_ADMIN too"
)


@dataclass(slots=True)
class Sensors:
    """What events are to be had. ``state`` says of each sensor in words how far it sees."""

    files: FileEvents | None = None
    overlays: OverlayEvents | None = None
    processes: ProcessEvents | None = None
    unseen: list[Unseen] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Remove every mark and subscription. May be called again."""
        for sensor in (self.files, self.overlays, self.processes):
            if sensor is not None:
                sensor.close()


def open_sensors(procfs: str, wanted: Callable[[bytes], bool]) -> Sensors:
    """Open what works here.

    ``wanted`` judges files by their paths, for kernels on which each overlay is watched by itself.
    """
    sensors = Sensors()
    sensors.processes = _opened(
        sensors, PROCESS_EVENTS, lambda: _process_events(procfs), "forks, execs and exits"
    )
    sensors.files = _opened(
        sensors, FILE_EVENTS, _file_events, "opens, writes, creations and renames"
    )
    if sensors.files is not None:
        _try_overlays(sensors, wanted)
    return sensors


def _try_overlays(sensors: Sensors, wanted: Callable[[bytes], bool]) -> None:
    """Find out how the opens of containers are told of here, and say so."""
    try:
        # what the kernel tells does not depend on the file system: the temporary folder will do
        way = self_test(scratch_folder())
    except SensorError as error:
        # most kernels in use tell of them; what is not known is said
        sensors.unseen.append(Unseen("sensor", IN_CONTAINERS, error.detail, error.remedy))
        sensors.state[IN_CONTAINERS] = f"not tested: {error.detail}"
        return
    if way == "filesystem":
        sensors.state[IN_CONTAINERS] = "by the file system that holds the layers"
        return
    sensors.overlays = _opened(
        sensors, IN_CONTAINERS, lambda: OverlayEvents(wanted), "by each overlay; no creations"
    )


def _file_events() -> FileEvents:
    require_handles(scratch_folder())
    return FileEvents()


def _process_events(procfs: str) -> ProcessEvents:
    try:
        return ProcessEvents()
    except SensorError as error:
        if error.errno != errno.ECONNREFUSED:
            raise
        elsewhere = error.detail
    try:
        return ProcessEvents(_HOSTS_NETWORK.format(procfs=procfs))
    except OSError as error:
        detail = f"{elsewhere}, which cannot be entered: {error.strerror}"
        raise SensorError(error.errno or errno.EIO, detail, _ENTER) from None


def _opened(sensors: Sensors, name: str, make: Callable[[], _T], seen: str) -> _T | None:
    try:
        made = make()
    except OSError as error:
        detail = error.detail if isinstance(error, SensorError) else str(error)
        remedy = error.remedy if isinstance(error, SensorError) else ""
        sensors.unseen.append(Unseen("sensor", name, detail, remedy))
        sensors.state[name] = f"blind: {detail}"
        return None
    sensors.state[name] = seen
    return made
