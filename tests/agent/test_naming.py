"""One workload that cannot be named hides no other one."""

from dataclasses import replace
from typing import Any

import pytest

from aibom.agent import naming
from aibom.agent.naming import named
from aibom.identify.inventory import identify
from aibom.rulebook.load import load
from aibom.types.processes import Cgroup
from tests.make import model_use, node, process, seen

RULES = load()


def _node() -> Any:
    good = seen(of=process(7, cgroup=Cgroup(unit="good.service")), models=(model_use(),))
    bad = seen(of=process(8, cgroup=Cgroup(unit="bad.service"), comm="bad"))
    return node([good, bad])


def test_what_can_be_named_is_as_identify_says() -> None:
    failed: list[str] = []
    found = named(_node(), RULES, lambda part, _: failed.append(part))
    assert found == identify(_node(), RULES)
    assert failed == []


def test_a_workload_that_makes_naming_fail_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(facts: Any, rules: Any, **_: Any) -> Any:
        if any(p.process.comm == "bad" for p in facts.processes):
            raise ZeroDivisionError
        return identify(facts, rules)

    monkeypatch.setattr(naming, "identify", fails)
    failed: list[str] = []
    found = {i.workload.name: i for i in named(_node(), RULES, lambda p, _: failed.append(p))}
    (alone,) = identify(replace(_node(), processes=_node().processes[:1]), RULES)
    assert found["good.service"] == alone
    assert found["bad.service"].components == ()
    assert found["bad.service"].unseen[0].detail == "naming it failed: ZeroDivisionError"
    assert failed == ["naming", "naming"]
