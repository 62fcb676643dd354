"""One server, with its workers: which processes answer together, and where they listen."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aibom.formats.serving import claim_of
from aibom.identify.agentprograms import says_nothing
from aibom.identify.served import Served, served_by
from aibom.identify.wires import listening_on
from aibom.identify.workers import workers_of
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Component, Evidence, Link, Service
from aibom.types.rules import Serves

_ROLES = frozenset({"inference-server", "vector-store"})
# that a package is there, or named by another one, does not load it
_UNPROVEN = frozenset({"installed", "listed"})
#: How a process is said to run something itself, and not just to load it.
RUN = frozenset({"command line", "executable"})
_Family = frozenset[int]


@dataclass(frozen=True, slots=True)
class Server:
    """One server: the processes that answer together, the first of which began the others.

    ``parts`` are the components of one rule that they prove; the service bears the first one's
    name. ``evidence`` is what in these processes proves them.
    """

    parts: tuple[Component, ...]
    members: tuple[ProcessFacts, ...]
    endpoints: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def servers_of(
    components: Iterable[Component],
    members: Iterable[ProcessFacts],
    serving: Mapping[str, Serves],
) -> tuple[list[Service], set[Link]]:
    """Return one service for each server that listens, and links to what its processes load.

    ``serving`` says by rule how a server's command line spells what it serves.
    """
    components = list(components)
    tree = _Tree(members, components)
    found: list[tuple[Server, Serves | None]] = []
    for rule, parts in sorted(_by_rule(components, serving).items()):
        spelled = serving.get(rule)
        found += [(server, spelled) for server in tree.servers(parts, spelled)]
    refs = _refs([server for server, _ in found])
    services, links = [], set()
    for (server, spelled), ref in zip(found, refs, strict=True):
        served = Served()
        if server.parts[0].role != "vector-store":
            served = served_by(server.members, server.evidence, spelled, components)
        service = _service(server, ref)
        services.append(
            replace(
                service,
                properties=(*service.properties, *served.properties),
                concerns=served.concerns,
            )
        )
        links |= {Link(ref, target) for target in served.models}
        links |= {Link(ref, part.ref) for part in server.parts}
    return services, links


def _by_rule(
    components: Iterable[Component], serving: Mapping[str, Serves]
) -> dict[str, list[Component]]:
    """Return the components that may serve, by their rule."""
    found: dict[str, list[Component]] = defaultdict(list)
    for component in components:
        # what has a role of its own serves when its command line is a server's
        if component.rule and (component.role in _ROLES or component.rule in serving):
            found[component.rule].append(component)
    return found


def _proving(part: Component) -> list[Evidence]:
    """Return the evidence that a process is a part of a server."""
    wanted = [e for e in part.evidence if e.how not in _UNPROVEN]
    return wanted if part.role in _ROLES else [e for e in wanted if e.how in RUN]


class _Tree:
    """The processes of a workload, by who began whom and who listens where."""

    def __init__(self, members: Iterable[ProcessFacts], components: Iterable[Component]) -> None:
        self._found = {found.process.pid: found for found in members}
        self._children: dict[int, list[int]] = defaultdict(list)
        for pid, found in sorted(self._found.items()):
            self._children[found.process.parent].append(pid)
        self._ports = {pid: _ports(found) for pid, found in self._found.items()}
        self._sharing: dict[tuple[str, str], set[int]] = defaultdict(set)
        for pid, ports in self._ports.items():
            for port in ports:
                self._sharing[port].add(pid)
        self._servers: dict[int, set[str]] = defaultdict(set)
        for component in components:
            for seen in _proving(component) if component.role == "inference-server" else ():
                self._servers[seen.pid].add(component.rule)

    def servers(self, parts: Sequence[Component], spelled: Serves | None) -> list[Server]:
        """Return the servers that components of one rule are, as far as they listen."""
        proven = {e.pid for part in parts for e in _proving(part)} & self._found.keys()
        families: dict[int, set[int]] = defaultdict(set)
        heads = self._heads(proven, spelled)
        for pid in proven:
            families[self._head(pid, heads)].add(pid)
        rule = parts[0].rule
        whole = [self._whole(family, rule, heads) for family in families.values()]
        found = [self._server(family, parts) for family in self._joined(whole)]
        kept = [server for server in found if server.endpoints]
        return sorted(kept, key=lambda s: s.members[0].process.pid)

    def _heads(self, proven: Collection[int], spelled: Serves | None) -> set[int]:
        """Return the processes that began a server each.

        One that neither listens nor says what it serves, and began several that do both, only
        launched them.
        """
        below: dict[int, set[int]] = defaultdict(set)
        heads = set()
        for pid in proven:
            above = self._above(pid, proven)
            if above is None:
                heads.add(pid)
            else:
                below[above].add(pid)
        for pid in list(heads):
            own = {c for c in below[pid] if self._ports[c] and self._says(c, spelled)}
            if len(own) > 1 and not self._ports[pid] and not self._says(pid, spelled):
                heads |= own
        return heads

    def _says(self, pid: int, spelled: Serves | None) -> bool:
        argv = self._found[pid].process.argv
        return spelled is not None and bool(claim_of(argv, spelled).sources)

    def _above(self, pid: int, among: Collection[int]) -> int | None:
        """Return the nearest ancestor of a process that is one of ``among``."""
        seen = {pid}
        at = self._found[pid].process.parent
        while at in self._found and at not in seen:
            if at in among:
                return at
            seen.add(at)
            at = self._found[at].process.parent
        return None

    def _head(self, pid: int, heads: Collection[int]) -> int:
        above = pid if pid in heads else self._above(pid, heads)
        return above if above is not None else pid

    def _whole(self, family: set[int], rule: str, heads: Collection[int]) -> _Family:
        """Return the proven processes of a server, its workers, and who shares its socket."""
        whole = set(family)
        waiting = [child for pid in family for child in self._children[pid]]
        while waiting:
            pid = waiting.pop()
            if pid in heads or self._servers[pid] - {rule}:
                continue  # another server
            found = self._found[pid]
            if pid not in family and not (self._is_worker(found) or found.models):
                continue
            if pid not in whole or pid in family:
                whole.add(pid)
            waiting += [child for child in self._children[pid] if child not in whole]
        programs = {self._found[pid].process.executable for pid in family}
        for port in {port for pid in family for port in self._ports[pid]}:
            whole |= {p for p in self._sharing[port] if self._program(p) in programs}
        return frozenset(whole)

    def _program(self, pid: int) -> str:
        return self._found[pid].process.executable

    def _is_worker(self, found: ProcessFacts) -> bool:
        """Say whether a child runs what its parent runs: forked, or told so in no other way."""
        parent = self._found[found.process.parent].process
        if parent.executable != found.process.executable:
            return False
        return found.process.argv == parent.argv or says_nothing(found)

    def _joined(self, families: Iterable[_Family]) -> list[_Family]:
        """Join what has a process or a listening socket in common, as forked workers have."""
        joined: list[tuple[_Family, set[tuple[str, str]]]] = []
        for family in sorted(families, key=min):
            ports = {port for pid in family for port in self._ports[pid]}
            same = [one for one in joined if one[0] & family or one[1] & ports]
            rest = [one for one in joined if one not in same]
            pids = family.union(*(one[0] for one in same))
            joined = [*rest, (pids, ports.union(*(one[1] for one in same)))]
        return [pids for pids, _ in joined]

    def _server(self, pids: _Family, parts: Sequence[Component]) -> Server:
        ports = sorted({url for pid in pids for _, url in self._ports[pid]})
        own = [part for part in parts if any(e.pid in pids for e in _proving(part))]
        ranked = sorted(own, key=lambda p: (not self._listens(p), p.type == "library", p.ref))
        began = sorted(pids, key=lambda p: (self._found[p].process.parent in pids, p))
        return Server(
            parts=tuple(ranked),
            members=tuple(self._found[pid] for pid in began),
            endpoints=tuple(ports),
            evidence=tuple(sorted({e for p in own for e in _proving(p) if e.pid in pids})),
        )

    def _listens(self, part: Component) -> bool:
        return any(self._ports.get(e.pid) for e in _proving(part))


def _ports(found: ProcessFacts) -> frozenset[tuple[str, str]]:
    """Return where a process listens, each with its network namespace."""
    namespace = found.process.network_namespace
    return frozenset((namespace, url) for url in listening_on(found))


def _service(server: Server, ref: str) -> Service:
    first = server.parts[0]
    return Service(
        ref=ref,
        name=first.name,
        component=first.ref,
        transport="tcp",
        endpoints=server.endpoints,
        evidence=server.evidence,
        properties=tuple(("aibom:worker", text) for text in workers_of(server.members)),
    )


def _refs(servers: Sequence[Server]) -> list[str]:
    """Return a ref for each server: its component's, with its port where there are several."""
    plain = [f"service:{server.parts[0].ref}" for server in servers]
    refs: list[str] = []
    for server, ref in zip(servers, plain, strict=True):
        own = f"{ref}:{_port(server)}" if plain.count(ref) > 1 else ref
        same = sum(known == own or known.startswith(f"{own}#") for known in refs)
        refs.append(f"{own}#{same + 1}" if same else own)
    return refs


def _port(server: Server) -> str:
    """Return the port that clients use: the one of the process that began the others."""
    own = next((ports for m in server.members if (ports := listening_on(m))), server.endpoints)
    return min((url.rpartition(":")[2] for url in own), key=lambda port: (len(port), port))
