"""Loads as lines: each told once, and nothing that a workload wrote reaches the terminal raw."""

from dataclasses import replace
from typing import Any

from aibom.report.live import Announcer
from aibom.types.files import Origin
from aibom.types.inventory import Component, Evidence
from tests import make


def evidence(**fields: Any) -> Evidence:
    values: dict[str, Any] = {
        "how": "opened",
        "path": "/m/a.gguf",
        "process": "cat",
        "pid": 7,
        "technique": "binary-analysis",
        "confidence": 100,
        "container": "app",
        "origin": Origin("image-layer", "snapshot 3"),
    }
    return Evidence(**(values | fields))


def model(*found: Evidence, **fields: Any) -> Component:
    return make.component(evidence=found, name="tiny", **fields)


def test_one_line_for_each_way_in_which_it_was_seen() -> None:
    announcer = Announcer()
    both = model(evidence(), evidence(how="written", process="cp", pid=8, origin=Origin("host")))
    assert announcer.news([make.inventory(both)]) == [
        (
            "default/chat  model tiny  opened by cat (pid 7) in container app,"
            " from an image layer (snapshot 3)"
        ),
        "default/chat  model tiny  written by cp (pid 8) in container app, from the host",
    ]
    assert announcer.news([make.inventory(both)]) == []


def test_the_same_program_again_is_no_news_and_another_one_is() -> None:
    announcer = Announcer()
    assert len(announcer.news([make.inventory(model(evidence()))])) == 1
    assert announcer.news([make.inventory(model(evidence(pid=8)))]) == []
    assert announcer.news([make.inventory(model(evidence(times=500)))]) == []
    (line,) = announcer.news([make.inventory(model(evidence(process="python3")))])
    assert "by python3" in line


def test_the_same_model_in_another_workload_is_news() -> None:
    announcer = Announcer()
    first = make.inventory(model(evidence()))
    other = replace(first, workload=replace(first.workload, name="search"))
    lines = announcer.news([first, other])
    assert [line.partition("  ")[0] for line in lines] == ["default/chat", "default/search"]


def test_what_no_line_is_worth() -> None:
    parts = [make.component("package"), make.component("image"), make.component("framework")]
    lines = Announcer().news([make.inventory(*parts)])
    assert [" framework " in line for line in lines] == [True]


def test_a_process_that_ended_too_soon_and_versions() -> None:
    (line,) = Announcer().news(
        [make.inventory(model(evidence(process="", times=3), version="c0ffee"))]
    )
    assert "model tiny c0ffee  opened by a process that ended too soon (pid 7)" in line
    assert "and others, 3 times" in line


def test_hostile_names_stay_on_one_short_line() -> None:
    hostile = "\x1b[2J\n\u202e" + "x" * 5000
    found = replace(model(evidence(process=hostile, container=hostile)), name=hostile)
    (line,) = Announcer().news([make.inventory(found)])
    assert len(line) < 600
    assert line.isprintable()
