"""What was seen of a workload before, joined to what is seen now; pure.

A process ends, a watch forgets it, an agent starts again: what the workload loaded stays true for
as long as the workload lives. Joining the same things twice changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aibom.types.facts import Span
from aibom.types.inventory import Component, Evidence, Inventory, Service
from aibom.types.unseen import Unseen

#: Most pieces of evidence that are kept of one component or service; the newest stay.
MAX_EVIDENCE = 40
#: Most components, and as many services, that are remembered of one workload beside what is seen.
MAX_REMEMBERED = 5_000
#: The same of what belongs to no workload: that never ends, and whatever ran so shortly that nobody
#: knows whose it was adds to it.
MAX_UNATTRIBUTED = 200
#: Most records of what could not be seen that are kept of one workload.
MAX_UNSEEN = 200
#: Reasons that tell of a moment, and of nothing that is still hidden.
_PASSING = frozenset({"vanished", "pending"})
_MORE = Unseen("lost", "the agent's memory", f"more than {MAX_UNSEEN} records like these")


def joined(earlier: Inventory | None, now: Inventory, when: float) -> Inventory:
    """Return what was seen of one workload, ``earlier`` and ``now``.

    ``when`` is the time of this look, in seconds since the epoch: what is not seen any more was
    seen until then at the latest. ``watched`` and ``period`` are those of both.
    """
    if earlier is None:
        return replace(
            now,
            components=tuple(_bounded(c) for c in now.components),
            services=tuple(_bounded_service(s) for s in now.services),
            unseen=_unseen((), now.unseen),
        )
    most = MAX_UNATTRIBUTED if now.workload.kind == "unattributed" else MAX_REMEMBERED
    components = _components(earlier.components, now.components, when, most)
    services = _services(earlier.services, now.services, when, most)
    refs = {c.ref for c in components} | {s.ref for s in services}
    links = {link for link in (*earlier.links, *now.links) if {link.source, link.target} <= refs}
    period = _period(earlier.period, now.period)
    return replace(
        now,
        components=components,
        services=services,
        links=tuple(sorted({*links, *now.links})),
        unseen=_unseen(earlier.unseen, now.unseen),
        period=period,
        watched=round(period.last - period.first) if period is not None else now.watched,
    )


def aged(earlier: Inventory, now: Inventory) -> Inventory:
    """Return what ``joined`` gives when ``now`` is what was joined last, but for its times.

    Its sensors may have counted on.
    """
    period = _period(earlier.period, now.period)
    watched = round(period.last - period.first) if period is not None else now.watched
    return replace(earlier, sensors=now.sensors, period=period, watched=watched)


def gist(inventory: Inventory) -> Inventory:
    """Return an inventory without what changes while nothing new is seen: numbers and times."""
    return replace(
        inventory,
        workload=replace(inventory.workload, pids=()),
        components=tuple(replace(c, evidence=_essence(c.evidence)) for c in inventory.components),
        services=tuple(
            replace(s, evidence=_essence(s.evidence), client_pids=()) for s in inventory.services
        ),
        unseen=tuple(sorted({replace(u, pid=None) for u in inventory.unseen}, key=_order)),
        # what a sensor counted so far stands behind the semicolon
        sensors=tuple((name, what.partition(";")[0]) for name, what in inventory.sensors),
        watched=0,
        period=None,
    )


def _order(unseen: Unseen) -> tuple[str, str, str, str]:
    return (unseen.reason, unseen.subject, unseen.detail, unseen.remedy)


def _essence(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted({_kind_of(one) for one in evidence}))


def _kind_of(evidence: Evidence) -> Evidence:
    """Return evidence as it is the same for every process that did the same."""
    return replace(evidence, pid=0, times=1, first_seen=None, last_seen=None)


def _period(earlier: Span | None, now: Span | None) -> Span | None:
    if earlier is None or now is None:
        return now or earlier
    return Span(min(earlier.first, now.first), max(earlier.last, now.last))


def _components(
    earlier: Iterable[Component], now: Sequence[Component], when: float, most: int
) -> tuple[Component, ...]:
    current = {c.ref: c for c in now}
    known_better = {ref for c in now for ref in c.provisional}
    gone: list[Component] = []
    for component in earlier:
        seen = current.get(component.ref)
        if seen is not None:
            current[component.ref] = _same(component, seen, when)
        elif component.ref not in known_better:
            gone.append(replace(component, evidence=_until(component.evidence, when)))
    gone.sort(key=lambda c: _latest(c.evidence))
    found = [*(_bounded(c) for c in current.values()), *gone[-most:]]
    return tuple(sorted(found, key=lambda c: (c.kind, c.ref)))


def _same(earlier: Component, now: Component, when: float) -> Component:
    return replace(
        now,
        evidence=_evidence(earlier.evidence, now.evidence, when),
        containers=tuple(sorted({*earlier.containers, *now.containers})),
    )


def _services(
    earlier: Iterable[Service], now: Iterable[Service], when: float, most: int
) -> tuple[Service, ...]:
    current = {s.ref: s for s in now}
    gone: list[Service] = []
    for service in earlier:
        seen = current.get(service.ref)
        if seen is None:
            gone.append(replace(service, evidence=_until(service.evidence, when)))
            continue
        current[service.ref] = replace(
            seen,
            evidence=_evidence(service.evidence, seen.evidence, when),
            endpoints=tuple(sorted({*service.endpoints, *seen.endpoints}))[:MAX_EVIDENCE],
            clients=tuple(sorted({*service.clients, *seen.clients}))[:MAX_EVIDENCE],
        )
    gone.sort(key=lambda s: _latest(s.evidence))
    found = [*(_bounded_service(s) for s in current.values()), *gone[-most:]]
    return tuple(sorted(found, key=lambda s: s.ref))


def _bounded(component: Component) -> Component:
    return replace(component, evidence=_newest(_by_kind(component.evidence)))


def _bounded_service(service: Service) -> Service:
    return replace(service, evidence=_newest(_by_kind(service.evidence)))


def _by_kind(evidence: Iterable[Evidence]) -> dict[Evidence, Evidence]:
    """Return evidence of one look by what it is the same in: like processes count as one."""
    kinds: dict[Evidence, Evidence] = {}
    for one in sorted(evidence):
        known = kinds.get(kind := _kind_of(one))
        times = one.times + (known.times if known is not None else 0)
        kinds[kind] = one if known is None else _both(known, one, times)
    return kinds


def _both(earlier: Evidence, now: Evidence, times: int) -> Evidence:
    """Return two of a kind as the newer one, with the times of both."""
    firsts = [e.first_seen for e in (earlier, now) if e.first_seen is not None]
    return replace(now, times=times, first_seen=min(firsts) if firsts else None)


def _newest(kinds: Mapping[Evidence, Evidence]) -> tuple[Evidence, ...]:
    kept = sorted(kinds.values(), key=_last, reverse=True)[:MAX_EVIDENCE]
    return tuple(sorted(kept))


def _last(evidence: Evidence) -> float:
    return float("inf") if evidence.last_seen is None else evidence.last_seen


def _latest(evidence: Iterable[Evidence]) -> float:
    return max(map(_last, evidence), default=0.0)


def _evidence(
    earlier: Iterable[Evidence], now: Iterable[Evidence], when: float
) -> tuple[Evidence, ...]:
    """Return the evidence of two looks; one may tell again what the other told already."""
    kinds = _by_kind(now)
    for one in earlier:
        kind = _kind_of(one)
        known = kinds.get(kind)
        kinds[kind] = (
            _until((one,), when)[0]
            if known is None
            else _both(one, known, max(one.times, known.times))
        )
    return _newest(kinds)


def _until(evidence: Iterable[Evidence], when: float) -> tuple[Evidence, ...]:
    """Return evidence that is not seen any more with the time until when it may have been."""
    return tuple(replace(e, last_seen=when) if e.last_seen is None else e for e in evidence)


def _unseen(earlier: Iterable[Unseen], now: Iterable[Unseen]) -> tuple[Unseen, ...]:
    """Return what could not be seen, told once whichever process it was of."""
    found: dict[Unseen, Unseen] = {replace(u, pid=None): u for u in now}
    for one in earlier:
        if one.reason not in _PASSING:
            found.setdefault(replace(one, pid=None), one)
    if len(found) <= MAX_UNSEEN:
        return tuple(found.values())
    return (*[u for u in found.values() if u != _MORE][:MAX_UNSEEN], _MORE)
