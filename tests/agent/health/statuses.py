"""Statuses to test with."""

from aibom.agent.status import SensorStatus, SinkStatus, Status

BUSY = Status(
    version="1.2.3",
    node="node-1",
    started=1_700_000_000.0,
    ready=True,
    round_at=100.0,
    sweep_at=1_700_000_100.0,
    workloads={"pod": 3},
    components={"model": 2, "adapter": 1},
    services={"mcp-server": 1},
    findings={("AIBOM-101", "high"): 2},
    unseen={"denied": 4},
    sensors=(
        SensorStatus("sweep", "up"),
        SensorStatus("file events", "degraded", "at one place not"),
        SensorStatus("process events", "down", "no right", "CAP_NET_ADMIN"),
    ),
    sinks=(SinkStatus("webhook", 5, 2, 1, 3, 400, 61.4, "refused"), SinkStatus("stdout", 9)),
    failures={"state": 1},
    events=10,
    events_lost=1,
    uses=7,
    unattributed=2,
    processes=20,
    sweeps=2,
    boms_written=3,
    findings_written=4,
    hashed_files=5,
    hashed_bytes=600,
    hashing_files=7,
    hashing_bytes=800,
)
FRESH = Status(version="1.2.3", node="node-1", started=1_700_000_000.0)
