"""How values are said in words; one place, so that the BOM and the table say the same."""

from aibom.types.facts import Arrival, OriginKind, Unseen
from aibom.types.inventory import Evidence

PLACES: dict[OriginKind, str] = {
    "image-layer": "an image layer",
    "writable-layer": "the container's writable layer",
    "volume": "a volume",
    "memory": "memory",
    "deleted": "a file that has been deleted",
    "host": "the host",
    "unknown": "a place that could not be determined",
}


def shown_by(evidence: Evidence) -> str:
    """Return how a component was seen: ``mapped by python3 (pid 7) in container app``."""
    name = evidence.process or "a process that ended too soon"
    who = f" by {name} (pid {evidence.pid})" if evidence.pid else ""
    if evidence.times > 1:
        who += f" and others, {evidence.times} times"
    beside = f" with {', '.join(evidence.beside)} in it" if evidence.beside else ""
    where = f" in container {evidence.container}" if evidence.container and who else ""
    return f"{evidence.how}{who}{beside}{where}"


def arrived(arrival: Arrival) -> str:
    """Return how a file arrived: ``written by curl (pid 7) in container init: curl -O ...``."""
    where = f" in container {arrival.container}" if arrival.container else ""
    command = f": {' '.join(arrival.argv)}" if arrival.argv else ""
    name = arrival.writer or "a process that ended too soon"
    text = f"written by {name} (pid {arrival.pid}){where}{command}"
    if arrival.renamed_from:
        text += f"; renamed from {arrival.renamed_from}"
    if arrival.destinations:
        text += f"; connected to {', '.join(arrival.destinations)}"
    return text


def came_from(evidence: Evidence) -> str:
    """Return where a file came from: ``from an image layer (snapshot 3)``."""
    origin = evidence.origin
    return f"from {PLACES[origin.kind]}" + (f" ({origin.detail})" if origin.detail else "")


def said(unseen: Unseen) -> str:
    """Return a sentence about something that could not be seen."""
    remedy = f"; {unseen.remedy}" if unseen.remedy else ""
    return f"{unseen.reason}: {unseen.subject}: {unseen.detail}{remedy}"


def magnitude(count: int) -> str:
    """Return a number of parameters as people write it: ``135M``, ``7.2B``.

    The cdx:ai-ml taxonomy of CycloneDX asks for this form.
    """
    for unit, size in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            value = count / size
            return f"{value:.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"
    return str(count)
