"""From who uses an MCP server to the server: links that let the dependency graph be walked."""

from collections import defaultdict
from dataclasses import replace

from aibom.types.inventory import Component, Inventory, Link, Service

# services that are MCP servers, by their role
_MCP = frozenset({"mcp-endpoint", "mcp-server"})


def with_edges(inventory: Inventory) -> Inventory:
    """Return an inventory with links from the clients of MCP servers to their services.

    A client is what its process is: an agent, else a bridge (a server that is a client as well),
    else the agent frameworks in it, else the SDK that speaks for it.
    """
    held: dict[int, list[Component]] = defaultdict(list)
    for component in inventory.components:
        for pid in {e.pid for e in component.evidence}:
            held[pid].append(component)
    links = set(inventory.links)
    for service in inventory.services:
        for pid in _callers(service):
            links |= {
                Link(c.ref, service.ref) for c in _speakers(held[pid]) if c.ref != service.component
            }
    return replace(inventory, links=tuple(sorted(links)))


def _callers(service: Service) -> tuple[int, ...]:
    if service.role not in _MCP:
        return ()
    if service.component:
        return service.client_pids
    return tuple(sorted({e.pid for e in service.evidence}))


def _speakers(components: list[Component]) -> list[Component]:
    ranks = (
        [c for c in components if c.kind == "agent"],
        [c for c in components if c.kind == "mcp-server"],
        [c for c in components if c.role == "agent-framework"],
        [c for c in components if c.role == "mcp-sdk"],
    )
    return next((found for found in ranks if found), [])
