"""Facts to inventories: the one place that knows in which order things are identified."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from aibom.formats.containers import reference
from aibom.formats.packages.purl import spelled
from aibom.identify.dependencies import requirement_links
from aibom.identify.features import Witness, features_of, further_versions
from aibom.identify.mcp.edges import with_edges
from aibom.identify.mcp.servers import ServerFinder, Serving, leaves
from aibom.identify.mcp.services import mcp_services
from aibom.identify.mcp.urls import configured_destinations
from aibom.identify.models.arrivals import with_arrivals, written
from aibom.identify.models.bases import with_bases
from aibom.identify.models.datastores import DataShelf
from aibom.identify.models.remotecode import CodeShelf, code_links
from aibom.identify.models.shelf import ModelShelf
from aibom.identify.network.services import with_destinations
from aibom.identify.origins import worst_origin
from aibom.identify.sandboxes import with_sandboxes
from aibom.identify.serving.servers import servers_of
from aibom.identify.software import SoftwareShelf
from aibom.identify.unchanged import Unchanged
from aibom.identify.whole import as_wholes
from aibom.identify.workloads import group
from aibom.types.facts import NodeFacts, ProcessFacts, Span
from aibom.types.files import Origin
from aibom.types.inventory import Component, Evidence, Inventory, Link, Service, Workload
from aibom.types.processes import Container
from aibom.types.rules import RuleSet
from aibom.types.unseen import Unseen

# what can run a model; anything else that reads one copies or inspects it
_RUNTIMES = frozenset({"model-runtime", "inference-server", "framework", "training"})
_ONE_SWEEP = "maps, descriptors, sockets, command lines and imports at one moment"


class _Node(NamedTuple):
    """What is the same for all workloads."""

    facts: NodeFacts
    rules: RuleSet
    everyone: Mapping[int, ProcessFacts]
    servers: ServerFinder
    known: Unchanged


def identify(
    facts: NodeFacts, rules: RuleSet, *, as_one: bool = False, known: Unchanged | None = None
) -> tuple[Inventory, ...]:
    """Return the inventory of every workload of a sweep, sorted by name.

    ``as_one`` makes one workload of all processes. What could not be seen of a process goes to
    its workload; what belongs to no process goes to all of them. ``known`` remembers, for the
    same ``rules`` and from one call to the next, what need not be made again.
    """
    everyone = {found.process.pid: found for found in facts.processes}
    known = known if known is not None else Unchanged()
    node = _Node(facts, rules, everyone, ServerFinder(rules, everyone), known)
    inventories: list[Inventory] = []
    groups = group(facts, as_one=as_one)
    known.keep(workload for workload, _ in groups)
    for workload, members in groups:
        try:
            own = None if as_one else set(workload.pids) | _lost_of(workload, facts)
            made = known.find(workload, members, facts) or _inventory(workload, members, node)
            found = replace(
                made,
                sensors=facts.sensors or (("sweep", _ONE_SWEEP),),
                watched=_seconds(facts.watched),
                period=facts.watched,
            )
            unseen = tuple(u for u in facts.unseen if own is None or u.pid is None or u.pid in own)
            inventories.append(replace(found, unseen=(*unseen, *found.unseen)))
        except (ValueError, TypeError) as error:
            # values that cannot be named cost this workload alone
            subject = f"workload {workload.name}"
            missed = Unseen("unreadable", subject, f"cannot be named: {error}")
            inventories.append(Inventory(workload, unseen=(missed,)))
    parties = [members for _, members in groups]
    talking = with_destinations(inventories, parties, facts, rules)
    wholes = as_wholes(talking, parties, facts, rules)
    named = tuple(
        with_edges(replace(i, services=configured_destinations(i.services, members)))
        for i, members in zip(wholes, parties, strict=True)
    )
    return with_sandboxes(named, parties, facts, rules)


def _lost_of(workload: Workload, facts: NodeFacts) -> set[int]:
    """Return the processes of a pod or container that could not be looked into."""
    if workload.kind not in ("pod", "container"):
        return set()
    return {
        pid
        for pid, place in facts.lost.items()
        if workload.uid and workload.uid in (place.pod_uid, place.container_id)
    }


def _inventory(workload: Workload, members: list[ProcessFacts], node: _Node) -> Inventory:
    """Return what the processes of a workload show, and remember it if others have no say in it."""
    facts, rules = node.facts, node.rules.software
    models, software, code = ModelShelf(rules), SoftwareShelf(rules), CodeShelf()
    data = DataShelf(rules)
    serving: list[Serving] = []
    # where there is none, nothing depends on who is at the other end of a pipe
    may_serve = False
    for found in members:
        witness = Witness(found, facts.containers.get(found.process.cgroup.container_id))
        matches = software.add(features_of(found, witness), witness)
        for version in further_versions(found):
            software.add(features_of(version, witness), witness)
        runtimes = sorted({m.rule.name for m in matches if m.rule.kind in _RUNTIMES})
        models.add(data.add(found.models, witness), witness, runtimes)
        code.add(found.remote_code, witness)
        if node.servers.may_serve(found, matches):
            may_serve = True
            if server := node.servers.find(found, matches, witness):
                serving.append(server)
    own = _merged(s.own for s in serving if s.own is not None)
    known = with_arrivals(models.components(), facts.arrivals, models.places)
    known, lineage = with_bases(known)
    components = [*known, *software.components(without=own), *own.values()]
    components += [*code.components(), *data.components()]
    images = _images(members, facts.containers)
    served, configured = mcp_services(
        leaves(serving), components, members, node.everyone, workload.kind
    )
    servers, links = servers_of(components, members, rules.serving)
    services = [*served, *servers]
    inventory = Inventory(
        workload=workload,
        components=tuple(sorted([*components, *images], key=lambda c: (c.kind, c.ref))),
        services=tuple(sorted(services, key=lambda s: s.ref)),
        links=tuple(
            sorted(
                {
                    *lineage,
                    *links,
                    *code_links(components),
                    *_links(components, services),
                    *requirement_links(members, components),
                }
            )
        ),
        unseen=configured.unseen,
        concerns=configured.missing,
    )
    if not may_serve and not any(found.configs for found in members):
        node.known.put(inventory, members, facts, written(models.places))
    return inventory


def _seconds(watched: Span | None) -> int:
    return max(0, round(watched.last - watched.first)) if watched is not None else 0


def _merged(components: Iterable[Component]) -> dict[str, Component]:
    """Return components by ref; of one that was seen twice, everything that showed it."""
    merged: dict[str, Component] = {}
    for component in components:
        known = merged.get(component.ref, component)
        merged[component.ref] = replace(
            known,
            evidence=tuple(sorted({*known.evidence, *component.evidence})),
            containers=tuple(sorted({*known.containers, *component.containers})),
            origin=worst_origin((known.origin, component.origin)),
        )
    return merged


def _images(members: list[ProcessFacts], containers: Mapping[str, Container]) -> list[Component]:
    described = (containers.get(found.process.cgroup.container_id) for found in members)
    return list(_merged(_image(c) for c in described if c and c.image and not c.sandbox).values())


def _image(container: Container) -> Component:
    repository, tag, _ = reference.split(container.image)
    if not repository:  # no name at all, and yet something to call it by
        repository, tag = container.image.partition("@")[0], ""
    # REPOSITORY@DIGEST names the manifest; a digest alone is the runtime's id of the image
    digest = container.image_digest.rpartition("@")[2] if "@" in container.image_digest else ""
    purl = ""
    if digest:
        qualifiers = {"repository_url": repository} | ({"tag": tag} if tag else {})
        name = repository.rsplit("/", 1)[-1].lower()
        purl = spelled("oci", "", name, digest, qualifiers)
    said = Evidence(
        how=f"named by the container runtime ({container.source})",
        path=container.image,
        process="",
        pid=0,
        technique="manifest-analysis",
        confidence=90,
        container=container.name,
    )
    return Component(
        ref=f"image:{container.image}",
        kind="image",
        type="container",
        name=repository,
        version=tag or digest,
        purl=purl,
        evidence=(said,),
        origin=Origin("unknown"),
        containers=(container.name or container.id[:12],),
        properties=(("aibom:image:reference", container.image_digest),)
        if container.image_digest
        else (),
    )


def _links(components: list[Component], services: list[Service]) -> set[Link]:
    links = {Link(s.ref, s.component) for s in services}
    for component in components:
        if component.within and any(c.ref == component.within for c in components):
            links.add(Link(component.within, component.ref))
    return links
