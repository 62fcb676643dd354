"""Which processes belong together: a pod, a container, a service, or a session."""

from collections.abc import Iterable

from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.inventory import Workload, WorkloadKind
from aibom.types.processes import Container

_Key = tuple[WorkloadKind, str]


def group(facts: NodeFacts, *, as_one: bool = False) -> list[tuple[Workload, list[ProcessFacts]]]:
    """Return the workloads of a sweep with their processes, sorted by name.

    ``as_one`` makes a single workload of everything, as ``--pid`` asks for.
    """
    members: dict[_Key, list[ProcessFacts]] = {}
    for found in facts.processes:
        key: _Key = ("processes", "") if as_one else _key(found, facts)
        members.setdefault(key, []).append(found)
    workloads = [_workload(key, found, facts) for key, found in members.items()]
    return _unique(sorted(zip(workloads, members.values(), strict=True), key=_order))


def _order(pair: tuple[Workload, list[ProcessFacts]]) -> tuple[str, str, str]:
    return (pair[0].namespace, pair[0].name, pair[0].uid)


def _key(found: ProcessFacts, facts: NodeFacts) -> _Key:
    if not found.process.placed:
        return ("unattributed", "")
    cgroup = found.process.cgroup
    container = facts.containers.get(cgroup.container_id)
    pod = cgroup.pod_uid or (container.pod_uid if container else "")
    if pod:
        return ("pod", pod)
    if cgroup.container_id:
        return ("container", cgroup.container_id)
    if cgroup.unit:
        return ("service", cgroup.unit)
    return ("processes", str(found.process.session or found.process.pid))


def _workload(key: _Key, members: list[ProcessFacts], facts: NodeFacts) -> Workload:
    kind, identifier = key
    pids = tuple(sorted(m.process.pid for m in members))
    known = [c for m in members if (c := facts.containers.get(m.process.cgroup.container_id))]
    if kind == "pod":
        described = _most_telling(known)
        return Workload(
            kind,
            described.pod_name or f"pod-{identifier}",
            described.pod_namespace,
            identifier,
            described.labels,
            pids,
        )
    if kind == "container":
        described = _most_telling(known)
        name = described.name or identifier[:12]
        return Workload(kind, name, "", identifier, described.labels, pids)
    if kind == "unattributed":
        return Workload(kind, kind, pids=pids)
    if kind == "service":
        return Workload(kind, identifier, pids=pids)
    return Workload(kind, _session_name(identifier, members), uid=identifier, pids=pids)


def _most_telling(containers: Iterable[Container]) -> Container:
    ranked = sorted(containers, key=lambda c: (not c.pod_name, not c.labels, c.sandbox, c.id))
    return ranked[0] if ranked else Container("")


def _session_name(session: str, members: list[ProcessFacts]) -> str:
    first = min(members, key=lambda m: m.process.pid)
    leader = next((m for m in members if str(m.process.pid) == session), first)
    return f"{leader.process.comm}-{session or leader.process.pid}"


def _unique(
    pairs: list[tuple[Workload, list[ProcessFacts]]],
) -> list[tuple[Workload, list[ProcessFacts]]]:
    """Tell two workloads of one name apart by their uid, as two BOMs need two names."""
    names = [(w.namespace, w.name) for w, _ in pairs]
    return [
        (_with_uid(w) if names.count((w.namespace, w.name)) > 1 else w, members)
        for w, members in pairs
    ]


def _with_uid(workload: Workload) -> Workload:
    name = f"{workload.name}-{workload.uid[:12]}"
    return Workload(
        workload.kind, name, workload.namespace, workload.uid, workload.labels, workload.pids
    )
