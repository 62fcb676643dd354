"""MCP servers that serve a client of another workload over pipes, as on a host without pods."""

from collections.abc import Iterable, Mapping, Sequence

from aibom.identify.features import Witness
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory, Service
from aibom.types.processes import Container


def tethered(inventories: Iterable[Inventory]) -> list[Service]:
    """Return all services over stdio whose client is known."""
    services = (service for inventory in inventories for service in inventory.services)
    return [s for s in services if "stdio" in s.transport and s.component and s.client_pids]


def served_elsewhere(
    services: Iterable[Service],
    own: Inventory,
    members: Sequence[ProcessFacts],
    containers: Mapping[str, Container],
) -> list[Service]:
    """Return those of ``services`` that other workloads have, and whose stdio is held here.

    Clients start their servers in sessions of their own (the Python SDK does), and outside of
    containers a session is a workload. Sockets tell of servers elsewhere by themselves.
    """
    mine = {found.process.pid: found for found in members}
    found: dict[str, Service] = {}
    for service in services:
        clients = [mine[pid] for pid in service.client_pids if pid in mine]
        if clients and service not in own.services:
            there = _there(service, clients, containers)
            found.setdefault(there.ref, there)
    return list(found.values())


def _there(
    service: Service, clients: Sequence[ProcessFacts], containers: Mapping[str, Container]
) -> Service:
    seen = []
    for client in clients:
        witness = Witness(client, containers.get(client.process.cgroup.container_id))
        seen.append(witness.saw("other end seen", "stdio", "dynamic-analysis", 95, None))
    return Service(
        ref=f"service:{service.component}:elsewhere",
        name=service.name,
        component="",
        transport=service.transport,
        evidence=tuple(seen),
        role="mcp-server",
    )
