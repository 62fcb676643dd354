"""Which workloads are reported, by settings."""

import pytest

from aibom.agent.config.settings import Selection
from aibom.agent.selecting import is_selected
from aibom.types.inventory import Inventory, Workload
from tests.make import component

POD = Workload("pod", "chat", "ml", "u", (("app", "chat"), ("tier", "gpu")))
CONTAINER = Workload("container", "box", "", "c")
SERVICE = Workload("service", "ollama.service")
NOBODYS = Workload("unattributed", "unattributed")


@pytest.mark.parametrize(
    ("selection", "workload", "selected"),
    [
        (Selection(), POD, True),
        (Selection(namespaces=("ml",)), POD, True),
        (Selection(namespaces=("web",)), POD, False),
        (Selection(exclude_namespaces=("ml",)), POD, False),
        (Selection(namespaces=("ml",), exclude_namespaces=("ml",)), POD, False),
        (Selection(labels={"app": "chat"}), POD, True),
        (Selection(labels={"app": "chat", "tier": "cpu"}), POD, False),
        (Selection(), CONTAINER, True),
        (Selection(containers=False), CONTAINER, False),
        # who asks for some pods does not ask for what is no pod
        (Selection(namespaces=("ml",)), CONTAINER, False),
        (Selection(labels={"app": "chat"}), SERVICE, False),
        (Selection(), SERVICE, True),
        (Selection(services=False), SERVICE, False),
        (Selection(services=False), NOBODYS, True),
        (Selection(namespaces=("ml",)), NOBODYS, True),
    ],
)
def test_selection(selection: Selection, workload: Workload, selected: bool) -> None:
    assert is_selected(Inventory(workload, (component(),)), selection) is selected


def test_workloads_without_ai_are_reported_where_everything_is() -> None:
    plain = Inventory(POD, (component("package"),))
    assert not is_selected(plain, Selection())
    assert is_selected(plain, Selection(everything=True))
    assert not is_selected(plain, Selection(everything=True, exclude_namespaces=("ml",)))
