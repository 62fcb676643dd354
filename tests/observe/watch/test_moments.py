"""When things were seen: kept per process, merged of like ones, told and read back alike."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aibom.compare.compare import compare
from aibom.declare import observed
from aibom.identify.inventory import identify
from aibom.observe.watch.moments import MAX_ACTS, Moments
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.rulebook.load import load
from aibom.types.facts import THE_PROCESS, Span
from aibom.types.files import Arrival
from aibom.types.inventory import Evidence
from aibom.types.words import arrived, moment, read_first_seen, when_seen
from tests import make

NOON = 1_767_355_200.0


def clock(*times: float) -> Moments:
    left = iter(times)
    return Moments(lambda: next(left))


def test_the_first_time_and_the_last_are_kept_of_each_act_and_of_the_process() -> None:
    moments = clock(10, 20, 30)
    moments.note(("/a", "opened"))
    moments.note(("/b", "opened"))
    moments.note(("/a", "opened"))
    assert moments.spans[("/a", "opened")] == Span(10, 30)
    assert moments.spans[("/b", "opened")] == Span(20, 20)
    assert moments.spans[THE_PROCESS] == Span(10, 30)


def test_of_like_processes_the_widest_span_counts() -> None:
    one, other = clock(10), clock(5, 40)
    one.note(("/a", "opened"))
    other.note(("/a", "opened"))
    other.note(("/a", "opened"))
    one.add(other)
    assert one.spans[("/a", "opened")] == Span(5, 40)


def test_a_process_of_countless_acts_takes_bounded_memory() -> None:
    moments = Moments(lambda: 1.0)
    for number in range(MAX_ACTS + 10):
        moments.note((f"/{number}", "opened"))
    assert len(moments.spans) == MAX_ACTS


def test_a_look_tells_when_every_file_was_held() -> None:
    moments = clock(7)
    moments.note_look(make.seen(models=(make.model_use(),), devices=("/dev/nvidia0",)))
    assert moments.spans[("/m/a.gguf", "mapped")] == Span(7, 7)
    assert moments.spans[("/dev/nvidia0", "open")] == Span(7, 7)


def test_times_reach_the_document_and_come_back() -> None:
    when = {("/m/a.gguf", "mapped"): Span(NOON, NOON + 60)}
    found = make.seen(models=(make.model_use(),), when=when)
    facts = replace(make.node([found]), watched=Span(NOON - 1, NOON + 299.4))
    (inventory,) = identify(facts, load(), as_one=True)
    assert inventory.watched == 300
    (model,) = [c for c in inventory.components if c.kind == "model"]
    assert (model.evidence[0].first_seen, model.evidence[0].last_seen) == (NOON, NOON + 60)
    document = document_of(inventory, compare(inventory, None), datetime.now(tz=UTC))
    (entry,) = [c for c in document["components"] if c["type"] == "machine-learning-model"]
    (occurrence,) = entry["evidence"]["occurrences"]
    assert occurrence["additionalContext"].endswith(
        ", first seen 2026-01-02T12:00:00Z, last seen 2026-01-02T12:01:00Z"
    )
    said = {p["name"]: p["value"] for p in document["metadata"]["properties"]}
    assert said["aibom:observed:from"] == "2026-01-02T11:59:59Z"
    again = observed.inventory(serialise(document).encode())
    assert again.watched == 300
    assert again.components[0].evidence[0].first_seen == NOON


def test_a_single_look_tells_no_times() -> None:
    (inventory,) = identify(make.node([make.seen(models=(make.model_use(),))]), load())
    document = document_of(inventory, compare(inventory, None), datetime.now(tz=UTC))
    assert "first seen" not in serialise(document)
    assert "aibom:observed:seconds" not in serialise(document)


@pytest.mark.parametrize("sentence", ["", "first seen", "first seen 2026-99-99T00:00:00Z", "x"])
def test_what_is_no_time_is_none(sentence: str) -> None:
    assert read_first_seen(sentence) is None


def test_times_in_words() -> None:
    assert moment(NOON + 0.9) == "2026-01-02T12:00:00Z"
    evidence = Evidence("opened", "/a", "p", 1, "filename", 1, first_seen=NOON, last_seen=NOON)
    assert when_seen(evidence) == "first seen 2026-01-02T12:00:00Z"
    assert arrived(Arrival("curl", 7, when=NOON)) == (
        "written by curl (pid 7) at 2026-01-02T12:00:00Z"
    )


def test_arrivals_come_back() -> None:
    arrival = ("aibom:arrival", "written by curl (pid 7)")
    inventory = make.inventory(make.component("model", "volume", properties=(arrival,)))
    document = document_of(inventory, compare(inventory, None), datetime.now(tz=UTC))
    (model,) = observed.inventory(serialise(document).encode()).components
    assert model.properties == (arrival,)
