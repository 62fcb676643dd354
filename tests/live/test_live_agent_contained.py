"""Agents of which one part fails, or whose clock jumps: the rest goes on, and it is said."""

from pathlib import Path

import pytest

from tests.live.agents import Agents, Holder, Pods, agents, events, pods, told_once

__all__ = ["agents", "events", "pods"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

#: Replaces a function once its module is loaded; ``broken(old, *arguments)`` stands for it.
PATCH = """
import importlib.abc, importlib.machinery, importlib.util, os, sys
{code}
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "{module}":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            owner = module
            *outer, last = "{what}".split(".")
            for part in outer:
                owner = getattr(owner, part)
            old = getattr(owner, last)
            setattr(owner, last, lambda *given, **named: broken(old, *given, **named))
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Finder())
"""
SOMETIMES = """
count = [0]
def broken(old, *given, **named):
    count[0] += 1
    if count[0] % 2:
        raise RuntimeError("broken for a test")
    return old(*given, **named)
"""
ALWAYS = """
def broken(old, *given, **named):
    raise RuntimeError("broken for a test")
"""
#: Fails for the workload that has loaded this model.
FOR_ONE = """
def broken(old, *given, **named):
    if "poison" in repr(given):
        raise RuntimeError("broken for a test")
    return old(*given, **named)
"""


def patch(module: str, what: str, code: str) -> str:
    return PATCH.format(module=module, what=what, code=code)


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("aibom.observe.events.files", "FileEvents.read"),
        ("aibom.observe.events.processes", "ProcessEvents.read"),
        ("aibom.observe.watch.watcher", "Watcher.step"),
        ("aibom.observe.watch.watcher", "Watcher.facts"),
        ("aibom.observe.sweep", "Sweeper.sweep"),
        ("aibom.agent.mirror", "Mirror.look"),
    ],
)
def test_a_part_that_fails_every_other_time(
    tmp_path: Path, agents: Agents, pods: Pods, module: str, what: str
) -> None:
    agent = agents(patch=patch(module, what, SOMETIMES))
    holder = Holder(pods(), tmp_path / "models")
    holder.load("before")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "what was there")
    holder.load("after")
    agent.until(lambda: holder.is_told(agent), "what came")
    assert agent.asked("/healthz")[0] == 200
    agent.until(lambda: agent.failures() or agent.metric('aibom_unseen{reason="sensor"}'), "a word")
    agent.end()
    told_once(agent, [holder])


@pytest.mark.parametrize(
    ("module", "what", "part"),
    [
        ("aibom.identify.inventory", "identify", "naming"),
        ("aibom.pipeline", "Comparer.of", "workload"),
        ("aibom.report.cyclonedx", "document_of", "workload"),
    ],
)
def test_a_workload_that_breaks_a_part_breaks_it_for_itself_only(
    tmp_path: Path, agents: Agents, pods: Pods, module: str, what: str, part: str
) -> None:
    agent = agents(patch=patch(module, what, FOR_ONE))
    poison = Holder(pods(), tmp_path / "poison")
    holder = Holder(pods(), tmp_path / "models")
    poison.load("poison")
    holder.load("before")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "what was there")
    holder.load("after")
    agent.until(lambda: holder.is_told(agent), "what came")
    agent.until(lambda: agent.failures().get(part), "a count")
    assert f"{part} failed" in agent.said
    assert "Traceback" not in agent.said
    agent.end()
    told_once(agent, [holder])


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("aibom.agent.sinks.webhook", "WebhookSink.items"),
        ("aibom.agent.sinks.webhook", "WebhookSink.deliver"),
        ("aibom.agent.output.output", "Output.summary"),
        ("aibom.agent.state.store", "State.prune"),
        ("aibom.agent.state.store", "State.recall"),
    ],
)
def test_a_part_that_always_fails(
    tmp_path: Path, agents: Agents, pods: Pods, module: str, what: str
) -> None:
    url = "sinks.webhook.url=http://127.0.0.1:9/"
    agent = agents(url, patch=patch(module, what, ALWAYS))
    holder = Holder(pods(), tmp_path / "models")
    holder.load("before")
    agent.start()
    holder.load("after")
    agent.until(lambda: holder.is_told(agent), "what came")
    said = 'aibom_sink_up{sink="webhook"}'
    agent.until(lambda: agent.failures() or not agent.metric(said), "a count")
    agent.end()
    told_once(agent, [holder])


#: The clock that the agent reads is read from a file: simulated, as nobody may set a node's clock.
CLOCK = """
import time
_real = time.time
def _moved():
    try:
        return _real() + float(open({path!r}).read())
    except (OSError, ValueError):
        return _real()
time.time = _moved
"""
YEAR = 366 * 86_400


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_clock_that_jumps_a_year_and_back(
    tmp_path: Path, agents: Agents, pods: Pods, jump: int
) -> None:
    moved = tmp_path / "moved"
    agent = agents("keep.gone_days=1", "keep.state_days=1", patch=CLOCK.format(path=str(moved)))
    holder = Holder(pods(), tmp_path / "models")
    holder.load("before")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "what was there")
    # others on the node may end meanwhile, and theirs are moved
    boms = {path for path in agent.boms() if holder.pod.uid in path.name}
    assert boms
    for offset, name in ((jump, "then"), (0, "again")):
        moved.write_text(str(offset))
        holder.load(name)
        agent.until(lambda: holder.is_told(agent), name)
        agent.goes_round()
        assert agent.asked("/healthz")[0] == 200
    moved.write_text(str(jump))
    agent.kill()
    agent.start()
    holder.load("last")
    agent.until(lambda: holder.is_told(agent), "the last")
    assert agent.failures() == {}
    agent.end()
    assert boms <= set(agent.boms())
    told_once(agent, [holder])
