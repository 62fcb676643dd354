"""Components and services as a state keeps them: once each, by every name a claim may use."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from aibom.agent.state.codec import bytes_of, text_of
from aibom.compare.join import digests_of, paths_of
from aibom.compare.missing import Seen
from aibom.compare.services import hosts_of
from aibom.formats.packages import purl
from aibom.types.inventory import Component, Evidence, Inventory, Service

_Names = tuple[list[str], list[str], list[str], list[str]]
_REFERENCE = "aibom:image:reference"
#: Most names of one sort that are kept of one thing.
_MAX_NAMES = 64


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that ran. ``digest`` tells it from others; ``names`` is JSON (see ``names_of``)."""

    digest: bytes
    ref: bytes
    names: bytes


@dataclass(frozen=True, slots=True)
class Sighting:
    """A thing, when it was seen (seconds since the epoch), and by which images' containers."""

    thing: Thing
    first: float
    last: float
    images: tuple[str, ...]


def image_digest(component: Component) -> str:
    """Return the digest by which an image is known (``sha256:...``), empty where there is none.

    It is the manifest's where the runtime names that, else the runtime's own id of the image.
    """
    if component.kind != "image":
        return ""
    return dict(component.properties).get(_REFERENCE, "").rpartition("@")[2]


def images_of(inventory: Inventory) -> dict[str, frozenset[str]]:
    """Return the digests of a workload's images, with the names of the containers that run them."""
    found: dict[str, frozenset[str]] = {}
    for component in inventory.components:
        if digest := image_digest(component):
            found[digest] = found.get(digest, frozenset()) | frozenset(component.containers)
    return found


def sightings(inventory: Inventory, now: float) -> Iterator[Sighting]:
    """Yield everything that containers of images loaded; what has no time was seen now.

    A thing whose container is not known was seen in all of them.
    """
    images = images_of(inventory)

    def ran(inside: frozenset[str]) -> tuple[str, ...]:
        return tuple(d for d, names in images.items() if not inside or inside & names)

    for component in inventory.components:
        if component.kind != "image" and (by := ran(frozenset(component.containers))):
            yield Sighting(_component(component), *_span(component.evidence, now), by)
    for service in inventory.services:
        if by := ran(frozenset(e.container for e in service.evidence) - {""}):
            yield Sighting(_service(service), *_span(service.evidence, now), by)


def union(names: Iterable[tuple[object, object]]) -> Seen:
    """Return what things of these refs and names have in common with claims, all together.

    Raises StoredError, ValueError.
    """
    keys: set[str] = set()
    digests: set[str] = set()
    paths: set[str] = set()
    hosts: set[str] = set()
    refs: set[str] = set()
    for ref, document in names:
        refs.add(text_of(ref))
        known = msgspec.json.decode(text_of(document), type=_Names)
        for found, added in zip((keys, digests, paths, hosts), known, strict=True):
            found.update(added)
    return Seen(*(frozenset(s) for s in (keys, digests, paths, refs, hosts)))


def _component(component: Component) -> Thing:
    digests = tuple(sorted(digests_of(component)))
    return _thing(component.ref, component.purl, digests, tuple(paths_of(component)), ())


def _service(service: Service) -> Thing:
    return _thing(service.ref, "", (), (), tuple(sorted(hosts_of(service))))


@lru_cache(1024)  # replicas, and one workload again and again, have the same things
def _thing(
    ref: str, named: str, digests: tuple[str, ...], paths: tuple[str, ...], hosts: tuple[str, ...]
) -> Thing:
    parts = purl.parts(named)
    keys = (parts.key,) if parts is not None else ()
    # a name that is no UTF-8 is in no claim
    kept = [
        [n for n in names if _is_text(n)][:_MAX_NAMES] for names in (keys, digests, paths, hosts)
    ]
    names = msgspec.json.encode(kept)
    raw = bytes_of(ref)
    return Thing(hashlib.sha256(raw + b"\0" + names).digest()[:16], raw, names)


def _is_text(name: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in name)


def _span(evidence: Iterable[Evidence], now: float) -> tuple[float, float]:
    times = [(e.first_seen, e.last_seen) for e in evidence]
    firsts = [first if first is not None else now for first, _ in times]
    lasts = [last if last is not None else now for _, last in times]
    last = min(max(lasts, default=now), now)
    return min(min(firsts, default=last), last), last
