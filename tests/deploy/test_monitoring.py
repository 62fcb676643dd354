"""The dashboard and the alerts, held against the metrics that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from aibom.agent.health.metric import Metric
from aibom.agent.health.metrics import ALL
from tests.agent.health import documented

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "aibom.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "aibom-rules.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

#: What every scrape adds, and what a join copies.
SCRAPED = {"job", "instance"}
KEYWORDS = {"and", "or", "unless", "on", "by", "without", "group_left", "vector"}
_NAME = re.compile(r"(?<![\w$])(?:aibom|process)_\w+|(?<![\w$])up\b")
_MATCHERS = re.compile(r"(\w+)\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|on|without|group_left)\s*\(([^)]*)\)")


def series() -> dict[str, Metric]:
    """Return each metric by the names of its series."""
    found = {}
    for metric in ALL:
        ends = ("_bucket", "_sum", "_count") if metric.type == "histogram" else ("",)
        found |= {metric.name + end: metric for end in ends}
    return found


def labels_of(name: str) -> set[str]:
    if name == "up":
        return SCRAPED
    return {*series()[name].labels, *SCRAPED, *({"le"} if name.endswith("_bucket") else ())}


def expressions() -> list[tuple[str, str]]:
    found = [(p["title"], t["expr"]) for p in PANELS for t in p["targets"]]
    return found + [(a["alert"], a["expr"]) for a in ALERTS]


@pytest.mark.parametrize(("where", "expr"), expressions())
def test_an_expression_names_what_there_is(where: str, expr: str) -> None:
    names = set(_NAME.findall(expr))
    assert names, where
    assert names <= {*series(), "up"}
    for name, matchers in _MATCHERS.findall(expr):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= labels_of(name)
    known = set().union(*map(labels_of, names))
    for group in _GROUPING.findall(expr):
        assert {label.strip() for label in group.split(",")} <= known
    assert expr.count("(") == expr.count(")")


@pytest.mark.parametrize(("where", "expr"), expressions())
def test_a_rate_is_taken_of_counters_only(where: str, expr: str) -> None:
    rated = set(re.findall(r"(?:rate|increase)\((\w+)", expr))
    for name in _NAME.findall(expr):
        if name == "up":
            continue
        counts = series()[name].type in ("counter", "histogram")
        assert counts == (name in rated), f"{where}: {name}"


def test_every_metric_that_says_when_to_worry_is_shown_or_alerts() -> None:
    used = {name for _, expr in expressions() for name in _NAME.findall(expr)}
    shown = {series()[name].name for name in used - {"up"}}
    seldom = {"aibom_sink_waiting_bytes"}  # its age says the same, and sooner
    assert {m.name for m in ALL if m.worry} - shown == seldom


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [s for v in value.values() for s in strings(v)]
    if isinstance(value, list):
        return [s for v in value for s in strings(v)]
    return [value] if isinstance(value, str) else []


def test_the_dashboard_can_be_imported_anywhere() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert "id" not in DASHBOARD, "Grafana gives it"
    assert "__inputs" not in DASHBOARD, "the data source is a variable"
    variables = {v["name"]: v for v in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["node"]["query"]["query"] == "label_values(aibom_build_info, node)"
    used = {v for s in strings(DASHBOARD) for v in re.findall(r"\$\{?(\w+)", s)}
    assert used - {"__rate_interval", "__all"} == set(variables)
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert {t["datasource"]["uid"] for t in panel["targets"]} == {"${datasource}"}


def test_panels_lie_beside_each_other() -> None:
    assert len({p["id"] for p in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len({p["title"] for p in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_is_of_the_nodes_that_were_chosen() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            assert 'aibom_build_info{node=~"$node"}' in target["expr"], panel["title"]


def test_alerts_say_what_to_do() -> None:
    headings = set(re.findall(r"^### (\w+)$", documented.PAGE.read_text(), re.MULTILINE))
    assert {a["alert"] for a in ALERTS} == headings
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("info", "warning", "critical")
        notes = alert["annotations"]
        assert notes["runbook"] == (f"docs/metrics.md#{alert['alert'].lower()}")
        assert notes["summary"]
        assert notes["description"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts_name_labels_that_are_left(alert: dict[str, Any]) -> None:
    named = {
        name for s in strings(alert["annotations"]) for name in re.findall(r"\$labels\.(\w+)", s)
    }
    gone = {"le"} | set(re.findall(r"without \((\w+)\)", alert["expr"]))
    known = set().union(*map(labels_of, _NAME.findall(alert["expr"])))
    assert named <= known - gone


def test_the_page_has_the_table_of_the_metrics() -> None:
    text = documented.PAGE.read_text()
    assert text == documented.current(text), "python -m tests.readme --write"
