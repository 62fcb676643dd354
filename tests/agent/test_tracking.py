"""Workloads come, go and come back; one that has ended is told of once."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent import tracking as module
from aibom.agent.events import key_of
from aibom.agent.tracking import GONE_SECONDS, Living, Tracking
from aibom.identify.remembered import gist, joined
from aibom.types.facts import Span
from aibom.types.inventory import Evidence, Inventory, Workload
from aibom.types.processes import Cgroup
from aibom.types.unseen import Unseen
from tests.make import component, process

POD = Workload("pod", "chat", "default", "uid-1", pids=(7,))
UNIT = Workload("service", "ollama.service", pids=(9,))
SESSION = Workload("processes", "bash-70", uid="70", pids=(70, 71))
IN_POD = Living({5: process(5, cgroup=Cgroup("c" * 64, "uid-1"))})
NOBODY = Living({})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Clock:
        now = 1000.0

    monkeypatch.setattr(module.time, "monotonic", lambda: Clock.now)
    return Clock


@pytest.mark.parametrize(
    ("workload", "living", "lives"),
    [
        (POD, IN_POD, True),  # the pause process, or another container's
        (POD, NOBODY, False),
        (POD, Living({7: process(7)}), False),  # its number was given to somebody else
        (UNIT, Living({1: process(1, cgroup=Cgroup(unit="ollama.service"))}), True),
        (UNIT, Living({1: process(1, cgroup=Cgroup(unit="other.service"))}), False),
        (SESSION, Living({71: process(71)}), True),
        (SESSION, Living({72: process(72)}), False),
        (Workload("unattributed", "unattributed"), NOBODY, True),
    ],
)
def test_a_workload_lives_while_any_of_its_processes_does(
    workload: Workload, living: Living, lives: bool
) -> None:
    assert living.has(workload) is lives


def test_a_workload_ends_once_and_what_a_watch_still_tells_of_it_is_no_news(clock: Any) -> None:
    tracking = Tracking(lambda _: None)
    inventory = Inventory(POD, (component(),))
    tracked = tracking.take(inventory, IN_POD)
    assert tracked is not None
    assert tracked.is_news()
    assert not tracked.is_news()
    assert tracking.ended(IN_POD) == tracking.ended(NOBODY) == []
    clock.now += GONE_SECONDS
    assert [t.inventory.workload for t in tracking.ended(NOBODY)] == [POD]
    assert tracking.ended(NOBODY) == []
    assert tracking.take(inventory, NOBODY) is None
    assert key_of(POD) not in tracking


def test_a_restart_within_the_time_is_no_end(clock: Any) -> None:
    tracking = Tracking(lambda _: None)
    tracking.take(Inventory(POD), IN_POD)
    for _ in range(5):
        assert tracking.ended(NOBODY) == []
        clock.now += GONE_SECONDS - 1
        assert tracking.ended(IN_POD) == []


def test_a_service_that_comes_back_is_known_again(clock: Any) -> None:
    known = {key_of(UNIT): Inventory(UNIT, (component(ref="model:before"),))}
    tracking = Tracking(known.get)
    runs = Living({9: process(9, cgroup=Cgroup(unit=UNIT.name))})
    tracking.take(Inventory(UNIT), runs)
    tracking.ended(NOBODY)
    clock.now += GONE_SECONDS
    assert len(tracking.ended(NOBODY)) == 1
    again = tracking.take(Inventory(UNIT, (component(ref="model:now"),)), runs)
    assert again is not None
    assert [c.ref for c in again.inventory.components] == ["model:before", "model:now"]


def test_a_workload_that_ended_before_it_was_seen_is_told_once(clock: Any) -> None:
    tracking = Tracking(lambda _: None)
    assert tracking.take(Inventory(POD), NOBODY) is not None
    tracking.ended(NOBODY)
    clock.now += GONE_SECONDS
    assert len(tracking.ended(NOBODY)) == 1
    assert tracking.take(Inventory(POD), NOBODY) is None


def test_the_number_of_a_session_says_nothing_after_a_restart() -> None:
    asked: list[str] = []
    tracking = Tracking(asked.append)
    tracking.take(Inventory(SESSION), Living({70: process(70)}))
    tracking.take(Inventory(POD), IN_POD)
    assert asked == ["pod:uid-1"]


_EVIDENCE = st.builds(
    lambda path, pid, last: Evidence(
        "mapped", path, "python3", pid, "binary-analysis", 90, "main", last_seen=last
    ),
    st.sampled_from(["/m/a", "/m/b"]),
    st.integers(7, 8),
    st.sampled_from([None, 5.0]),
)
_COMPONENTS = st.builds(
    lambda ref, found: replace(component(ref=ref), evidence=tuple(found)),
    st.sampled_from(["model:a", "model:b"]),
    st.lists(_EVIDENCE, min_size=1, max_size=3),
)
_UNSEEN = st.builds(Unseen, st.sampled_from(["vanished", "denied"]), st.sampled_from(["x", "y"]))
_LOOKS = st.builds(
    lambda found, unseen: Inventory(
        POD,
        tuple(sorted({c.ref: c for c in found}.values(), key=lambda c: c.ref)),
        unseen=tuple(dict.fromkeys(unseen)),
    ),
    st.lists(_COMPONENTS, max_size=2),
    st.lists(_UNSEEN, max_size=2),
)


@given(st.lists(st.tuples(_LOOKS, st.integers(1, 3)), max_size=6))
def test_not_joining_what_is_the_same_gives_the_same(looks: list[tuple[Inventory, int]]) -> None:
    times = iter(range(1, 100))
    tracking = Tracking(lambda _: None, lambda: 50.0)
    plain: Inventory | None = None
    told: Inventory | None = None
    for look, repeated in looks:
        for _ in range(repeated):
            now = next(times)
            sensors = (("file events", f"opens; {now} seen"),)
            seen = replace(look, period=Span(0.0, float(now)), watched=now, sensors=sensors)
            plain = joined(plain, seen, 50.0)
            found = tracking.take(seen, IN_POD)
            assert found is not None
            assert found.inventory == plain
            assert found.is_news() == (told != gist(plain))
            told = gist(plain)
