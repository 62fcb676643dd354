import pytest

from aibom.agent.sensing import sensors_of
from aibom.agent.status import SensorStatus
from aibom.types.unseen import Unseen

ALL_UP = (
    ("sweep", "maps and more"),
    ("process events", "forks"),
    ("file events", "opens; 3 seen"),
    ("file events in containers", "by each overlay"),
    ("host names", "DNS"),
    ("TLS requests", "HTTP/1"),
)


def test_what_works_is_up() -> None:
    assert {s.state for s in sensors_of(ALL_UP, ())} == {"up"}
    assert sensors_of(ALL_UP, ())[1] == SensorStatus("process events", "up", "forks")


def test_a_blind_one_is_down_and_says_what_helps() -> None:
    unseen = [Unseen("sensor", "process events", "not permitted", "CAP_NET_ADMIN")]
    states = (("process events", "blind: not permitted"), ("sweep", "maps"))
    assert sensors_of(states, unseen) == (
        SensorStatus("process events", "down", "not permitted", "CAP_NET_ADMIN"),
        SensorStatus("sweep", "up", "maps"),
    )


@pytest.mark.parametrize(
    ("subject", "degraded"),
    [
        ("events", {"process events", "file events"}),
        ("file events on nfs at /data", {"file events"}),
        ("file events of the overlay at /", {"file events in containers"}),
        ("file events in containers", {"file events in containers"}),
        ("host names", {"host names"}),
        ("TLS requests through /usr/lib/libssl.so.3", {"TLS requests"}),
        ("something else", set()),
    ],
)
def test_one_that_does_not_see_everything_is_degraded(subject: str, degraded: set[str]) -> None:
    found = sensors_of(ALL_UP, [Unseen("sensor", subject, "why", "help")])
    assert {s.name for s in found if s.state == "degraded"} == degraded
    assert all(s.remedy == "help" and "why" in s.detail for s in found if s.state == "degraded")
    assert all(s.state == "up" and not s.remedy for s in found if s.name not in degraded)


def test_other_reasons_say_nothing_of_sensors() -> None:
    found = sensors_of(ALL_UP, [Unseen("denied", "file events", "no right")])
    assert {s.state for s in found} == {"up"}


def test_what_nobody_tested_is_degraded_and_said_once() -> None:
    states = (("file events in containers", "not tested: no overlay"),)
    unseen = [Unseen("sensor", "file events in containers", "no overlay", "")]
    assert sensors_of(states, unseen) == (
        SensorStatus("file events in containers", "degraded", "not tested: no overlay"),
    )


def test_many_places_are_few_words() -> None:
    unseen = [Unseen("sensor", f"file events on x at /{n}", "why", "help") for n in range(100)]
    (found,) = sensors_of((("file events", "opens"),), unseen)
    assert found.detail.endswith("; and 97 more like these")
    assert found.detail.count("file events on x") == 3
    assert found.remedy == "help"
