"""The whole of one workload, once its parts are known: agents, identities, and what is joined."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from aibom.identify.agents.agents import agents_of
from aibom.identify.agents.identities import identities_of
from aibom.identify.edges import edges_of
from aibom.identify.mcp.neighbours import served_elsewhere, tethered
from aibom.identify.models.rag import embedding, retrieval
from aibom.identify.models.roles import with_role
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.inventory import Inventory, Service
from aibom.types.rules import RuleSet


def as_wholes(
    inventories: Sequence[Inventory],
    parties: Sequence[Sequence[ProcessFacts]],
    facts: NodeFacts,
    rules: RuleSet,
) -> tuple[Inventory, ...]:
    """Return inventories with their agents and identities, and the links that lead from these.

    ``parties`` are the processes of each; destinations must be among the services.
    """
    services = tethered(inventories)
    wholes = []
    for inventory, members in zip(inventories, parties, strict=True):
        more = [
            *served_elsewhere(services, inventory, members, facts.containers),
            *identities_of(members, facts.containers),
        ]
        wholes.append(_whole(inventory, more, members, facts, rules))
    return tuple(wholes)


def _whole(
    inventory: Inventory,
    more: Iterable[Service],
    members: Sequence[ProcessFacts],
    facts: NodeFacts,
    rules: RuleSet,
) -> Inventory:
    services = [*(embedding(s) for s in inventory.services), *more]
    told = replace(
        inventory,
        components=tuple(with_role(c) for c in inventory.components),
        services=tuple(sorted(services, key=lambda s: s.ref)),
    )
    agents = agents_of(told, members, facts.containers)
    # a package that is the agent stood among the packages
    by_ref = {c.ref: c for c in told.components} | {a.component.ref: a.component for a in agents}
    whole = replace(told, components=tuple(sorted(by_ref.values(), key=lambda c: (c.kind, c.ref))))
    links = {*whole.links, *edges_of(whole, agents), *retrieval(whole, rules)}
    return replace(whole, links=tuple(sorted(links)))
