import json
from dataclasses import replace

import pytest

from aibom.agent.health.answers import (
    FIRST_SECONDS,
    HUNG_SECONDS,
    exposed,
    hindrance,
    illness,
    said,
)
from aibom.agent.health.metrics import Metrics
from tests.agent.health.statuses import BUSY, FRESH


@pytest.mark.parametrize(
    ("round_at", "began", "now", "ill"),
    [
        (100.0, 0.0, 101.0, False),
        (100.0, 0.0, 100.0 + HUNG_SECONDS, False),
        (100.0, 0.0, 101.0 + HUNG_SECONDS, True),
        (0.0, 500.0, 501.0, False),  # not a round yet, on a machine that has long been up
        (0.0, 500.0, 600.0, True),
        (100.0, 0.0, 50.0, False),
    ],
)
def test_a_loop_that_stands_is_an_illness(round_at, began, now, ill) -> None:
    assert bool(illness(replace(BUSY, round_at=round_at), began, now)) == ill


def test_a_first_sweep_may_take_longer() -> None:
    starting = replace(BUSY, ready=False, round_at=0.0)
    assert not illness(starting, 0.0, FIRST_SECONDS)
    assert illness(starting, 0.0, FIRST_SECONDS + 1)


def test_hashing_is_no_illness() -> None:
    assert not illness(replace(BUSY, hashing_files=10**6, hashing_bytes=10**15), 0.0, 101.0)


def test_reasons_name_no_workload() -> None:
    sick = replace(FRESH, output_error="cannot write secret-pod.cdx.json")
    assert hindrance(sick, 0.0, 1.0) == (
        "the first sweep is not published yet",
        "the output folder cannot be written; the log says why",
    )
    assert hindrance(BUSY, 0.0, 101.0) == ()
    assert len(hindrance(BUSY, 0.0, 1_000.0)) == 1


def test_a_state_that_fails_is_no_hindrance() -> None:
    assert not hindrance(replace(BUSY, state_error="damaged"), 0.0, 101.0)


def test_reasons_are_lines_or_json() -> None:
    assert said((), "") == (b"ok\n", "text/plain; charset=utf-8")
    assert said(("one", "two"), "*/*")[0] == b"one\ntwo\n"
    body, content_type = said(("one",), "application/json")
    assert json.loads(body) == {"ok": False, "reasons": ["one"]}
    assert content_type == "application/json"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text; version=1.0.0",
        ),
        ("application/openmetrics-text;version=x.y", "text/plain; version=0.0.4"),
        ("text/plain;version=1.0.0\r\n Set-Cookie: a=b", "text/plain; version=0.0.4"),
        ("text/plain;version=" + "9" * 10_000, "text/plain; version=0.0.4"),
    ],
)
def test_the_format_that_is_asked_for(accept: str, content_type: str) -> None:
    assert exposed(Metrics(lambda: BUSY).registry, accept)[1].startswith(content_type)
