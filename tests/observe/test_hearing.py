"""A runtime that did not answer at a look is asked again between looks."""

from typing import Any

from aibom.observe.sweep import Sweeper
from aibom.types.processes import Container
from aibom.types.unseen import Unseen


class Runtime:
    def __init__(self) -> None:
        self.answers: list[Any] = []

    def __call__(self) -> dict[str, Container]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {answer.id: answer}


def sweeper(runtime: Runtime | None) -> Sweeper:
    inspector: Any = type("Inspector", (), {"host": None})()
    return Sweeper(inspector, runtime)


def test_its_names_count_once_it_answers() -> None:
    runtime = Runtime()
    one = sweeper(runtime)
    one._containers = {"c1": Container("c1", source="bundle")}
    one.silence = Unseen("runtime", "CRI socket", "has not answered yet")
    runtime.answers = [OSError("gone"), Container("c1", labels=(("a", "b"),), source="cri")]
    assert not one.hear()
    assert one.silence.detail == "gone"
    assert one.hear()
    assert one.silence is None
    assert one.containers["c1"].labels == (("a", "b"),)
    # there is nothing left to ask
    assert not one.hear()


def test_of_containers_that_nobody_met_it_tells_nothing() -> None:
    runtime = Runtime()
    one = sweeper(runtime)
    one.silence = Unseen("runtime", "CRI socket", "gone")
    runtime.answers = [Container("other", source="cri")]
    assert one.hear()
    assert one.containers == {}


def test_where_there_is_no_runtime_nobody_is_asked() -> None:
    assert not sweeper(None).hear()
