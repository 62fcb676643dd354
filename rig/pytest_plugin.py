"""What tests have in common, as fixtures: one node for all live ones of a run, and Helm.

A conftest.py makes them known, however many of them do, with::

    def pytest_configure(config: pytest.Config) -> None:
        config.pluginmanager.import_plugin("rig.pytest_plugin")
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.cache import cache_folder, filling
from rig.errors import RigError
from rig.helm import program
from rig.node import Node, may_not_run
from rig.signals import ending_as_interrupt


@pytest.fixture(scope="session")
def _started_node() -> Iterator[Node]:
    if obstacle := may_not_run():
        pytest.skip(obstacle)
    # a folder of its own: tests of the demonstration start the default node meanwhile
    folder = cache_folder() / "test-node"
    with ending_as_interrupt(), Node(folder, patience=300) as node:
        yield node


@pytest.fixture(scope="module")
def rig_node(_started_node: Node) -> Iterator[Node]:
    """Give a running node, shared by the tests of the run; no pod outlives its module.

    A test that asks for it is skipped, with the reason, where no node can run.
    """
    yield _started_node
    _started_node.stop_pods()


@pytest.fixture(scope="session")
def rig_python(_started_node: Node) -> str:
    """Give the name of the plain Python image, loaded into the node."""
    return _started_node.load_python()


@pytest.fixture(scope="session")
def helm() -> Path:
    """Give Helm. A test that asks for it is skipped where it cannot be had."""
    try:
        with filling(cache_folder()):
            return program("helm", cache_folder())
    except RigError as error:
        pytest.skip(f"needs Helm: {error}")
