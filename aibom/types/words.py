"""How values are said in words; one place, so that the BOM and the table say the same."""

import re
from datetime import UTC, datetime

from aibom.types.files import Arrival, OriginKind
from aibom.types.inventory import Evidence
from aibom.types.unseen import Unseen

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_WHEN_SEEN = re.compile(rf"first seen ({_TIME})(?:, last seen {_TIME})?$", re.ASCII)
_PASSING = re.compile(
    rf"(?:,? first seen {_TIME}(?:, last seen {_TIME})?| at {_TIME}| and others, \d+ times"
    r"| \(and \d+ more\)|(?P<who>\b(?:pid|process)) \d+)",
    re.ASCII,
)

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


def moment(seconds: float) -> str:
    """Return a time in seconds since the epoch as RFC 3339: ``2026-11-21T06:13:19Z``."""
    return f"{datetime.fromtimestamp(int(seconds), tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


def when_seen(evidence: Evidence) -> str:
    """Return when a watch saw it: ``first seen TIME, last seen TIME``; empty of a single look."""
    if evidence.first_seen is None:
        return ""
    first, last = moment(evidence.first_seen), moment(evidence.last_seen or evidence.first_seen)
    return f"first seen {first}" + (f", last seen {last}" if last != first else "")


def read_first_seen(sentence: str) -> float | None:
    """Return the first time at the end of a sentence that ``when_seen`` ended; None without one."""
    found = _WHEN_SEEN.search(sentence)
    try:
        return datetime.fromisoformat(found[1]).timestamp() if found else None
    except ValueError:
        return None


def lasting(sentence: str) -> str:
    """Return a sentence without when, how often and in which process something was seen.

    These change while it is seen, and what it says does not.
    """
    return _PASSING.sub(r"\g<who>", sentence)


def arrived(arrival: Arrival) -> str:
    """Return how a file arrived: ``written by curl (pid 7) in container init: curl -O ...``."""
    where = f" in container {arrival.container}" if arrival.container else ""
    command = f": {' '.join(arrival.argv)}" if arrival.argv else ""
    name = arrival.writer or "a process that ended too soon"
    when = f" at {moment(arrival.when)}" if arrival.when is not None else ""
    text = f"written by {name} (pid {arrival.pid}){when}{where}{command}"
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
