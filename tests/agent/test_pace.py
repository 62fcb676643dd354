"""When the BOM of a workload is due."""

from aibom.agent.pace import LONGEST, REST, SHORTEST, Pace


def written(seconds: float, every: float, spent: float = 0.0) -> list[float]:
    """Return when a BOM is written of a workload that has news ``every`` so many seconds."""
    pace, now, times = Pace(), 0.0, []
    while now < seconds:
        pace.ask(now)
        if pace.is_due(now):
            pace.done(now, spent)
            times.append(now)
        now += every
    return times


def test_the_first_is_due_at_once_and_none_that_nobody_asked_for() -> None:
    pace = Pace()
    assert not pace.is_due(1000.0)
    pace.ask(0.0)
    assert pace.is_due(0.0)


def test_who_changes_all_the_time_is_written_less_and_less_often() -> None:
    times = written(600, 0.25)
    assert len(times) < 20
    assert times[1] - times[0] == SHORTEST
    assert times[-1] - times[-2] == LONGEST


def test_after_a_while_of_quiet_it_is_as_in_the_beginning() -> None:
    pace = Pace()
    for now in (0.0, 1.0, 3.0):
        pace.ask(now)
        pace.done(now, 0.0)
    pace.ask(1000.0)
    assert pace.is_due(1000.0)
    pace.done(1000.0, 0.0)
    pace.ask(1000.5)
    assert pace.is_due(1000.0 + SHORTEST)


def test_what_is_expensive_rests_for_longer() -> None:
    first, second = written(1000, 1.0, spent=10.0)[:2]
    assert second - first == 10.0 * REST
