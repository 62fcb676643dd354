"""The event sensors of this machine: opened as far as they work here, each with its word on why."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.processes import ProcessEvents
from aibom.observe.events.selftest import self_test
from aibom.types.facts import Unseen

_T = TypeVar("_T")

#: The network namespace whose process connector the kernel serves: that of the first process.
_HOSTS_NETWORK = "{procfs}/1/ns/net"


@dataclass(slots=True)
class Sensors:
    """What events are to be had. ``state`` says of each sensor in words how far it sees."""

    files: FileEvents | None = None
    processes: ProcessEvents | None = None
    unseen: list[Unseen] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Remove every mark and subscription. May be called again."""
        for sensor in (self.files, self.processes):
            if sensor is not None:
                sensor.close()


def open_sensors(procfs: str, layers: str) -> Sensors:
    """Open what works here; ``layers`` is a folder on the file system that is tried first."""
    sensors = Sensors()
    sensors.processes = _opened(
        sensors, "process events", lambda: _process_events(procfs), "forks, execs and exits"
    )
    sensors.files = _opened(
        sensors, "file events", FileEvents, "opens, writes, creations and renames"
    )
    if sensors.files is not None:
        try:
            way = self_test(layers)
        except SensorError as error:
            sensors.unseen.append(
                Unseen("sensor", "file events in containers", error.detail, error.remedy)
            )
        else:
            if way == "overlay":
                detail = "this kernel does not tell of files that are opened through an overlay"
                remedy = "Linux 6.5 or newer; sweeps see what stays mapped or open"
                sensors.unseen.append(Unseen("sensor", "file events in containers", detail, remedy))
    return sensors


def _process_events(procfs: str) -> ProcessEvents:
    try:
        return ProcessEvents()
    except SensorError:
        return ProcessEvents(_HOSTS_NETWORK.format(procfs=procfs))


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
