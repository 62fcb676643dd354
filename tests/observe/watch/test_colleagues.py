"""Which processes are another aibom that only looks."""

from typing import Any

import pytest

from aibom.observe.watch.colleagues import is_colleague
from aibom.types.processes import Cgroup
from tests.make import process

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
    assert is_colleague(process(**fields))


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
    assert not is_colleague(process(**fields))
