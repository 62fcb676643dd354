"""A runtime that hangs, fails or lies holds nobody up."""

import threading
from itertools import pairwise
from typing import Any

import pytest

from aibom.observe.containers import patient
from aibom.observe.containers.patient import PatientRuntime
from aibom.types.processes import Container

LISTED = {"c1": Container("c1", source="cri")}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Clock:
        now = 100.0

    monkeypatch.setattr(patient.time, "monotonic", lambda: Clock.now)
    return Clock


def test_what_it_answers_is_given() -> None:
    asked = []
    runtime = PatientRuntime(lambda: asked.append(1) or LISTED)
    assert runtime() == runtime() == LISTED
    assert len(asked) == 2


def test_one_that_fails_is_left_alone_for_ever_longer(clock: Any) -> None:
    asked = []

    def ask() -> Any:
        asked.append(clock.now)
        raise OSError("/run/cri.sock: gone")

    runtime = PatientRuntime(ask)
    for _ in range(1000):
        with pytest.raises(OSError, match="gone"):
            runtime()
        clock.now += 1.0
    waits = [b - a for a, b in pairwise(asked)]
    assert waits == sorted(waits)
    assert waits[-1] == patient.MOST_SECONDS


def test_one_that_comes_back_is_asked_again(clock: Any) -> None:
    answers: list[Any] = [OSError("gone"), ValueError("no list at all"), LISTED]

    def ask() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    runtime = PatientRuntime(ask)
    for said in ("gone", "no list at all"):
        with pytest.raises(OSError, match=said):
            runtime()
        clock.now += patient.MOST_SECONDS
    assert runtime() == LISTED


def test_one_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "WAIT_SECONDS", 0.01)
    answers, threads = threading.Event(), threading.active_count()
    runtime = PatientRuntime(lambda: (answers.wait() and LISTED) or {})
    for _ in range(20):
        with pytest.raises(OSError, match="not answered yet"):
            runtime()
    assert threading.active_count() == threads + 1
    answers.set()
    monkeypatch.setattr(patient, "WAIT_SECONDS", 30)
    assert runtime() == LISTED
    assert threading.active_count() == threads
