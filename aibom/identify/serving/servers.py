"""One service for each server, with its workers and what it serves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aibom.identify.features import RUN, UNPROVEN
from aibom.identify.network.wires import listening_on
from aibom.identify.serving.families import Families, Family
from aibom.identify.serving.served import Served, served_by
from aibom.identify.serving.workers import workers_of
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Component, Evidence, Link, Service
from aibom.types.rules import Serves

_ROLES = frozenset({"inference-server", "vector-store"})


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
    known: dict[int, set[str]] = defaultdict(set)
    for component in components:
        for seen in _proving(component) if component.role == "inference-server" else ():
            known[seen.pid].add(component.rule)
    families = Families(members, known)
    found: list[tuple[Server, Serves | None]] = []
    for rule, parts in sorted(_by_rule(components, serving).items()):
        spelled = serving.get(rule)
        found += [(server, spelled) for server in _servers(parts, families, spelled)]
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
    wanted = [e for e in part.evidence if e.how not in UNPROVEN]
    return wanted if part.role in _ROLES else [e for e in wanted if e.how in RUN]


def _servers(
    parts: Sequence[Component], families: Families, spelled: Serves | None
) -> list[Server]:
    """Return the servers that components of one rule are, as far as they listen."""
    proven = {e.pid for part in parts for e in _proving(part)}
    found = [_server(f, parts, families) for f in families.of(parts[0].rule, proven, spelled)]
    kept = [server for server in found if server.endpoints]
    return sorted(kept, key=lambda s: s.members[0].process.pid)


def _server(pids: Family, parts: Sequence[Component], families: Families) -> Server:
    listening = {pid for pid in pids if families.ports[pid]}
    own = {part.ref: [e for e in _proving(part) if e.pid in pids] for part in parts}
    # the program that listens is what the server is called by
    ranked = sorted(
        (part for part in parts if own[part.ref]),
        key=lambda p: (
            listening.isdisjoint(e.pid for e in own[p.ref]),
            p.type == "library",
            p.ref,
        ),
    )
    members = [families.found[pid] for pid in sorted(pids)]
    return Server(
        parts=tuple(ranked),
        members=tuple(sorted(members, key=lambda m: m.process.parent in pids)),
        endpoints=tuple(sorted({url for pid in pids for _, url in families.ports[pid]})),
        evidence=tuple(sorted({e for seen in own.values() for e in seen})),
    )


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
