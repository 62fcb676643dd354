from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_plain

from aibom.agent.health.answers import exposed
from aibom.agent.health.lag import Lag
from aibom.agent.health.metric import MAX_VALUES
from aibom.agent.health.metrics import ALL, Metrics, families
from aibom.agent.status import SensorStatus, Status
from tests.agent.health.statuses import BUSY, FRESH


def samples(status: Status, age: float = 1.0) -> dict[tuple[str, ...], float]:
    """Return what is told, as {(name, label value ...): value}."""
    return {
        (s.name, *s.labels.values()): s.value
        for family in families(status, age)
        for s in family.samples
    }


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        (("aibom_build_info", "1.2.3", "node-1"), 1),
        (("aibom_ready",), 1),
        (("aibom_round_age_seconds",), 1),
        (("aibom_last_sweep_timestamp_seconds",), 1_700_000_100),
        (("aibom_workloads", "pod"), 3),
        (("aibom_workloads", "container"), 0),
        (("aibom_components", "model"), 2),
        (("aibom_services", "mcp-server"), 1),
        (("aibom_findings", "AIBOM-101", "high"), 2),
        (("aibom_unseen", "denied"), 4),
        (("aibom_unseen", "vanished"), 0),
        (("aibom_sensor_up", "sweep"), 1),
        (("aibom_sensor_up", "file events"), 1),
        (("aibom_sensor_up", "process events"), 0),
        (("aibom_sensor_degraded", "sweep"), 0),
        (("aibom_sensor_degraded", "file events"), 1),
        (("aibom_sensor_degraded", "process events"), 0),
        (("aibom_events_total",), 10),
        (("aibom_events_lost_total",), 1),
        (("aibom_sink_up", "webhook"), 0),
        (("aibom_sink_up", "stdout"), 1),
        (("aibom_sink_delivered_total", "webhook"), 5),
        (("aibom_sink_failed_total", "webhook"), 2),
        (("aibom_sink_dropped_total", "webhook"), 1),
        (("aibom_sink_waiting", "webhook"), 3),
        (("aibom_sink_waiting_bytes", "webhook"), 400),
        (("aibom_sink_oldest_seconds", "webhook"), 61),
        (("aibom_failures_total", "state"), 1),
        (("aibom_hashing_waiting_bytes",), 800),
    ],
)
def test_a_status_says_it(sample: tuple[str, ...], value: float) -> None:
    assert samples(BUSY)[sample] == value


def test_a_fresh_agent_has_no_sweep_to_date() -> None:
    found = samples(FRESH)
    assert ("aibom_last_sweep_timestamp_seconds",) not in found
    assert found["aibom_ready",] == 0


def test_what_failed_is_told() -> None:
    found = samples(replace(BUSY, config_error="a", state_error="b", output_error="c"))
    assert found["aibom_config_last_reload_successful",] == 0
    assert found["aibom_state_up",] == 0
    assert found["aibom_output_up",] == 0


#: What is no metric: texts, a start that the process has as well, a lag that is in the histogram.
NOT_TOLD = {"started", "config_error", "state_error", "output_error", "lag", "round_at"}


@pytest.mark.parametrize("field", [f.name for f in fields(Status) if f.name not in NOT_TOLD])
def test_every_field_is_told(field: str) -> None:
    other = BUSY if getattr(FRESH, field) != getattr(BUSY, field) else None
    changed = (
        getattr(other, field)
        if other is not None
        else f"other {field}"
        if isinstance(getattr(FRESH, field), str)
        else not getattr(FRESH, field)
    )
    assert samples(replace(FRESH, **{field: changed})) != samples(FRESH)


def test_what_a_workload_might_choose_is_no_label() -> None:
    hostile = {'x"} 1\nevil 2': 3, "../../etc": 2, "Ünicode": 1, "": 1}
    found = samples(replace(FRESH, failures=hostile, services=hostile))
    assert found["aibom_failures_total", "other"] == 7
    assert found["aibom_services", "other"] == 7
    odd = {("AIBOM-101", "grave"): 1, ("x", "high"): 1, ("AIBOM-1\n", "low"): 1}
    assert not [s for s in samples(replace(FRESH, findings=odd)) if s[0] == "aibom_findings"]


def test_labels_have_few_values() -> None:
    many = {f"part {n:04}": 1 for n in range(5_000)}
    found = [s for s in samples(replace(FRESH, failures=many)) if s[0] == "aibom_failures_total"]
    assert len(found) == MAX_VALUES + 1
    sensors = tuple(SensorStatus(f"sensor {n:04}", "up") for n in range(5_000))
    assert len(samples(replace(FRESH, sensors=sensors))) < 200


def test_everything_told_is_in_the_catalogue() -> None:
    told = {}
    for family in Metrics(lambda: BUSY).collect():
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = {tuple(k for k in s.labels if k != "le") for s in family.samples}
        told[name] = (family.type, labels)
    assert set(told) == {metric.name for metric in ALL}
    for metric in ALL:
        type_, labels = told[metric.name]
        assert type_ == metric.type
        assert labels == {metric.labels}


def test_names_are_as_the_linter_of_prometheus_wants_them() -> None:
    for metric in ALL:
        assert metric.name.endswith("_total") == (metric.type == "counter"), metric.name
        assert not metric.name.endswith(("_count", "_sum", "_bucket")), metric.name
        assert metric.meaning.endswith("."), metric.name


def test_both_formats_are_read_by_the_libraries_own_parsers() -> None:
    registry = Metrics(lambda: BUSY).registry
    plain, _ = exposed(registry, "")
    assert {f.name for f in read_plain(plain.decode())}
    assert {f.name for f in read_open(openmetrics(registry).decode())}


texts = st.text(max_size=40)
counts = st.dictionaries(texts, st.integers(0, 2**62), max_size=40)


@given(
    node=texts,
    failures=counts,
    services=counts,
    findings=st.dictionaries(st.tuples(texts, texts), st.integers(0, 9), max_size=5),
    sensors=st.lists(st.builds(SensorStatus, texts, st.just("up")), max_size=5).map(tuple),
)
def test_any_status_makes_readable_metrics(node, failures, services, findings, sensors) -> None:
    status = Status(
        "1", node, 0.0, failures=failures, services=services, findings=findings, sensors=sensors
    )
    metrics = Metrics(lambda: status)
    for accept in ("", "application/openmetrics-text; version=1.0.0"):
        body, _ = exposed(metrics.registry, accept)
        text = body.decode()
        assert text.count("\naibom_build_info{") == 1
        assert not [n for n in text if n == "\r"] or "\r" in node


def test_the_lag_is_a_histogram() -> None:
    lag = Lag()
    for seconds in (0.05, 0.1, 0.7, 29.0, 31.0, -5.0, float("nan")):
        lag.observe(seconds)
    found = {s.labels.get("le", s.name): s.value for s in lag.family().samples}
    assert found["0.1"] == 3
    assert found["0.5"] == 3
    assert found["1.0"] == 4
    assert found["30.0"] == 5
    assert found["+Inf"] == found["aibom_lag_seconds_count"] == 6
    assert found["aibom_lag_seconds_sum"] == pytest.approx(60.85)
