"""How many servers are asked when a pod is full of them."""

from types import SimpleNamespace
from typing import cast

import pytest

from aibom import asking
from aibom.observe.sweep import Sweeper
from aibom.types.facts import NodeFacts
from aibom.types.mcp import McpQuestion
from aibom.types.rules import RuleSet
from tests import make


class Silent:
    """A host whose servers take too long, or have nothing to say."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        self.asked: list[int] = []

    def read(self, pid: int, _name: str) -> bytes:
        """Say in stat that the process began at tick 1 (proc_pid_stat(5), field 22)."""
        return f"{pid} (server) S 1 {' '.join(['0'] * 17)} 1 {' '.join(['0'] * 30)}".encode()

    def ask_mcp(self, pid: int, *_: object) -> None:
        self.asked.append(pid)
        raise self.error


def ask_forty(monkeypatch: pytest.MonkeyPatch, error: OSError) -> tuple[list[int], NodeFacts]:
    host = Silent(error)
    sweeper = cast("Sweeper", SimpleNamespace(inspector=SimpleNamespace(host=host)))
    told = tuple(McpQuestion(pid, 1, "127.0.0.1", pid, ("/",)) for pid in range(100, 140))
    monkeypatch.setattr(asking, "questions", lambda *_: told)
    monkeypatch.setattr(asking, "identify", lambda *_: ())
    processes = tuple(
        make.seen(q.pid, of=make.process(q.pid, network_namespace=f"net:[{q.pid // 120}]"))
        for q in told
    )
    asker = asking.Asker(sweeper, cast("RuleSet", SimpleNamespace(texts=())))
    facts = asker.asked(make.node(processes))
    return host.asked, facts


def test_servers_that_keep_silent_do_not_hold_a_scan_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, facts = ask_forty(monkeypatch, TimeoutError(110, "it took too long to answer"))
    assert asked == [100, 101, 102, 120, 121, 122]
    assert len(facts.unseen) == 40


def test_of_one_place_so_many_servers_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_ASKED", 5)
    asked, facts = ask_forty(monkeypatch, OSError(42, "no answer of MCP"))
    assert asked == [*range(100, 105), *range(120, 125)]
    assert {u.reason for u in facts.unseen} == {"unreadable", "too-large"}
