"""Who talks to what: destinations that rules name, servers of the node, and all the others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from aibom.identify.features import Witness
from aibom.identify.match import match
from aibom.identify.network.destinations import (
    MAX_ACCOUNTS,
    Destination,
    host_of,
    named_by_nothing,
    named_by_rule,
    of_server,
)
from aibom.identify.network.ends import Address, Ends, address_of
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.inventory import Component, Inventory, Service
from aibom.types.processes import Connection
from aibom.types.rules import Feature, Rule, RuleSet
from aibom.types.unseen import Unseen

#: Most destinations of one workload that are kept, those that rules name first.
MAX_DESTINATIONS = 256

_WITH_AI = ("model", "adapter", "framework", "mcp-server")


def with_destinations(
    inventories: Sequence[Inventory],
    parties: Sequence[Sequence[ProcessFacts]],
    facts: NodeFacts,
    rules: RuleSet,
) -> tuple[Inventory, ...]:
    """Return inventories with what their processes, the ``parties``, talk to among their services.

    A destination that a rule names is given for every process; another one only for processes
    that hold a model, a framework or an MCP component. What does not leave the network namespace
    is none, but makes a process the client of a server that is known.
    """
    sweep = _Sweep(inventories, facts, rules)
    return tuple(
        _Talk(inventory, sweep).listed(members)
        for inventory, members in zip(inventories, parties, strict=True)
    )


# of a request whose connection could be any of several: https has this port by default
# (RFC 9110, 4.2.2), and the name alone tells where it went
_UNTOLD = Address("0.0.0.0", "443")  # noqa: S104 - nothing is bound to it


@dataclass(frozen=True, slots=True)
class _Server:
    """A service that listens, the component that it is, and the inventory that has both."""

    inventory: Inventory
    service: Service
    component: Component


class _Sweep:
    """What holds for all workloads: processes, who serves, and what rules say of a name."""

    def __init__(self, inventories: Iterable[Inventory], facts: NodeFacts, rules: RuleSet) -> None:
        self._containers = facts.containers
        self._ends = Ends(facts.processes)
        self.outgoing = self._ends.outgoing
        self._rules = rules.destinations
        self._known: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._servers: dict[int, list[_Server]] = defaultdict(list)
        for inventory in inventories:
            components = {c.ref: c for c in inventory.components}
            for service in inventory.services:
                component = components[service.component]
                for pid in {e.pid for e in service.evidence}:
                    self._servers[pid].append(_Server(inventory, service, component))

    def witness(self, found: ProcessFacts) -> Witness:
        """Return who speaks for a process."""
        return Witness(found, self._containers.get(found.process.cgroup.container_id))

    def rules_for(self, host: str, port: str) -> tuple[Rule, ...]:
        """Return the rules that name a destination, sorted by id; none without a host.

        A rule that has the very name is believed before those with a pattern.
        """
        if (host, port) not in self._known:
            name = Feature("talks", "host", host)
            held = match(self._rules, (name, Feature("talks", "port", port))) if host else ()
            rules = tuple(m.rule for m in held)
            exact = tuple(r for r in rules if any(name in c.features for c in r.clauses))
            self._known[host, port] = exact or rules
        return self._known[host, port]

    def servers(self, found: ProcessFacts, connection: Connection) -> list[_Server]:
        """Return the known servers at the other end of a connection that ``found`` began."""
        return [
            server
            for holder in self._ends.holders(found, connection)
            for server in self._servers.get(holder.pid, ())
            if any(e.endswith(f":{holder.port}") for e in server.service.endpoints)
        ]


class _Talk:
    """What the processes of one workload talk to."""

    def __init__(self, inventory: Inventory, sweep: _Sweep) -> None:
        self._inventory = inventory
        self._sweep = sweep
        self._found: dict[str, Destination] = {}
        self._clients: dict[str, set[tuple[int, str]]] = defaultdict(set)
        self._beside: dict[int, set[str]] = defaultdict(set)
        for component in inventory.components:
            for evidence in component.evidence if component.kind in _WITH_AI else ():
                self._beside[evidence.pid].add(component.ref)

    def listed(self, members: Iterable[ProcessFacts]) -> Inventory:
        """Return the inventory with destinations, and with the clients of its own servers."""
        for found in members:
            for connection in found.connections:
                remote = address_of(connection.remote)
                if connection.request:
                    self._take(found, connection, remote or _UNTOLD)
                elif remote is not None and self._sweep.outgoing(found, connection):
                    self._take(found, connection, remote)
        ranked = sorted(self._found.values(), key=lambda d: (not d.service.rule, d.service.ref))
        kept = [d.finished(self._beside) for d in ranked[:MAX_DESTINATIONS]]
        own = [self._with_clients(service) for service in self._inventory.services]
        return replace(
            self._inventory,
            services=tuple(sorted([*own, *kept], key=lambda s: s.ref)),
            unseen=(*self._inventory.unseen, *self._cut(ranked)),
        )

    def _take(self, found: ProcessFacts, connection: Connection, remote: Address) -> None:
        host = host_of(connection)
        place = Address(host or remote.host, remote.port)
        outside = not remote.loopback and remote.host != _address(connection.local)
        if rules := self._sweep.rules_for(host, remote.port):
            services = [named_by_rule(rule, place) for rule in rules]
        elif servers := self._sweep.servers(found, connection):
            self._serve(servers, found, connection, place)
            return
        elif outside and found.process.pid in self._beside:
            services = [named_by_nothing(place)]
        else:
            return
        for service in services:
            to = self._found.setdefault(service.ref, Destination(service, place))
            to.note(connection, self._sweep.witness(found), outside=outside)

    def _serve(
        self, servers: list[_Server], found: ProcessFacts, connection: Connection, place: Address
    ) -> None:
        """Note a client of the workload's own servers, or a server of another workload."""
        process = found.process
        for server in servers:
            component = server.component
            if server.inventory is not self._inventory:
                service = of_server(component.ref, server.service.name, component.role, place)
                to = self._found.setdefault(service.ref, Destination(service, place))
                witness = self._sweep.witness(found)
                to.note(connection, witness, outside=True, accepted=True)
            elif all(e.pid != process.pid for e in component.evidence):
                client = f"pid {process.pid}: {' '.join(process.argv) or process.comm}"
                self._clients[server.service.ref].add((process.pid, client))

    def _with_clients(self, service: Service) -> Service:
        found = self._clients.get(service.ref, set())
        clients = sorted({*service.clients, *(client for _, client in found)})
        pids = sorted({*service.client_pids, *(pid for pid, _ in found)})
        return replace(service, clients=tuple(clients[:MAX_ACCOUNTS]), client_pids=tuple(pids))

    def _cut(self, ranked: list[Destination]) -> list[Unseen]:
        """Say how much was more than is kept."""
        rest = max(0, len(ranked) - MAX_DESTINATIONS)
        accounts = sum(d.cut for d in ranked[:MAX_DESTINATIONS])
        if not rest and not accounts:
            return []
        subject = f"destinations of {self._inventory.workload.name}"
        detail = f"{rest} destinations and {accounts} accounts of others are not kept"
        return [Unseen("lost", subject, detail)]


def _address(text: str) -> str:
    address = address_of(text)
    return address.host if address is not None else ""
