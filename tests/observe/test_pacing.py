"""How fast the background reads: under a rate, and slower while others wait for disks."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aibom.observe.files.pacing import Pace, Pressure, StoppedError

SOME = "some avg10=12.50 avg60=1.00 avg300=0.00 total=2500000\n"
FULL = "full avg10=99.00 avg60=0.00 avg300=0.00 total=7\n"


class Clock(threading.Event):
    """Time that passes where somebody rests."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.rested: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert timeout >= 0
        self.rested.append(timeout)
        self.now += timeout
        return self.is_set()


class Node(Pressure):
    """A node on which somebody waits for disks, for so much of the time."""

    def __init__(self, clock: Clock, others: float, ours: float = 0.0) -> None:
        super().__init__()
        self._clock, self._others, self._ours = clock, others, ours
        self._began = clock.now

    def read(self) -> float:
        share = min(100.0, self._others + self._ours)
        resting = sum(self._clock.rested)
        reading = self._clock.now - self._began - resting
        return (resting * self._others + reading * share) / 100


@pytest.fixture
def clock() -> Clock:
    return Clock()


def reading(pace: Pace, clock: Clock, seconds: float, count: int = 1 << 20) -> Iterator[None]:
    """Read a chunk every ten milliseconds."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += 0.01
        pace(count)
        yield


def test_a_rate_is_kept(clock: Clock) -> None:
    pace = Pace(clock, 10 << 20, Node(clock, 0), lambda: clock.now)
    began = clock.now
    chunks = sum(1 for _ in reading(pace, clock, 20.0))
    assert chunks / (clock.now - began) == pytest.approx(10, rel=0.05)


def test_no_rate_is_no_rest(clock: Clock) -> None:
    pace = Pace(clock, 0, Node(clock, 0), lambda: clock.now)
    assert sum(1 for _ in reading(pace, clock, 20.0)) >= 1999
    assert clock.rested == []


def test_it_rests_while_others_wait(clock: Clock) -> None:
    pace = Pace(clock, 0, Node(clock, 60), lambda: clock.now)
    began = clock.now
    list(reading(pace, clock, 200.0))
    # and goes on, as it must not wait for ever
    assert 0.9 < sum(clock.rested) / (clock.now - began) < 0.97


def test_its_own_waiting_does_not_hold_it_up(clock: Clock) -> None:
    """A slow disk on which nobody but us reads is under pressure all of the time."""
    pace = Pace(clock, 0, Node(clock, 0, ours=99), lambda: clock.now)
    began = clock.now
    list(reading(pace, clock, 100.0))
    assert sum(clock.rested) / (clock.now - began) < 0.35


def test_it_ends_when_it_is_told_to(clock: Clock) -> None:
    pace = Pace(clock, 1, Node(clock, 0), lambda: clock.now)
    clock.set()
    with pytest.raises(StoppedError):
        pace(1)


def test_it_ends_in_the_middle_of_a_rest() -> None:
    stopped = threading.Event()
    pace = Pace(stopped, 1)
    threading.Timer(0.05, stopped.set).start()
    with pytest.raises(StoppedError):
        pace(1 << 20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(SOME + FULL, 2.5), ("", 0.0), ("some avg10=x total=\n", 0.0), (FULL, 0.0)],
)
def test_pressure_is_read(tmp_path: Path, text: str, expected: float) -> None:
    folder = tmp_path / "pressure"
    folder.mkdir()
    (folder / "io").write_text(text)
    assert Pressure(str(tmp_path)).read() == expected


def test_a_kernel_without_it_is_never_under_pressure() -> None:
    assert Pressure("/nowhere").read() == 0.0
