"""The table of docs/metrics.md, made from the metrics themselves."""

import re
from pathlib import Path

from aibom.agent.health.metric import Metric
from aibom.agent.health.metrics import ALL

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
_TABLE = re.compile(r"(<!-- metrics -->\n).*?(<!-- /metrics -->)", re.DOTALL)


def current(text: str) -> str:
    """Return the page with the table as it should be now."""
    lines = ["| metric | type | labels | meaning | when to worry |", "|---|---|---|---|---|"]
    lines += map(_row, ALL)
    return _TABLE.sub(lambda m: m[1] + "\n".join(lines) + "\n" + m[2], text)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    cells = (f"`{metric.name}`", metric.type, labels, metric.meaning, metric.worry)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")
