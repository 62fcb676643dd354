"""Which processes are another aibom that only looks."""

from typing import Any

import pytest

from aibom.observe.watch.colleagues import is_colleague
from aibom.types.processes import Cgroup
from tests.make import process

PTRACE = "CapEff:\t0000000000080000"
IN_POD: dict[str, Any] = {"argv": ("python3", "-m", "aibom", "scan"), "cgroup": Cgroup("a" * 64)}


class Pods:
    """Answers for process 7, in a pod, and for the first process."""

    def __init__(self, status: str = "CapEff:\t0", **own: str) -> None:
        self._status = status
        self._own = own

    def read(self, pid: int, name: str) -> bytes:
        assert (pid, name) == (7, "status")
        return self._status.encode()

    def link(self, pid: int, name: str) -> str:
        kind = name.removeprefix("ns/")
        return self._own.get(kind, f"{kind}:[1]") if pid == 7 else f"{kind}:[1]"


SCAN = ("python3", "-m", "aibom", "scan")


@pytest.mark.parametrize(
    "fields",
    [
        {"argv": SCAN},
        {"argv": ("/opt/v/bin/python", "/opt/v/bin/aibom", "watch")},
        {"argv": SCAN, "cgroup": Cgroup(unit="aibom.service")},
    ],
)
def test_an_aibom_that_root_runs_on_the_node_is_one(fields: dict[str, Any]) -> None:
    assert is_colleague(process(**fields), Pods())


@pytest.mark.parametrize(
    "fields",
    [
        {"argv": SCAN, "uid": 1000},
        {"argv": SCAN, "cgroup": Cgroup("a" * 64)},
        {"argv": SCAN, "cgroup": Cgroup(pod_uid="u")},
        {"argv": SCAN, "placed": False},
        {"argv": ("aibom", "scan"), "executable": "/tmp/aibom"},
        {"argv": ("python3", "serve.py", "-m", "aibom")},
        {"argv": ("python3", "-c", "import aibom")},
        {"argv": ("python3", "/srv/notaibom")},
    ],
)
def test_what_only_calls_itself_so_is_none(fields: dict[str, Any]) -> None:
    assert not is_colleague(process(**fields), Pods())


def test_an_aibom_in_a_pod_is_one_if_it_rules_the_node() -> None:
    assert is_colleague(process(**IN_POD), Pods(PTRACE))


@pytest.mark.parametrize(
    "pods",
    [
        Pods(),
        Pods("CapEff:\tnothing"),
        Pods(PTRACE, pid="pid:[2]"),  # it sees its own pod only
        Pods(PTRACE, user="user:[2]"),
    ],
)
def test_an_aibom_in_a_pod_that_may_not_look_further_is_none(pods: Pods) -> None:
    assert not is_colleague(process(**IN_POD), pods)
