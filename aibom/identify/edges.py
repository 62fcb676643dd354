"""What agents and servers reach: the edges by which a BOM is walked from agent to identity."""

from collections.abc import Iterable

from aibom.identify.agents.agents import Agent
from aibom.identify.features import READ
from aibom.types.inventory import Component, Evidence, Inventory, Link

_CONTENT = ("model", "adapter", "data")


def edges_of(inventory: Inventory, agents: Iterable[Agent]) -> set[Link]:
    """Return the links from agents and servers to what their own processes use.

    Agents are among the inventory's components. An edge needs one process that both ends'
    evidence names: it is the server's client, it talks to the destination, it holds the file.
    """
    links: set[Link] = set()
    for agent in agents:
        links |= _reached(inventory, agent.component.ref, agent.pids)
        links |= _loaded(inventory, agent)
    served = {service.component for service in inventory.services if service.component}
    for component in inventory.components:
        # a library in a program that listens is a part of the program, and not what serves
        if component.ref in served and component.type != "library":
            links |= _reached(inventory, component.ref, _pids(component.evidence))
    return links


def _reached(inventory: Inventory, source: str, pids: frozenset[int]) -> set[Link]:
    """Return links to services, models and data that some processes use."""
    links = set()
    for service in inventory.services:
        talking = service.client_pids if service.component else _pids(service.evidence)
        if service.component != source and not pids.isdisjoint(talking):
            links.add(Link(source, service.ref))
    for component in inventory.components:
        if component.kind in _CONTENT and any(_uses(e, pids) for e in component.evidence):
            links.add(Link(source, component.ref))
    return links


def _uses(evidence: Evidence, pids: frozenset[int]) -> bool:
    return evidence.pid in pids and evidence.how in READ


def _loaded(inventory: Inventory, agent: Agent) -> set[Link]:
    """Return links to the frameworks in an agent's processes; parts hang from their packages."""
    return {
        Link(agent.component.ref, component.ref)
        for component in inventory.components
        if _is_framework(component) and not agent.pids.isdisjoint(_pids(component.evidence))
    }


def _is_framework(component: Component) -> bool:
    return component.kind == "framework" and not component.within


def _pids(evidence: Iterable[Evidence]) -> frozenset[int]:
    return frozenset(e.pid for e in evidence if e.pid)
