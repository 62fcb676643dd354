"""Sandboxed runtimes, by the real rules: recognised, said, and never a component."""

import pytest

from aibom.identify.inventory import identify
from aibom.rulebook.load import load
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory
from aibom.types.packages import Program
from aibom.types.processes import Cgroup, Container
from tests import make

RULES = load()
CONTAINER = Container("c" * 64, name="app", pod_name="chat", pod_namespace="shop", pod_uid="pod")


def running(program: str, pid: int = 7, cgroup: Cgroup | None = None, *argv: str) -> ProcessFacts:
    process = make.process(pid, comm=program[:15], argv=(program, *argv), cgroup=cgroup or Cgroup())
    return make.seen(of=process, program=Program(program, f"/usr/bin/{program}"))


def subjects(inventory: Inventory) -> list[str]:
    return [u.subject for u in inventory.unseen if u.reason == "runtime"]


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("runsc", "gVisor"),
        ("runsc-sandbox", "gVisor"),
        ("containerd-shim-kata-v2", "Kata Containers"),
        ("qemu-system-x86_64", "QEMU"),
        ("cloud-hypervisor", "Cloud Hypervisor"),
        ("firecracker", "Firecracker"),
    ],
)
def test_a_container_in_a_sandbox(program: str, name: str) -> None:
    cgroup = Cgroup("c" * 64, "pod")
    processes = [running(program, pid, cgroup) for pid in (7, 8)]
    (inventory,) = identify(make.node(processes, [CONTAINER]), RULES)
    assert subjects(inventory) == [f"container app runs in {name}"]
    assert inventory.components == ()
    assert not inventory.has_ai


@pytest.mark.parametrize("program", ["runc", "containerd-shim-runc-v2", "qemu-img", "python3"])
def test_other_programs_are_no_sandbox(program: str) -> None:
    (inventory,) = identify(make.node([running(program)]), RULES)
    assert inventory.unseen == ()


def test_a_shim_of_the_runtime_speaks_for_the_pod_of_its_container() -> None:
    shim = running("containerd-shim-kata-v2", 7, Cgroup(unit="containerd.service"), "-id", "c" * 64)
    helper = running("virtiofsd", 8, Cgroup("d" * 64, "pod"))
    found = identify(make.node([shim, helper], [CONTAINER]), RULES)
    said = {i.workload.name: subjects(i) for i in found}
    assert said == {
        "containerd.service": [],
        "pod-pod": ["container app runs in Kata Containers"],
    }


@pytest.mark.parametrize("argv", [(), ("-id",), ("-id", "e" * 64)])
def test_a_sandbox_of_nothing_known_is_said_where_it_runs(argv: tuple[str, ...]) -> None:
    shim = running("containerd-shim-kata-v2", 7, Cgroup(unit="containerd.service"), *argv)
    (inventory,) = identify(make.node([shim]), RULES)
    (subject,) = subjects(inventory)
    who = f"container {'e' * 12}" if argv[1:] else "what process 7 (containerd-shim) hosts"
    assert subject == f"{who} runs in Kata Containers"
