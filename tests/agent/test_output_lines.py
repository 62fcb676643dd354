"""A finding as one line: what the schema says, on one line, and not too long."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent.events import key_of
from aibom.agent.findingline import LONGEST, finding_line
from aibom.agent.output.bomfiles import BomFile
from aibom.agent.output.summary import summary_of
from aibom.agent.status import SensorStatus, Status
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload
from tests.agent.outputs import NOON, POD, finding, new, whole_finding
from tests.make import component

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCS = Path(__file__).parents[2] / "docs"


def _schema(name: str) -> jsonschema_rs.Draft202012Validator:
    text = (SCHEMAS / f"aibom-{name}.schema.json").read_text()
    return jsonschema_rs.Draft202012Validator(json.loads(text), validate_formats=True)


LINE, NODE = _schema("finding"), _schema("node")

hostile = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from('\n\r\x00\x1b\x7f\x85\u2028\u2029\u202e\ud83d\udc80\U0001f4a9"\\/.='),
    ),
    max_size=60,
)
WORKLOADS = [
    POD,
    Workload("container", "db", "moby", "ab" * 32),
    Workload("service", "ollama.service"),
    Workload("unattributed", "unattributed"),
]


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("about", [None, component("adapter", containers=("app", "init"))])
def test_a_line_is_what_the_schema_says(workload: Workload, about: object) -> None:
    for found in (finding(), whole_finding(), finding(ref="", severity="info")):
        line = json.loads(
            finding_line(new(workload=workload, finding=found, component=about), NOON)
        )
        LINE.validate(line)
        assert set(line) <= set(
            json.loads((SCHEMAS / "aibom-finding.schema.json").read_text())["properties"]
        )


def test_a_line_says_what_where_who_and_what_to_do() -> None:
    line = json.loads(finding_line(new(finding=whole_finding()), NOON))
    assert (line["time"], line["first_seen"]) == ("2026-11-21T12:00:00Z", "2026-11-21T11:59:00Z")
    assert (line["severity"], line["severity_id"], line["rule"]) == ("high", 4, "AIBOM-102")
    assert line["resource"] == {
        "host.name": "node-1",
        "k8s.node.name": "node-1",
        "k8s.namespace.name": "default",
        "k8s.pod.name": "web-0",
        "k8s.pod.uid": POD.uid,
        "k8s.container.name": "app",
        "k8s.pod.label.app": "web",
    }
    assert line["component"]["origin"] == "writable-layer"
    (seen,) = line["evidence"]["seen"]
    assert (seen["process"], seen["pid"], seen["container"]) == ("python3", 7, "app")
    assert line["reason"] == "no document names it; it came from the network"


@given(hostile, hostile)
def test_whatever_names_say_a_line_is_one_line(one: str, two: str) -> None:
    workload = Workload("pod", one, two, one, ((one, two),))
    found = finding(component=one, evidence=two, chain=(one, two), remedy=one)
    about = replace(component("adapter"), name=one, version=two, containers=(two,))
    text = finding_line(new(workload=workload, finding=found, component=about), NOON)
    # str.splitlines also knows U+0085, U+2028 and the like
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text[:-1])
    LINE.validate(json.loads(text.encode()))


@pytest.mark.parametrize("filling", ["x", "\n", "\U0001f4a9", "\ud800", '"'])
def test_no_line_is_longer_than_collectors_take(filling: str) -> None:
    long = filling * 10_000
    found = finding(
        component=long,
        evidence=long,
        reason=long,
        because=long,
        remedy=long,
        chain=(long,) * 200,
        brings=(long,) * 200,
        document=long,
        accepted=long,
        ref=long,
        closest=replace(whole_finding().closest, name=long, purl=long, document=long),
        references=(replace(whole_finding().references[0], title=long, url=long),) * 99,
    )
    made = component("adapter", containers=(long,) * 99)
    about = replace(made, name=long, version=long, purl=long, evidence=made.evidence * 99)
    workload = Workload("pod", long, long, long, tuple((f"{n}{long}", long) for n in range(99)))
    line = finding_line(new(workload=workload, finding=found, component=about), NOON)
    assert len(line.encode()) <= LONGEST
    assert json.loads(line)["cut"] is True
    LINE.validate(json.loads(line))


def test_the_page_shows_what_is_written() -> None:
    about = component("adapter", "writable-layer", containers=("app",), name="sql-lora")
    page = (DOCS / "agent-output.md").read_text()
    assert finding_line(new(component=about), NOON) in page
    described = json.loads((SCHEMAS / "aibom-finding.schema.json").read_text())["properties"]
    assert [name for name in described if f"`{name}`" not in page] == []


def test_the_summary_is_what_the_schema_says() -> None:
    status = Status(
        "1.0",
        "node-1",
        NOON,
        sensors=(SensorStatus("events", "degraded", "a\nb", "do this"),),
        unseen={"denied": 2},
    )
    seen = Inventory(POD, (component("adapter"), component("package")))
    boms = {key_of(POD): BomFile("default_web-0.cdx.json", "ab" * 32, "")}
    other = Inventory(Workload("service", "sshd"))
    pairs = [(seen, Assessment((), (finding(), finding()))), (other, Assessment((), ()))]
    summary = summary_of(status, pairs, boms)
    NODE.validate(summary)
    first, second = summary["workloads"]
    assert first["bom"] == {"file": "boms/default_web-0.cdx.json", "sha256": "ab" * 32}
    assert first["components"] == {"adapter": 1, "package": 1}
    assert summary["findings"] == first["findings"] == {"high": 2}
    assert second["bom"] is None
    assert summary == summary_of(status, pairs, boms)
