"""Concerns become findings, are written with the BOM, and are found again in it."""

import json
from datetime import UTC, datetime
from typing import get_args

import pytest

from aibom.compare.compare import compare
from aibom.compare.concerns import concerning
from aibom.compare.kinds import CONCERNS
from aibom.declare import observed
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.types.concerns import Concern, ConcernKind
from aibom.types.inventory import Inventory, Service
from tests import make

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
EVIL = Concern("pickle-code", "dangerous", "os.system", "/m/evil.pkl")
ODD = Concern("base-mismatch", "suspicious", "it names a; loaded beside it is b")
OPEN = Concern("mcp-exposed", "note", "listens on 0.0.0.0:8000")
IDLE = Concern("mcp-not-running", "note", "time", "/root/.mcp.json")


def troubled() -> Inventory:
    return make.inventory(
        make.component("model", concerns=(EVIL,)),
        make.component("adapter", ref="adapter:y", concerns=(ODD,)),
        services=(Service("service:z", "z", "", "", concerns=(OPEN,)),),
        concerns=(IDLE,),
    )


def test_every_concern_is_a_finding_of_its_own_kind_and_severity() -> None:
    found = {(f.kind.id, f.severity, f.ref) for f in concerning(troubled())}
    assert found == {
        ("AIBOM-401", "high", "model:x"),
        ("AIBOM-302", "medium", "adapter:y"),
        ("AIBOM-503", "info", "service:z"),
        ("AIBOM-502", "info", ""),
    }


def test_every_kind_has_an_id_of_its_own() -> None:
    assert set(CONCERNS) == set(get_args(ConcernKind))
    assert len({k.id for k in CONCERNS.values()}) == len(CONCERNS)
    assert all(k.name == name for name, k in CONCERNS.items())


def test_fingerprints_tell_instances_apart_and_not_runs() -> None:
    one, two = (make.component(concerns=(EVIL, c)) for c in (ODD, OPEN))
    prints = [f.fingerprint for c in (one, two) for f in concerning(make.inventory(c))]
    assert len(set(prints)) == 3
    assert prints[0] == prints[2]


def test_what_was_written_is_found_again_by_diff() -> None:
    inventory = troubled()
    document = document_of(inventory, compare(inventory, None), WHEN)
    again = observed.inventory(serialise(document).encode())
    expected = {(f.kind.id, f.severity, f.evidence) for f in concerning(inventory)}
    assert {(f.kind.id, f.severity, f.evidence) for f in concerning(again)} == expected


def test_findings_are_annotated_where_they_belong() -> None:
    inventory = troubled()
    document = document_of(inventory, compare(inventory, None), WHEN)
    subjects = {a["text"].split(" ")[0]: a["subjects"] for a in document["annotations"]}
    assert subjects["mcp-not-running"] == [document["metadata"]["component"]["bom-ref"]]
    assert subjects["mcp-exposed"] == ["service:z"]
    assert subjects["pickle-code"] == ["model:x"]


@pytest.mark.parametrize(
    "value", ["", "[]", "{}", '["x","note","a","b"]', '["pickle-code","loud","a","b"]', "[" * 9000]
)
def test_odd_records_of_concerns_are_left_out(value: str) -> None:
    inventory = make.inventory(make.component())
    document = document_of(inventory, compare(inventory, None), WHEN)
    entry = {"name": "aibom:concern", "value": value}
    document["components"][0]["properties"].append(entry)
    again = observed.inventory(json.dumps(document).encode())
    assert again.components[0].concerns == ()
