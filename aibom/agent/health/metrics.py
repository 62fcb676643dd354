"""The metrics of an agent, made of its newest status at each scrape."""

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from aibom.agent.health.answers import round_age
from aibom.agent.health.catalogue import BUILD, FINDINGS, READINGS, ROUND_AGE, SWEPT, findings
from aibom.agent.health.lag import LAG, Lag
from aibom.agent.health.metric import Metric, Samples
from aibom.agent.health.own import OWN, Own
from aibom.agent.status import Status

#: Every metric that there is, in the order in which they are told.
ALL: tuple[Metric, ...] = (
    BUILD,
    ROUND_AGE,
    SWEPT,
    FINDINGS,
    *(reading.metric for reading in READINGS),
    LAG,
    *OWN,
)


def families(status: Status, age: float) -> Iterator[Family]:
    """Yield what a status says as metrics; ``age`` is that of the last round in seconds."""
    yield InfoMetricFamily(
        BUILD.name.removesuffix("_info"),
        BUILD.meaning,
        value={"version": status.version, "node": status.node},
    )
    yield GaugeMetricFamily(ROUND_AGE.name, ROUND_AGE.meaning, value=age)
    if status.sweep_at > 0:
        yield GaugeMetricFamily(SWEPT.name, SWEPT.meaning, value=status.sweep_at)
    found = ((labels, float(count)) for labels, count in findings(status).items())
    yield _family(FINDINGS, found)
    for reading in READINGS:
        yield _family(reading.metric, reading.read(status))


def _family(metric: Metric, samples: Samples) -> Family:
    kind = CounterMetricFamily if metric.type == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(list(labels), value)
    return family


class Metrics(Collector):
    """Collects the newest status, the lag, and what the process costs.

    Nothing is kept twice: each scrape reads ``status`` anew. Any thread may scrape.
    """

    def __init__(
        self,
        status: Callable[[], Status],
        lag: Lag | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where the newest status is had; ``clock`` is the one of its ``round_at``."""
        self.lag = lag or Lag()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        self._status = status
        self._clock = clock
        self._began = clock()
        self._own = Own()

    def describe(self) -> Iterable[Family]:
        """Return nothing: what is collected is never registered twice."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Yield everything as it is now."""
        status = self._status()
        yield from families(status, round_age(status, self._began, self._clock()))
        yield self.lag.family()
        yield from self._own.collect()
