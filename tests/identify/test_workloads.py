"""Which processes make one workload, and what it is called."""

from aibom.identify.workloads import group
from aibom.types.facts import ProcessFacts
from aibom.types.processes import Cgroup, Container
from tests import make

A, B = "a" * 64, "b" * 64


def names(
    *processes: ProcessFacts, containers: tuple[Container, ...] = ()
) -> list[tuple[str, ...]]:
    found = group(make.node(processes, containers))
    return [(w.kind, w.namespace, w.name, str(w.pids)) for w, _ in found]


def in_cgroup(pid: int, cgroup: Cgroup, **fields: object) -> ProcessFacts:
    return make.seen(of=make.process(pid, cgroup=cgroup, **fields))


def test_containers_of_one_pod_are_one_workload() -> None:
    containers = (
        Container(A, "bundle", "app", "chat", "default", "u1"),
        Container(B, "bundle", "side", "chat", "default", "u1"),
    )
    processes = in_cgroup(1, Cgroup(A, "u1")), in_cgroup(2, Cgroup(B, "u1"))
    assert names(*processes, containers=containers) == [("pod", "default", "chat", "(1, 2)")]


def test_a_pod_that_nobody_describes_is_still_one() -> None:
    processes = in_cgroup(1, Cgroup(A, "u1")), in_cgroup(2, Cgroup(B, "u1"))
    assert names(*processes) == [("pod", "", "pod-u1", "(1, 2)")]


def test_a_pod_known_from_the_runtime_alone() -> None:
    container = Container(A, "cri", "app", "chat", "default", "u1")
    assert names(in_cgroup(1, Cgroup(A)), containers=(container,)) == [
        ("pod", "default", "chat", "(1,)")
    ]


def test_containers_outside_pods_services_and_sessions() -> None:
    found = names(
        in_cgroup(1, Cgroup(A)),
        in_cgroup(2, Cgroup(unit="ollama.service")),
        in_cgroup(3, Cgroup(), session=3, comm="bash"),
        in_cgroup(4, Cgroup(), session=3),
    )
    assert found == [
        ("container", "", A[:12], "(1,)"),
        ("processes", "", "bash-3", "(3, 4)"),
        ("service", "", "ollama.service", "(2,)"),
    ]


def test_two_pods_of_one_name_get_two_names() -> None:
    containers = (
        Container(A, "bundle", "app", "chat", "default", "u1"),
        Container(B, "bundle", "app", "chat", "default", "u2"),
    )
    processes = in_cgroup(1, Cgroup(A, "u1")), in_cgroup(2, Cgroup(B, "u2"))
    assert [n[2] for n in names(*processes, containers=containers)] == ["chat-u1", "chat-u2"]


def test_named_processes_are_one_workload() -> None:
    processes = in_cgroup(1, Cgroup(A)), in_cgroup(2, Cgroup(unit="x.service"))
    ((workload, members),) = group(make.node(processes), as_one=True)
    assert (workload.kind, len(members)) == ("processes", 2)
