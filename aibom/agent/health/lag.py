"""How long it takes from a load to its finding on disk."""

import math
from bisect import bisect_left
from itertools import accumulate
from threading import Lock

from prometheus_client.core import HistogramMetricFamily

from aibom.agent.health.metric import Metric

#: Upper bounds in seconds; 1 and 3 are what the median and the 99th percentile are held to.
BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)

LAG = Metric(
    "aibom_lag_seconds",
    "histogram",
    "Time from a new load to its finding on disk.",
    "The 99th percentile stays above 3: the agent has too little CPU, or the disk is slow.",
)


class Lag:
    """A histogram of lags; any thread may observe and read."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = Lock()
        self._counts = [0] * (len(BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Take one lag. A clock that was set back makes none negative; NaN is left out."""
        if math.isnan(seconds):
            return
        with self._lock:
            self._counts[bisect_left(BUCKETS, seconds)] += 1
            self._sum += max(0.0, seconds)

    def family(self) -> HistogramMetricFamily:
        """Return the histogram as it is now."""
        with self._lock:
            totals, total = list(accumulate(self._counts)), self._sum
        bounds = (*(str(bound) for bound in BUCKETS), "+Inf")
        buckets = list(zip(bounds, map(float, totals), strict=True))
        return HistogramMetricFamily(LAG.name, LAG.meaning, buckets=buckets, sum_value=total)
