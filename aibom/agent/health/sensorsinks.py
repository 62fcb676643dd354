"""The metrics of an agent's two ends: what it senses with, and where it sends things."""

from collections.abc import Callable

from aibom.agent.health.metric import Metric, Reading, Samples, counted, number
from aibom.agent.status import SensorStatus, SinkStatus, Status


def _sensors(of: Callable[[SensorStatus], int]) -> Callable[[Status], Samples]:
    return counted(lambda status: {sensor.name: of(sensor) for sensor in status.sensors})


def _sinks(of: Callable[[SinkStatus], int]) -> Callable[[Status], Samples]:
    return counted(lambda status: {sink.name: of(sink) for sink in status.sinks})


SENSORS_AND_SINKS: tuple[Reading, ...] = (
    Reading(
        Metric(
            "aibom_sensor_up",
            "gauge",
            "1 when a sensor sees at least some of what it is for, 0 when it sees nothing.",
            "0: `aibom doctor` says what it lacks.",
            ("sensor",),
        ),
        _sensors(lambda sensor: int(sensor.state != "down")),
    ),
    Reading(
        Metric(
            "aibom_sensor_degraded",
            "gauge",
            "1 when a sensor sees only some of what it is for, else 0.",
            "1 for long: the node summary says what it does not see.",
            ("sensor",),
        ),
        _sensors(lambda sensor: int(sensor.state == "degraded")),
    ),
    Reading(
        Metric("aibom_events_total", "counter", "Events that the kernel's sensors told of."),
        number(lambda status: status.events),
    ),
    Reading(
        Metric(
            "aibom_events_lost_total",
            "counter",
            "Times that events came faster than they could be read; a sweep follows each.",
            "It goes on growing: what lived only between two sweeps is not seen.",
        ),
        number(lambda status: status.events_lost),
    ),
    Reading(
        Metric("aibom_model_uses_total", "counter", "Uses of model files that events told of."),
        number(lambda status: status.uses),
    ),
    Reading(
        Metric(
            "aibom_model_uses_unattributed_total",
            "counter",
            "Those of them whose process ended too soon to be asked where it ran.",
            "A large part of all uses.",
        ),
        number(lambda status: status.unattributed),
    ),
    Reading(
        Metric(
            "aibom_sink_up",
            "gauge",
            "1 when the last attempt of a sink to send succeeded, else 0.",
            "0 for longer than its receiver is known to be away.",
            ("sink",),
        ),
        _sinks(lambda sink: int(not sink.failing)),
    ),
    Reading(
        Metric(
            "aibom_sink_delivered_total", "counter", "What a sink has delivered.", "", ("sink",)
        ),
        _sinks(lambda sink: sink.delivered),
    ),
    Reading(
        Metric(
            "aibom_sink_failed_total",
            "counter",
            "What a receiver refused for good; it is put aside and not sent again.",
            "It grows: the log says with which status.",
            ("sink",),
        ),
        _sinks(lambda sink: sink.failed),
    ),
    Reading(
        Metric(
            "aibom_sink_dropped_total",
            "counter",
            "What a sink gave up because its spool was full.",
            "It grows: the receiver never gets this; it is still in the output folder.",
            ("sink",),
        ),
        _sinks(lambda sink: sink.dropped),
    ),
    Reading(
        Metric("aibom_sink_waiting", "gauge", "What waits in a sink's spool.", "", ("sink",)),
        _sinks(lambda sink: sink.waiting),
    ),
    Reading(
        Metric(
            "aibom_sink_waiting_bytes",
            "gauge",
            "The size of what waits in a sink's spool.",
            "It nears `sinks.spool_bytes`: after that, the oldest is dropped.",
            ("sink",),
        ),
        _sinks(lambda sink: sink.waiting_bytes),
    ),
    Reading(
        Metric(
            "aibom_sink_oldest_seconds",
            "gauge",
            "The age of the oldest in a sink's spool; 0 when nothing waits.",
            "More than an hour.",
            ("sink",),
        ),
        _sinks(lambda sink: round(sink.oldest)),
    ),
)
