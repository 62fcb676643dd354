"""Asking MCP servers: each once, and for so long."""

from typing import Any, cast

import pytest
from test_mcp import RULES
from test_mcp_configs import listening

from aibom import asking
from aibom.formats.mcp.messages import McpReply
from aibom.observe.sweep import Sweeper
from aibom.types.facts import NodeFacts
from tests import make


class Node:
    """A host, and the sweeper that asks through it; ``asked`` are the ports in order."""

    def __init__(self, error: OSError | None = None) -> None:
        self.inspector = self.host = self
        self.asked: list[int] = []
        self.start_ticks = facts().processes[0].process.start_ticks
        self._error = error

    def read(self, pid: int, name: str) -> bytes:
        assert name == "stat"
        return stat(pid, self.start_ticks)

    def ask_mcp(self, _pid: int, _host: str, port: int, _paths: Any) -> McpReply:
        self.asked.append(port)
        if self._error is not None:
            raise self._error
        return McpReply(f"http://127.0.0.1:{port}/mcp", "sse", authentication="none")


def stat(pid: int, start_ticks: int) -> bytes:
    fields = ["S", *["1"] * 18, str(start_ticks), *["0"] * 30]
    return f"{pid} (server) {' '.join(fields)}\n".encode()


def facts() -> NodeFacts:
    return make.node([listening("127.0.0.1:80")])


def asker(node: Node) -> asking.Asker:
    return asking.Asker(cast("Sweeper", node), RULES)


def test_a_server_is_asked_once() -> None:
    node = Node()
    one = asker(node)
    told = [one.asked(facts()).processes[0].answers for _ in range(2)]
    assert node.asked == [80]
    assert [answer.endpoint for answer in told[1]] == ["http://127.0.0.1:80/mcp"]


def test_one_that_does_not_answer_is_said() -> None:
    (unseen,) = asker(Node(PermissionError(1, "no"))).asked(facts()).unseen
    assert (unseen.reason, unseen.detail) == ("denied", "no")


def test_another_process_of_its_number_is_left_alone() -> None:
    node = Node()
    node.start_ticks += 1
    (unseen,) = asker(node).asked(facts()).unseen
    assert (unseen.reason, node.asked) == ("vanished", [])


def test_what_there_is_no_time_for_is_said_and_asked_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Node()
    one = asker(node)
    monkeypatch.setattr(asking, "ASKING_SECONDS", 0.0)
    (unseen,) = one.asked(facts()).unseen
    assert (unseen.reason, node.asked) == ("lost", [])
    monkeypatch.setattr(asking, "ASKING_SECONDS", 60.0)
    assert one.asked(facts()).unseen == ()
    assert node.asked == [80]
