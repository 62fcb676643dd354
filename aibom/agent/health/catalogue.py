"""Every metric of an agent.

Names follow Prometheus (https://prometheus.io/docs/practices/naming/). Where OpenTelemetry's
semantic conventions have one that Prometheus' linter allows (``process.disk.io``), it is that one
as its exporters write it. No label's value is chosen by a workload: there is never a pod, a path or
a model in one.
"""

from typing import get_args

from aibom.agent.health.metric import Metric, Reading, counted, number
from aibom.agent.health.sensorsinks import SENSORS_AND_SINKS
from aibom.agent.status import Status
from aibom.types.findings import SEVERITIES
from aibom.types.inventory import ComponentKind, WorkloadKind
from aibom.types.unseen import UnseenReason

BUILD = Metric(
    "aibom_build_info",
    "info",
    "The agent's version and its node; always 1.",
    "",
    ("version", "node"),
)
ROUND_AGE = Metric(
    "aibom_round_age_seconds",
    "gauge",
    "Time since the agent's loop last went round.",
    "Above 60: the loop hangs, and `/healthz` says so.",
)
FINDINGS = Metric(
    "aibom_findings",
    "gauge",
    "Findings that are open now, by the finding's id and its severity.",
    "`high` or `critical` appears.",
    ("id", "severity"),
)
SWEPT = Metric(
    "aibom_last_sweep_timestamp_seconds",
    "gauge",
    "When everything was last looked at, in seconds since the epoch.",
    "More than half an hour ago: it is done every ten minutes.",
)


def findings(status: Status) -> dict[tuple[str, str], int]:
    """Return the open findings by (id, severity), each of which is one of ours."""
    return {
        (id_, severity): count
        for (id_, severity), count in sorted(status.findings.items())
        if severity in SEVERITIES and id_.startswith("AIBOM-") and id_[6:].isdecimal()
    }


#: What is read from a status alone, in the order in which it is told.
READINGS: tuple[Reading, ...] = (
    Reading(
        Metric(
            "aibom_ready",
            "gauge",
            "1 once a first sweep was published, else 0.",
            "0 for more than some minutes after a start.",
        ),
        number(lambda s: s.ready),
    ),
    Reading(
        Metric(
            "aibom_config_last_reload_successful",
            "gauge",
            "1 when the configuration that was last read is the one in use, 0 when it was refused.",
            "0: the old configuration is in use; the log says what is wrong with the new one.",
        ),
        number(lambda s: s.config_ok),
    ),
    Reading(
        Metric(
            "aibom_state_up",
            "gauge",
            "1 when the state can be kept on disk, else 0.",
            "0: after a restart, findings may be told again.",
        ),
        number(lambda s: s.state_ok),
    ),
    Reading(
        Metric(
            "aibom_output_up",
            "gauge",
            "1 when BOMs and findings can be written, else 0.",
            "0: nothing new reaches the output folder.",
        ),
        number(lambda s: s.output_ok),
    ),
    Reading(
        Metric("aibom_workloads", "gauge", "Workloads that are reported now.", "", ("kind",)),
        counted(lambda s: s.workloads, get_args(WorkloadKind)),
    ),
    Reading(
        Metric("aibom_components", "gauge", "Components of all workloads.", "", ("kind",)),
        counted(lambda s: s.components, get_args(ComponentKind)),
    ),
    Reading(
        Metric(
            "aibom_services",
            "gauge",
            "Servers and destinations of all workloads.",
            "",
            ("role",),
        ),
        counted(lambda s: s.services),
    ),
    Reading(
        Metric(
            "aibom_unseen",
            "gauge",
            "What could not be seen, by reason (see the BOMs and `aibom doctor`).",
            "`denied` or `sensor`: the agent lacks a right; others when they grow.",
            ("reason",),
        ),
        counted(lambda s: s.unseen, get_args(UnseenReason)),
    ),
    *SENSORS_AND_SINKS,
    Reading(
        Metric(
            "aibom_failures_total",
            "counter",
            "What went wrong and was contained, by part of the agent.",
            "It grows: the log says what failed.",
            ("part",),
        ),
        counted(lambda s: s.failures),
    ),
    Reading(
        Metric("aibom_processes", "gauge", "Processes of the node that are followed."),
        number(lambda s: s.processes),
    ),
    Reading(
        Metric("aibom_sweeps_total", "counter", "Times that everything was looked at."),
        number(lambda s: s.sweeps),
    ),
    Reading(
        Metric("aibom_boms_written_total", "counter", "BOMs written to the output folder."),
        number(lambda s: s.boms_written),
    ),
    Reading(
        Metric(
            "aibom_findings_written_total",
            "counter",
            "New findings written to `findings.jsonl`.",
            "It grows fast: something new is loaded everywhere, or a declaration went missing.",
        ),
        number(lambda s: s.findings_written),
    ),
    Reading(
        Metric("aibom_hashed_files_total", "counter", "Files that were hashed."),
        number(lambda s: s.hashed_files),
    ),
    Reading(
        Metric("aibom_hashed_bytes_total", "counter", "Bytes that were hashed."),
        number(lambda s: s.hashed_bytes),
    ),
    Reading(
        Metric(
            "aibom_hashing_waiting_files",
            "gauge",
            "Files that wait to be hashed, at idle priority.",
        ),
        number(lambda s: s.hashing_files),
    ),
    Reading(
        Metric(
            "aibom_hashing_waiting_bytes",
            "gauge",
            "The size of what waits to be hashed.",
            "It does not shrink for hours: the disk is never idle.",
        ),
        number(lambda s: s.hashing_bytes),
    ),
)
