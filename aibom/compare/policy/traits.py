"""What a policy may look at: the traits of a component or service, with what proves them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from aibom.compare.services import hosts_of
from aibom.formats.packages import purlpatterns
from aibom.formats.packages.purlpatterns import PurlFields
from aibom.formats.source import FormatError
from aibom.types.files import OriginKind
from aibom.types.inventory import Component, ComponentKind, Inventory, Service


class Source(NamedTuple):
    """A repository of a hub; ``commit`` is empty where none is known."""

    repo: str
    commit: str


@dataclass(frozen=True, slots=True)
class Traits:
    """A component (``kind``) or a service (``role``) as policies see it.

    ``sources`` are the repositories that the content proves where ``proven`` is true, else those
    that a cache names; ``hubs`` are believed likewise. ``claimed`` is true where only the
    component's own files vouch for the licence. ``hashed`` is true where ``digests`` are of all its
    files. ``thing`` is what all of this is of.
    """

    ref: str
    name: str
    kind: ComponentKind | Literal["service"]
    role: str = ""
    digests: frozenset[str] = frozenset()
    hashed: bool = False
    purl: PurlFields | None = None
    sources: tuple[Source, ...] = ()
    hubs: frozenset[str] = frozenset()
    proven: bool = False
    licence: str = ""
    claimed: bool = False
    paths: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    provider: str = ""
    origin: OriginKind = "unknown"
    thing: Component | Service | None = None


def traits_of(inventory: Inventory) -> tuple[Traits, ...]:
    """Return what a policy is asked about: components, and services that are none.

    Hardware and images are left out, and parts of a package, which share its verdict.
    """
    whole = {c.ref for c in inventory.components}
    components = (
        c
        for c in inventory.components
        if c.kind not in ("device", "image") and c.within not in whole
    )
    services = (s for s in inventory.services if not s.component and s.role != "identity")
    return (*map(of_component, components), *map(of_service, services))


def of_component(component: Component) -> Traits:
    """Return the traits of a component."""
    digests = [f.sha256 for f in component.files] or [component.sha256]
    said = component.properties
    proven = ("aibom:hub:verified", "true") in said and all(
        value == "records" for value in _values(said, "aibom:hub:claim")
    )
    purls = [_purl(p) for p in (component.purl, *_values(said, "aibom:hub:purl"))]
    hub_purls = [p for p in purls if p is not None and p.type == "huggingface"]
    return Traits(
        ref=component.ref,
        name=component.name,
        kind=component.kind,
        digests=frozenset(digests) - {""},
        hashed=all(digests),
        purl=purls[0],
        sources=tuple(Source(p.path, p.version) for p in hub_purls) or _sources(said),
        hubs=frozenset({*_values(said, "aibom:hub"), *(p.type for p in hub_purls)}),
        proven=proven or bool(hub_purls),
        licence=component.licence,
        claimed="licence" in component.claimed,
        paths=frozenset(f.path for f in component.files)
        or frozenset(e.path for e in component.evidence),
        origin=component.origin.kind,
        thing=component,
    )


def of_service(service: Service) -> Traits:
    """Return the traits of a service that is no component: a destination."""
    return Traits(
        ref=service.ref,
        name=service.name,
        kind="service",
        role=service.role,
        hosts=hosts_of(service),
        provider=service.provider,
        thing=service,
    )


def _sources(said: Iterable[tuple[str, str]]) -> tuple[Source, ...]:
    said = tuple(said)
    commits = _values(said, "aibom:hub:commit") or [""]
    repos = _values(said, "aibom:hub:repository")
    return tuple(Source(repo.lower(), commit.lower()) for repo in repos for commit in commits)


def _values(said: Iterable[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in said if key == name]


def _purl(text: str) -> PurlFields | None:
    try:
        return purlpatterns.fields(text) if text else None
    except FormatError:
        return None
