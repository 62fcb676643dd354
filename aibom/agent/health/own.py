"""What the agent itself costs: CPU, memory, descriptors, threads, and bytes read."""

import os
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.process_collector import ProcessCollector

from aibom.agent.health.metric import Metric

#: This process, whatever process namespace it runs in: the aim of the link is found by the kernel.
_SELF = "/proc/self"
#: OpenTelemetry, semantic conventions for process metrics: attribute ``disk.io.direction``.
_DIRECTION = "disk_io_direction"

#: What prometheus-client's own collector tells, so that it is known here.
STANDARD: tuple[Metric, ...] = (
    Metric(
        "process_cpu_seconds_total",
        "counter",
        "CPU time of the agent.",
        "Its rate stays above 0.05 while nothing happens on the node.",
    ),
    Metric(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory of the agent.",
        "It nears the container's limit, or grows for days.",
    ),
    Metric("process_virtual_memory_bytes", "gauge", "Virtual memory of the agent."),
    Metric("process_start_time_seconds", "gauge", "When the agent began, since the epoch."),
    Metric(
        "process_open_fds",
        "gauge",
        "Open file descriptors of the agent.",
        "It grows for days, or nears `process_max_fds`.",
    ),
    Metric("process_max_fds", "gauge", "Most file descriptors that the agent may open."),
)
THREADS = Metric("process_threads", "gauge", "Threads of the agent.", "It grows for days.")
DISK = Metric(
    "process_disk_io_bytes_total",
    "counter",
    "Bytes that the agent made the disk read and write.",
    "Reading goes on at a high rate while `aibom_hashing_waiting_bytes` is 0.",
    (_DIRECTION,),
)
READ = Metric(
    "aibom_read_bytes_total",
    "counter",
    "Bytes that the agent read, from the page cache and /proc as well as from the disk.",
)
OWN: tuple[Metric, ...] = (*STANDARD, THREADS, DISK, READ)


class Own:
    """Reads what the agent costs, at each scrape."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._standard = ProcessCollector(registry=None)

    def collect(self) -> Iterator[Family]:
        """Yield what can be read. What the kernel denies is left out."""
        with suppress(OSError, ValueError):
            yield from self._standard.collect()
        with suppress(OSError):
            threads = float(len(os.listdir(f"{_SELF}/task")))
            yield GaugeMetricFamily(THREADS.name, THREADS.meaning, value=threads)
        with suppress(OSError, ValueError, KeyError):
            yield from _io()


def _io() -> Iterator[Family]:
    """Read proc_pid_io(5): ``rchar`` counts what was read, ``*_bytes`` what reached the disk."""
    with open(f"{_SELF}/io", encoding="ascii") as file:
        counts = {name: float(value) for name, _, value in (x.partition(":") for x in file)}
    yield CounterMetricFamily(READ.name, READ.meaning, value=counts["rchar"])
    disk = CounterMetricFamily(DISK.name, DISK.meaning, labels=DISK.labels)
    disk.add_metric(["read"], counts["read_bytes"])
    disk.add_metric(["write"], counts["write_bytes"])
    yield disk
