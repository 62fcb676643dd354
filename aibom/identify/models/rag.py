"""Retrieval: vector stores with their data and endpoints, and APIs that give vectors."""

import re
from dataclasses import replace

from aibom.identify.features import UNPROVEN
from aibom.identify.models.roles import embeds
from aibom.types.inventory import Component, Inventory, Link, Service
from aibom.types.rules import RuleSet

# POST /v1/embeddings (OpenAI, Mistral, Voyage), /v2/embed (Cohere), /api/embed (Ollama),
# /v1beta/models/NAME:embedContent (Gemini): the references of these APIs
_EMBEDDING = re.compile(r" POST \S*(?:/embeddings?|/embed|:(?:batchE|e)mbedContents?)$")
_STORES = frozenset({"vector-database", "vector-store"})


def embedding(service: Service) -> Service:
    """Return a destination, marked where a request for embeddings was seen (``--requests``)."""
    if service.component or not any(_EMBEDDING.search(e.path) for e in service.evidence):
        return service
    return replace(service, properties=(*service.properties, ("aibom:api:use", "embedding")))


def retrieval(inventory: Inventory, rules: RuleSet) -> set[Link]:
    """Return the links from vector stores to their data, endpoints and embedding models.

    Each joins what one process holds. Data belongs to the store whose format it is of; a model is
    joined only where the process has one store and one embedding model.
    """
    owners = {rule.id: rule.of for rule in rules.formats if rule.of}
    stores = [c for c in inventory.components if c.role == "vector-store"]
    embedders = [c for c in inventory.components if embeds(c)]
    links = set()
    for store in stores:
        pids = {e.pid for e in store.evidence if e.how not in UNPROVEN}
        for data in inventory.components:
            if owners.get(data.rule) == store.rule and _shares(data, pids):
                links.add(Link(store.ref, data.ref))
        for service in inventory.services:
            if service.role in _STORES and not pids.isdisjoint(e.pid for e in service.evidence):
                links.add(Link(store.ref, service.ref))
        near = [model for model in embedders if _shares(model, pids)]
        if len(near) == 1 and _is_alone(store, stores, pids):
            links.add(Link(store.ref, near[0].ref))
    return links


def _shares(component: Component, pids: set[int]) -> bool:
    return any(e.pid in pids for e in component.evidence)


def _is_alone(store: Component, stores: list[Component], pids: set[int]) -> bool:
    return not any(_shares(other, pids) for other in stores if other.rule != store.rule)
