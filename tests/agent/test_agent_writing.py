"""BOMs are made beside the loop, whole and not too often."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from aibom.agent import writing as module
from aibom.agent.containment import Containment
from aibom.agent.tracking import Tracked
from aibom.agent.writing import REST, BomWriter
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload
from tests.agent.outputs import Heard


class Files:
    """Takes what is written and offered."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, str]] = []

    def bom(self, workload: Workload, text: str, status: str, _: object) -> None:
        self.written.append((workload.name, text, status))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = SimpleNamespace(now=1000.0, spent=0.0)
    times = SimpleNamespace(
        time=lambda: 0.0, monotonic=lambda: clock.now, thread_time=lambda: clock.spent
    )
    monkeypatch.setattr(module, "time", times)
    return clock


def tracked(name: str = "chat") -> Tracked:
    inventory = Inventory(Workload("pod", name, "default", name))
    return Tracked(inventory, compared=(inventory, Assessment((), ())), unwritten=True)


def writer(files: Files) -> BomWriter:
    made: Any = files
    return BomWriter(made, made, Containment(Heard()), lambda: 0.0)


def finish(writer: BomWriter, ones: list[Tracked]) -> None:
    """Go on until nothing is being made."""
    writer.go_on(ones, "1.6")
    while writer._job is not None:
        writer._job[2].exception()
        writer.go_on(ones, "1.6")


def making(monkeypatch: pytest.MonkeyPatch, made: Callable[..., dict[str, Any]]) -> None:
    monkeypatch.setattr(module, "document_of", made)


@pytest.mark.usefixtures("clock")
def test_every_bom_that_is_due_is_written_once() -> None:
    files, ones = Files(), [tracked("a"), tracked("b")]
    finish(writer(files), ones)
    assert [(name, status) for name, _, status in files.written] == [
        ("a", "running"),
        ("b", "running"),
    ]
    assert not any(one.unwritten for one in ones)


def test_the_rest_is_a_multiple_of_the_work(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*_: Any) -> dict[str, Any]:
        clock.spent += 2.0
        return {}

    making(monkeypatch, slowly)
    files, one = Files(), tracked()
    writes = writer(files)
    finish(writes, [one])
    one.unwritten = True
    clock.now += 2.0 * REST - 1
    finish(writes, [one])
    assert len(files.written) == 1
    clock.now += 1
    finish(writes, [one])
    assert len(files.written) == 2


@pytest.mark.usefixtures("clock")
def test_what_is_new_meanwhile_is_written_next(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def waits(inventory: Inventory, *_: Any) -> dict[str, Any]:
        begun.set()
        go_on.wait(30)
        return {"name": inventory.workload.name, "watched": inventory.watched}

    making(monkeypatch, waits)
    files, one = Files(), tracked()
    writes = writer(files)
    writes.go_on([one], "1.6")
    begun.wait(30)
    one.compared = (Inventory(one.inventory.workload, watched=7), Assessment((), ()))
    one.unwritten = True
    go_on.set()
    finish(writes, [one])
    one.write_at = 0.0
    finish(writes, [one])
    assert ['"watched": 0' in text for _, text, _ in files.written] == [True, False]


@pytest.mark.usefixtures("clock")
def test_the_last_bom_of_a_workload_is_not_followed_by_an_older_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()

    def waits(*_: Any) -> dict[str, Any]:
        if threading.current_thread() is not threading.main_thread():
            go_on.wait(30)
        return {}

    making(monkeypatch, waits)
    files, one = Files(), tracked()
    writes = writer(files)
    writes.go_on([one], "1.6")
    writes.write(one, "1.6", "ended")
    go_on.set()
    finish(writes, [])
    assert [status for _, _, status in files.written] == ["ended"]


@pytest.mark.usefixtures("clock")
def test_one_that_cannot_be_made_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(inventory: Inventory, *_: Any) -> dict[str, Any]:
        if inventory.workload.name == "bad":
            raise ZeroDivisionError("crafted")
        return {}

    making(monkeypatch, fails)
    files = Files()
    finish(writer(files), [tracked("bad"), tracked("good")])
    assert [name for name, *_ in files.written] == ["good"]
