"""What a watch says of its sensors, as states."""

from collections.abc import Iterable

from aibom.agent.status import SensorState, SensorStatus
from aibom.observe.watch.sensors import FILE_EVENTS, IN_CONTAINERS, PROCESS_EVENTS
from aibom.observe.watch.wire import NAMES, REQUESTS
from aibom.types.unseen import Unseen

#: How a sensor's words begin when it sees nothing, and when nobody knows how far it sees.
_BLIND = "blind: "
_NOT_TESTED = "not tested: "
#: What the watch calls both kinds of events when reading them failed.
_EVENTS = "events"
#: How many of the places where a sensor does not see are named.
_NAMED = 3


def sensors_of(
    states: Iterable[tuple[str, str]], unseen: Iterable[Unseen]
) -> tuple[SensorStatus, ...]:
    """Return the state of each sensor.

    ``states`` are a watch's (sensor, words) of NodeFacts; ``unseen`` what it could not see, of
    which only what has the reason ``sensor`` counts. A sensor that works, but not everywhere, is
    degraded. Sensors that were not asked for are not there.
    """
    missed = [u for u in unseen if u.reason == "sensor"]
    return tuple(
        _status(name, words, [u for u in missed if name in _sensors_of(u)])
        for name, words in states
    )


def _status(name: str, words: str, missed: list[Unseen]) -> SensorStatus:
    if words.startswith(_BLIND):
        return SensorStatus(name, "down", words.removeprefix(_BLIND), _remedy(missed))
    state: SensorState = "up"
    if missed or words.startswith(_NOT_TESTED):
        state = "degraded"
        said = [_shortfall(name, u) for u in missed if not (u.detail and words.endswith(u.detail))]
        more = [f"and {len(said) - _NAMED} more like these"] if len(said) > _NAMED else []
        words = "; ".join([words, *said[:_NAMED], *more])
    return SensorStatus(name, state, words, _remedy(missed))


def _shortfall(name: str, unseen: Unseen) -> str:
    """Say what one record adds to the sensor's own words."""
    if unseen.subject == name:
        return unseen.detail or "not everywhere"
    return f"{unseen.subject}: {unseen.detail}" if unseen.detail else unseen.subject


def _remedy(missed: list[Unseen]) -> str:
    """Return what helps, each remedy once."""
    return "; ".join(dict.fromkeys(u.remedy for u in missed if u.remedy))


def _sensors_of(unseen: Unseen) -> tuple[str, ...]:
    """Return the sensors that a record speaks of, by how its subject begins."""
    subject = unseen.subject
    if subject == _EVENTS:
        return (PROCESS_EVENTS, FILE_EVENTS)
    if subject.startswith(("file events of the overlay at ", IN_CONTAINERS)):
        return (IN_CONTAINERS,)
    return tuple(
        name for name in (PROCESS_EVENTS, FILE_EVENTS, NAMES, REQUESTS) if subject.startswith(name)
    )
