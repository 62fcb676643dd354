"""How an agent is: what metrics, health checks and the node summary say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Of a sensor: it sees everything it is for, some of it, or nothing.
SensorState = Literal["up", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class SensorStatus:
    """One sensor.

    ``detail`` says what it watches with, or why it is not up; ``remedy`` what helps.
    """

    name: str
    state: SensorState
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """One sink: what it sent and lost since the agent started, and what waits for it.

    ``waiting`` counts what is spooled, ``waiting_bytes`` its size, ``oldest`` the age of the oldest
    in seconds. ``failing`` says why the last attempt failed; empty when it did not.
    """

    name: str
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    oldest: float = 0.0
    failing: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """An agent at one moment; the loop makes a new one every round.

    Times are seconds since the epoch, ages and lags seconds. ``ready`` is true once a first sweep
    was published. ``round_at`` is when the loop last went round, by the monotonic clock, and tells
    a hung agent from an idle one; ``sweep_at`` when everything was last looked at.

    ``workloads`` counts by kind, ``components`` by kind, ``services`` by role, ``findings`` that
    are open now by (id, severity), ``unseen`` by reason. ``failures`` counts what went wrong and
    was contained, by part: an exception in a sensor, a workload, the state, a file that could not
    be written. ``hashing_files`` and ``hashing_bytes`` wait to be hashed.
    """

    version: str
    node: str
    started: float
    ready: bool = False
    round_at: float = 0.0
    sweep_at: float = 0.0
    config_error: str = ""
    state_error: str = ""
    output_error: str = ""
    workloads: Mapping[str, int] = field(default_factory=dict)
    components: Mapping[str, int] = field(default_factory=dict)
    services: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unseen: Mapping[str, int] = field(default_factory=dict)
    sensors: tuple[SensorStatus, ...] = ()
    sinks: tuple[SinkStatus, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    events: int = 0
    events_lost: int = 0
    uses: int = 0
    unattributed: int = 0
    processes: int = 0
    sweeps: int = 0
    boms_written: int = 0
    findings_written: int = 0
    hashed_files: int = 0
    hashed_bytes: int = 0
    hashing_files: int = 0
    hashing_bytes: int = 0

    @property
    def config_ok(self) -> bool:
        """Whether the configuration that is there is the one that is used."""
        return not self.config_error

    @property
    def state_ok(self) -> bool:
        """Whether the state remembers what it should."""
        return not self.state_error

    @property
    def output_ok(self) -> bool:
        """Whether everything could be written."""
        return not self.output_error
