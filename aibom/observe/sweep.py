"""One look at every process of a node, or of the part of it that was asked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from aibom.formats.procfs import cgroup
from aibom.formats.procfs.process import parse_stat
from aibom.observe.containers import containers
from aibom.observe.inspector import Inspector, Look
from aibom.observe.network.sockets import Sockets
from aibom.observe.processes import RawProcess, identity, snapshot
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.processes import Cgroup, Container, Process
from aibom.types.unseen import Unseen

# processes that may be remembered before those that ended are looked for
_MANY = 1_000
_REMEDY = "run as root with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, in a pod with hostPID: true"


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a node to look at; with nothing set it is the whole node.

    ``pod`` is (namespace, name); ``container`` a container id or the start of one; ``skip`` are
    processes to leave out, aibom's own for one.
    """

    pids: frozenset[int] = frozenset()
    pod: tuple[str, str] | None = None
    container: str = ""
    skip: frozenset[int] = frozenset()

    def covers(self, process: Process, container: Container | None) -> bool:
        """Say whether a process belongs to the part."""
        if self.pids:
            return process.pid in self.pids
        if self.pod is not None:
            named = container and (container.pod_namespace, container.pod_name)
            return named == self.pod
        if self.container:
            return container is not None and container.id.startswith(self.container)
        return True


@dataclass
class _Known:
    """What was last read of a process, to be used again while nothing changed."""

    raw: RawProcess
    process: Process
    look: Look | None = None


@dataclass
class _Pass:
    """What one sweep collects."""

    scope: Scope
    processes: dict[int, Process] = field(default_factory=dict)
    unseen: list[Unseen] = field(default_factory=list)
    lost: dict[int, Cgroup] = field(default_factory=dict)
    #: by mount namespace, a process that sees all of it
    roots: dict[str, Process] = field(default_factory=dict)

    def miss(self, pid: int, error: Exception, place: Cgroup) -> None:
        """Note that a process could not be looked at, if it may be one that was asked for."""
        scope = self.scope
        if scope.pids and pid not in scope.pids:
            return
        elsewhere = not place.container_id.startswith(scope.container or "\0")
        if (scope.pod and not place.container_id) or (scope.container and elsewhere):
            return
        subject = f"process {pid}"
        if isinstance(error, FileNotFoundError | ProcessLookupError):
            gone = "there is no such process" if scope.pids else "ended while it was looked at"
            unseen = Unseen("vanished", subject, gone, "", pid)
        elif isinstance(error, PermissionError):
            unseen = Unseen("denied", subject, error.strerror or "", _REMEDY, pid)
        else:
            unseen = Unseen("unreadable", subject, str(error), "", pid)
        self.unseen.append(unseen)
        self.lost[pid] = place


class Sweeper:
    """Looks at a node again and again, reading anew only what changed."""

    def __init__(
        self,
        inspector: Inspector,
        cri: Callable[[], Mapping[str, Container]] | None = None,
    ) -> None:
        """Look at the inspector's host; ``cri`` lists containers where the runtime may be asked."""
        self._host = inspector.host
        self.inspector = inspector
        self._cri = cri
        self._known: dict[int, _Known] = {}
        self._prune_at = _MANY
        self._containers: dict[str, Container] = {}
        self._unlisted: set[str] = set()
        #: why the runtime did not answer when it was asked last
        self.silence: Unseen | None = None

    def sweep(self, scope: Scope | None = None) -> NodeFacts:
        """Return what the processes in ``scope`` hold now.

        Nothing that a process does makes this raise: what cannot be seen becomes an Unseen.
        """
        state = _Pass(scope or Scope())
        self._host.refresh()
        if state.scope.pids:
            self._meet_with_ancestors(state)
        else:
            for pid in self._host.pids():
                if pid not in state.scope.skip:
                    self._meet(pid, state)
        if not state.scope.pids:
            self.forget(state.processes)
        elif len(self._known) > self._prune_at:
            self.forget(self._host.pids())
        self._name_containers(state)
        sockets = Sockets(self._host)
        looks = []
        for _, process in sorted(state.processes.items()):
            container = self._containers.get(process.cgroup.container_id)
            if state.scope.covers(process, container):
                looks += self._look(process, state, sockets)
        return NodeFacts(
            processes=tuple(looks),
            containers=dict(self._containers),
            unseen=tuple(dict.fromkeys(state.unseen)),
            lost=dict(state.lost),
        )

    def forget(self, alive: Iterable[int]) -> None:
        """Forget all processes but those that are ``alive``."""
        kept = set(alive)
        self._known = {pid: known for pid, known in self._known.items() if pid in kept}
        # twice what is alive, so that looking for ended ones costs little
        self._prune_at = 2 * len(self._known) + _MANY

    def hear(self) -> bool:
        """Ask a runtime again that did not answer; say whether it does now, and names are known."""
        listed = self._listed() if self.silence is not None else None
        if listed is None:
            return False
        self._containers |= {i: c for i, c in listed.items() if i in self._containers}
        return True

    def _listed(self) -> Mapping[str, Container] | None:
        """Return the containers that the runtime lists; None of one that does not answer."""
        if self._cri is None:
            return None
        try:
            listed = self._cri()
        except OSError as error:
            remedy = "check the CRI socket; names and labels come from bundles meanwhile"
            self.silence = Unseen("runtime", "CRI socket", str(error), remedy)
            return None
        self.silence = None
        return listed

    @property
    def containers(self) -> Mapping[str, Container]:
        """The containers of the last sweep, by their ids."""
        return self._containers

    def ancestors(self, pids: Iterable[int]) -> set[int]:
        """Return the ancestors, as of the last sweep, of some processes; the first one aside."""
        found: set[int] = set()
        for pid in pids:
            known = self._known.get(pid)
            while known is not None and known.process.parent > 1:
                parent = known.process.parent
                if parent in found or parent not in self._known:
                    break
                found.add(parent)
                known = self._known[parent]
        return found

    def pids(self) -> frozenset[int]:
        """Return the numbers of all processes that run now."""
        return frozenset(self._host.pids())

    def parents(self) -> dict[int, int]:
        """Return the parent of each process that runs now."""
        found = {}
        for pid in self._host.pids():
            try:
                found[pid] = parse_stat(self._host.read(pid, "stat")).parent
            except (OSError, ValueError):
                continue  # it has ended
        return found

    def _meet_with_ancestors(self, state: _Pass) -> None:
        """Meet the processes that were asked for, and those that may be their runtime."""
        waiting = sorted(state.scope.pids)
        met: set[int] = set()
        while waiting:
            pid = waiting.pop()
            if pid in met:
                continue
            met.add(pid)
            self._meet(pid, state)
            process = state.processes.get(pid)
            if process is not None and process.parent > 1:
                waiting.append(process.parent)

    def _meet(self, pid: int, state: _Pass) -> None:
        try:
            raw = snapshot(self._host, pid)
            if raw is None:
                return
            known = self._known.get(pid)
            if known is None or known.raw != raw:
                process = identity(self._host, pid, raw)
                process = replace(process, cgroup=containers.place(self._host, process))
                known = self._known[pid] = _Known(raw, process)
            state.processes[pid] = known.process
            if known.process.root == "/":
                state.roots.setdefault(known.process.mount_namespace, known.process)
        except (OSError, ValueError) as error:
            state.miss(pid, error, self._place_of(pid))

    def _place_of(self, pid: int) -> Cgroup:
        """Return where a process belongs that may not be looked into; its cgroup is public."""
        try:
            return cgroup.parse(self._host.read(pid, "cgroup"))
        except OSError:
            return Cgroup()

    def _name_containers(self, state: _Pass) -> None:
        """Learn who each container is: from the CRI where it is offered, else from bundles."""
        present = {p.cgroup.container_id: p for p in state.processes.values()}
        present.pop("", None)
        if not state.scope.pids:
            self._containers = {i: c for i, c in self._containers.items() if i in present}
            self._unlisted &= present.keys()
        # a runtime that could not be asked when a container was met may be asked by now
        unlisted = {i for i in present if self._source_of(i) != "cri"} - self._unlisted
        listed = self._listed() if unlisted else None
        if listed is not None:
            # containers that another runtime made
            self._unlisted |= present.keys() - listed.keys()
            self._containers |= {i: c for i, c in listed.items() if i in present}
        elif unlisted and self.silence is not None:
            state.unseen.append(self.silence)
        for container_id, process in present.items():
            if container_id not in self._containers:
                self._containers[container_id] = self._describe(process, state)

    def _source_of(self, container_id: str) -> str:
        known = self._containers.get(container_id)
        return known.source if known is not None else ""

    def _describe(self, process: Process, state: _Pass) -> Container:
        runtime = containers.runtime_of(state.processes, process)
        shim = state.processes.get(runtime) if runtime is not None else None
        place = process.cgroup
        return containers.describe(self._host, place.container_id, place.pod_uid, shim)

    def _look(self, process: Process, state: _Pass, sockets: Sockets) -> list[ProcessFacts]:
        known = self._known[process.pid]
        look = known.look
        try:
            if look is None or not self.inspector.unchanged(look):
                runtime = containers.runtime_of(state.processes, process)
                neighbour = state.roots.get(process.mount_namespace, process)
                moved = process.root != "/"
                look = known.look = self.inspector.look(
                    process, known.raw, runtime, neighbour if moved else process
                )
        except (OSError, ValueError) as error:
            state.miss(process.pid, error, process.cgroup)
            return []
        state.unseen += look.unseen
        streams = look.facts.streams
        try:
            streams = sockets.joined(process, streams) if look.matters else streams
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
        except OSError as error:
            detail = f"who is at the other end: {error.strerror}"
            remedy = "CAP_SYS_ADMIN, to ask in the process's network namespace"
            state.unseen.append(
                Unseen("denied", f"stdio of process {process.pid}", detail, remedy, process.pid)
            )
        connections = sockets.connections(process, streams)
        return [replace(look.facts, streams=streams, connections=connections)]
