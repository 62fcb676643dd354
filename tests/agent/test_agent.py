"""The loop: what is seen is published once, whatever fails and however often it begins."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aibom.agent import agent as module
from aibom.agent import tracking, writing
from aibom.agent.config.settings import Comparing, Hashing, Keeping, Selection
from aibom.agent.errors import AgentError
from aibom.agent.output.output import Output
from aibom.pipeline import Comparer
from aibom.types.facts import NodeFacts
from aibom.types.inventory import Inventory
from aibom.types.policy import Promised
from tests.agent.agents import Rig, holder, pod
from tests.make import claim, sbom


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    for pause in ("STEP_SECONDS", "NAME_SECONDS", "NAME_REST", "BURY_SECONDS", "HOUSE_SECONDS"):
        monkeypatch.setattr(module, pause, 0.0)
    monkeypatch.setattr(module, "FAILED_SECONDS", 0.0)
    return Rig(tmp_path)


def findings(rig: Rig) -> list[dict[str, Any]]:
    path = rig.folder / "output/findings.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def boms(rig: Rig, below: str = "") -> list[str]:
    return sorted(p.name for p in (rig.folder / "output/boms" / below).glob("*.cdx.json"))


def models(rig: Rig, name: str) -> list[str]:
    document = json.loads((rig.folder / "output/boms" / name).read_text())
    return sorted(
        c["name"] for c in document["components"] if c["type"] == "machine-learning-model"
    )


def nothing() -> None:
    """Let a round pass."""


def test_a_load_is_a_finding_and_a_bom(rig: Rig) -> None:
    rig.watch.containers = pod()
    rig.run(lambda: rig.watch.sees(holder()))
    (told,) = findings(rig)
    assert told["rule"] == "AIBOM-101"
    assert boms(rig) == ["default_chat.cdx.json"]
    assert models(rig, "default_chat.cdx.json") == ["a.gguf"]
    assert rig.watch.stopped


def test_what_did_not_change_is_not_written_again(rig: Rig) -> None:
    rig.watch.containers = pod()
    found = holder()
    again = replace(found, process=replace(found.process, argv=("python3", "other.py")))
    agent = rig.run(lambda: rig.watch.sees(found), nothing, lambda: rig.watch.sees(again), nothing)
    assert agent.status.boms_written == 1
    assert len(findings(rig)) == 1


def test_a_second_load_is_the_only_news(rig: Rig) -> None:
    rig.watch.containers = pod()
    rig.run(
        lambda: rig.watch.sees(holder()), nothing, lambda: rig.watch.sees(holder(8, "/m/b.gguf"))
    )
    assert [one["component"]["name"] for one in findings(rig)] == ["a.gguf", "b.gguf"]
    assert models(rig, "default_chat.cdx.json") == ["a.gguf", "b.gguf"]


def test_a_restart_forgets_nothing_and_tells_nothing_twice(rig: Rig) -> None:
    rig.watch.containers = pod()
    rig.run(lambda: rig.watch.sees(holder()))
    # the one that loaded it has ended meanwhile; another one of the pod still runs
    rig.watch.processes.clear()
    rig.run(lambda: rig.watch.sees(holder(8, "/m/b.gguf")))
    assert [one["component"]["name"] for one in findings(rig)] == ["a.gguf", "b.gguf"]
    assert models(rig, "default_chat.cdx.json") == ["a.gguf", "b.gguf"]


def test_a_pod_that_went_while_no_agent_ran_has_ended(rig: Rig) -> None:
    rig.watch.containers = pod()
    rig.run(lambda: rig.watch.sees(holder()))
    rig.watch.processes.clear()
    rig.watch.containers = pod("uid-2", "other")
    rig.run(lambda: rig.watch.sees(holder(9, uid="uid-2")))
    assert boms(rig) == ["default_other.cdx.json"]
    assert [name.partition("@")[0] for name in boms(rig, "ended")] == ["default_chat"]


def test_the_end_of_a_pod_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "GONE_SECONDS", 0.0)
    rig.watch.containers = pod()
    agent = rig.run(
        lambda: rig.watch.sees(holder()), lambda: rig.watch.loses(7), nothing, nothing, nothing
    )
    assert boms(rig) == []
    assert len(boms(rig, "ended")) == 1
    assert len(findings(rig)) == 1
    assert agent.status.findings == {}


def test_a_watch_that_fails_goes_on(rig: Rig) -> None:
    rig.watch.containers = pod()
    rig.watch.sees(holder())
    rig.watch.says = [RuntimeError("the sensor broke"), KeyError("again")]
    agent = rig.run(nothing)
    assert agent.status.failures == {"watch": 2}
    assert len(findings(rig)) == 1
    assert "watch failed" in rig.log.text.getvalue()


def test_what_could_not_be_named_is_named_in_another_round(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.watch.containers = pod()
    rig.watch.sees(holder())
    facts, tries = rig.watch.facts, iter((RuntimeError("broke"), KeyError("again")))

    def breaking() -> NodeFacts:
        for error in tries:
            raise error
        return facts()

    monkeypatch.setattr(rig.watch, "facts", breaking)
    agent = rig.run(nothing, nothing, nothing)
    assert agent.status.failures == {"naming": 2}
    assert len(findings(rig)) == 1


def test_before_a_first_sweep_nobody_has_ended(rig: Rig) -> None:
    rig.watch.containers = pod()
    rig.run(lambda: rig.watch.sees(holder()))
    (found,) = rig.watch.processes.values()
    rig.watch.processes.clear()
    rig.watch.sweeps = 0
    rig.watch.containers |= pod("uid-2", "other")
    agent = rig.run(lambda: rig.watch.sees(holder(9, uid="uid-2")), nothing)
    assert not agent.status.ready
    assert boms(rig) == ["default_chat.cdx.json", "default_other.cdx.json"]

    def sweeps() -> None:
        rig.watch.sweeps = 1
        rig.watch.processes[found.process.pid] = found

    agent = rig.run(sweeps, nothing)
    assert agent.status.ready
    assert boms(rig) == ["default_chat.cdx.json", "default_other.cdx.json"]


@pytest.mark.parametrize("part", ["compare", "write"])
def test_a_workload_that_cannot_be_published_hides_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    name = "of" if part == "compare" else "document_of"
    where: Any = Comparer if part == "compare" else writing
    kept = getattr(where, name)

    def fails(*given: Any) -> Any:
        if any(isinstance(one, Inventory) and one.workload.name == "bad" for one in given):
            raise ZeroDivisionError("crafted")
        return kept(*given)

    monkeypatch.setattr(where, name, fails)
    rig.watch.containers = pod() | pod("uid-2", "bad")
    rig.watch.sees(holder(9, uid="uid-2"))
    agent = rig.run(lambda: rig.watch.sees(holder()), nothing)
    assert boms(rig) == ["default_chat.cdx.json"]
    assert agent.status.failures["workload"] >= 1
    assert agent.status.ready


def test_other_settings_hold_at_once(rig: Rig) -> None:
    rig.watch.containers = pod() | pod("uid-2", "other")

    def reload() -> None:
        assert rig.agent is not None
        rig.later = replace(rig.settings, select=Selection(exclude_namespaces=("default",)))
        rig.agent._parts.reloader.ask()

    agent = rig.run(
        lambda: rig.watch.sees(holder()),
        reload,
        lambda: rig.watch.sees(holder(9, uid="uid-2")),
        nothing,
    )
    assert boms(rig) == ["default_chat.cdx.json"]
    assert not agent.status.workloads
    # nor does what is not reported count as a finding that is open
    assert not agent.status.findings


def test_every_setting_that_may_change_reaches_its_part(rig: Rig) -> None:
    def reload() -> None:
        assert rig.agent is not None
        rig.later = replace(
            rig.settings,
            spec_version="1.6",
            hashing=Hashing(rate=5_000_000),
            keep=Keeping(versions=7, state_days=1.0, state_bytes=2**20),
        )
        rig.agent._parts.reloader.ask()

    rig.watch.containers = pod()
    parts = rig.run(lambda: rig.watch.sees(holder()), reload, nothing)._parts
    assert parts.digests._own_pace.rate == 5_000_000
    assert parts.state._keeper.limits == (86_400.0, 2**20)
    assert parts.output._boms.keep.versions == 7
    written = json.loads((rig.folder / "output/boms/default_chat.cdx.json").read_text())
    assert written["specVersion"] == "1.6"


def test_what_can_no_longer_be_compared_with_leaves_the_old_settings(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Any) -> Comparer:
        raise AgentError("/etc/aibom/policy.yaml: No such file or directory")

    def reload() -> None:
        assert rig.agent is not None
        parts = rig.agent._parts
        monkeypatch.setattr(rig.agent, "_parts", replace(parts, promised=gone))
        rig.later = replace(rig.settings, select=Selection(exclude_namespaces=("default",)))
        parts.reloader.ask()

    rig.watch.containers = pod()
    agent = rig.run(lambda: rig.watch.sees(holder()), reload, nothing)
    assert not agent.status.config_ok
    assert agent.status.config_error == "/etc/aibom/policy.yaml: No such file or directory"
    assert agent.status.workloads == {"pod": 1}


def test_what_was_found_before_a_crash_is_told_after_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.watch.containers = pod()
    # killed between its memory and the journal: the state knows that it was not told
    with monkeypatch.context() as patched:
        patched.setattr(Output, "append", lambda *_: [])
        rig.run(lambda: rig.watch.sees(holder()))
    assert findings(rig) == []
    rig.watch.processes.clear()
    rig.run(nothing)
    (told,) = findings(rig)
    assert told["component"]["name"] == "a.gguf"
    rig.run(nothing)
    assert findings(rig) == [told]


def test_what_is_never_loaded_is_said_after_its_days(rig: Rig) -> None:
    promise = sbom(claim(name="unused", component="model", sha256=frozenset({"cd" * 32})))
    rig.promised = Promised((promise,))
    rig.watch.containers = pod()
    rig.run(lambda: rig.watch.sees(holder()), nothing)
    assert [one["rule"] for one in findings(rig)] == ["AIBOM-101"]
    rig.settings = replace(rig.settings, compare=Comparing(unused_days=0.0))
    rig.run(nothing)
    assert [one["rule"] for one in findings(rig)] == ["AIBOM-101", "AIBOM-601"]


def test_one_that_changes_all_the_time_is_told_of_at_once_and_written_now_and_then(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "REST", 1e9)
    rig.watch.containers = pod()
    changes = [partial(rig.watch.sees, holder(path=f"/m/{n}.gguf")) for n in range(20)]
    rig.run(*changes)
    assert len(findings(rig)) == 20
    # the first, and the last when the agent ended
    assert len(list((rig.folder / "output/boms/history").glob("*/*"))) == 1
    assert models(rig, "default_chat.cdx.json") == sorted(f"{n}.gguf" for n in range(20))
