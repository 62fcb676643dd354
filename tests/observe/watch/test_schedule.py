"""When it is time to look again, by a clock that the test sets."""

import pytest

from aibom.observe.watch import schedule as module
from aibom.observe.watch.lives import Life
from aibom.observe.watch.schedule import (
    BLIND_SECONDS,
    BUSY_SECONDS,
    CLOSE_LOOKS,
    LATE_LOOKS,
    LOOKS,
    LOSS_SECONDS,
    MIN_TIDY,
    MOST_SECONDS,
    SWEEP_SECONDS,
    USED_SECONDS,
    Schedule,
)
from tests import make


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def life(pid: int = 7) -> Life:
    return Life(pid, make.process(pid))


def swept(*, blind: bool = False) -> Schedule:
    schedule = Schedule(blind=blind)
    schedule.swept()
    return schedule


@pytest.mark.usefixtures("clock")
def test_it_begins_with_a_sweep() -> None:
    schedule = Schedule(blind=False)
    assert schedule.sweep_is_due()
    assert schedule.rest() == 0.0
    schedule.swept()
    assert not schedule.sweep_is_due()
    assert not schedule.busy_is_due(0)


@pytest.mark.parametrize(("blind", "pause"), [(True, BLIND_SECONDS), (False, SWEEP_SECONDS)])
def test_it_sweeps_often_where_no_event_tells(clock: Clock, blind: bool, pause: float) -> None:
    schedule = swept(blind=blind)
    assert schedule.rest() == min(pause, BUSY_SECONDS)
    clock.now += pause
    assert schedule.sweep_is_due()


def test_one_that_began_is_looked_at_once_where_events_tell_the_rest(clock: Clock) -> None:
    schedule, one = swept(), life()
    schedule.begun(one)
    clock.now += LATE_LOOKS[0] - 0.1
    assert schedule.due() == []
    clock.now += 0.1
    assert schedule.due() == [one]
    clock.now += 60
    assert schedule.due() == []


def test_a_single_command_is_looked_at_early_too(clock: Clock) -> None:
    schedule, one = swept(), life()
    schedule.closely()
    schedule.begun(one)
    seen = []
    for seconds in CLOSE_LOOKS:
        clock.now = 1000.0 + seconds
        seen += schedule.due()
    assert seen == [one, one]


@pytest.mark.parametrize("blind", [True, False])
def test_looks_at_one_that_used_a_model(clock: Clock, blind: bool) -> None:
    schedule, one = swept(blind=blind), life()
    schedule.used(one)
    assert schedule.due() == []
    seen = []
    for seconds in LOOKS:
        clock.now = 1000.0 + seconds
        assert schedule.rest() == 0.0
        seen.append(schedule.due())
        assert schedule.due() == []
    assert seen == [[one]] * len(LOOKS)
    assert schedule.rest() == (0.0 if blind else BUSY_SECONDS - LOOKS[-1])


def test_one_look_at_one_that_was_planned_often(clock: Clock) -> None:
    schedule, one, other = swept(), life(1), life(2)
    for _ in range(5):
        schedule.begun(one)
    schedule.begun(other)
    clock.now += 60
    assert schedule.due() == [one, other]


def test_what_matters_is_looked_at_more_often(clock: Clock) -> None:
    schedule = swept()
    clock.now += BUSY_SECONDS
    assert schedule.rest() == 0.0
    assert schedule.busy_is_due(1)
    assert not schedule.busy_is_due(1)
    assert schedule.rest() == BUSY_SECONDS


def test_what_matters_is_looked_at_rarely_while_nothing_changes(clock: Clock) -> None:
    schedule = swept()
    pauses = []
    for changes in (1, 1, 1, 1, 1, 1, 1, 2):
        clock.now += MOST_SECONDS
        schedule._next_sweep = clock.now + SWEEP_SECONDS
        assert schedule.busy_is_due(changes)
        pauses.append(schedule.rest())
    assert pauses == [5, 10, 20, 40, 80, 80, 80, 5]


def test_losses_bring_a_sweep_and_not_one_for_each(clock: Clock) -> None:
    schedule = swept()
    schedule.sweep_now()
    assert not schedule.sweep_is_due()
    assert schedule.rest() == LOSS_SECONDS
    clock.now += LOSS_SECONDS
    assert schedule.sweep_is_due()
    schedule.swept()
    schedule.sweep_now()
    assert not schedule.sweep_is_due()
    # a loss long after the last sweep brings one at once
    clock.now += 10 * LOSS_SECONDS
    assert schedule.sweep_is_due()
    # and where sweeps are frequent anyway, it puts none off
    blind = swept(blind=True)
    blind.sweep_now()
    assert blind.rest() == BLIND_SECONDS


def test_back_in_time_for_a_file_that_settles(clock: Clock) -> None:
    schedule = swept()
    schedule.settle_at(clock.now + 0.5)
    schedule.settle_at(clock.now + 0.3)
    assert schedule.rest() == pytest.approx(0.3)
    clock.now += 0.3
    assert schedule.rest() == 0.0
    assert schedule.rest() > 1.0


def test_a_fork_bomb_plans_no_more_than_there_is_room(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PLANNED", 30)
    schedule = swept()
    for pid in range(1000):
        schedule.used(life(pid))
    assert len(schedule._planned) == 30
    clock.now += 60
    assert len(schedule.due()) == 10
    schedule.used(life())
    assert len(schedule._planned) == len(LOOKS)


def test_who_goes_on_using_models_is_not_looked_at_each_time(clock: Clock) -> None:
    schedule = swept()
    one = life()
    for _ in range(50):
        schedule.used(one)
    assert len(schedule._planned) == len(LOOKS)
    schedule.used(life(8))
    assert len(schedule._planned) == 2 * len(LOOKS)
    clock.now += USED_SECONDS
    schedule.used(one)
    assert len(schedule._planned) == 3 * len(LOOKS)


def test_who_used_models_long_ago_is_forgotten(clock: Clock) -> None:
    schedule = swept()
    for pid in range(10 * MIN_TIDY):
        clock.now += USED_SECONDS
        schedule.used(life(pid))
    assert len(schedule._used) <= MIN_TIDY
