"""Uses that wait: places take turns, nothing is held for ever, nothing waits without end."""

import math
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.watch import turns as module
from aibom.observe.watch.lives import Life
from aibom.observe.watch.turns import Turns
from aibom.types.processes import Cgroup
from tests.make import process


def user(place: str) -> Life | None:
    return Life(7, process(7, cgroup=Cgroup(container_id=place))) if place else None


def event(name: bytes, descriptor: int = -1) -> FileEvent:
    values: dict[str, Any] = dict.fromkeys(FileEvent._fields, 0)
    return FileEvent(**(values | {"name": name, "descriptor": descriptor}))


def test_one_of_many_does_not_wait_for_all_of_another() -> None:
    waiting = Turns()
    storm = [(user("storm"), event(b"%d" % n)) for n in range(1000)]
    waiting.add(storm)
    waiting.add([(user("quiet"), event(b"mine")), (None, event(b"nobody's"))])
    taken = [e.name for _, e in zip_first(waiting, 4)]
    assert taken == [b"0", b"mine", b"nobody's", b"1"]


def zip_first(waiting: Turns, count: int) -> list[Any]:
    found = []
    for use in waiting.take(math.inf):
        found.append(use)
        if len(found) == count:
            break
    return found


def test_it_ends_in_time_and_goes_on_with_who_had_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    waiting = Turns()
    waiting.add([(user(p), event(p.encode() + b"%d" % n)) for p in "abc" for n in range(2)])
    rounds = []
    while len(waiting):
        names = []
        for _, one in waiting.take(1.0):
            names.append(one.name)
            now[0] += 0.6
        rounds.append(names)
    assert rounds == [[b"a0", b"b0"], [b"c0", b"a1"], [b"b1", b"c1"]]


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(0, 99))))
def test_all_are_taken_once_and_in_their_order(acts: list[tuple[str, int]]) -> None:
    waiting = Turns()
    waiting.add([(user(place), event(b"%s:%d" % (place.encode(), n))) for place, n in acts])
    assert len(waiting) == len(acts)
    taken = [one.name for _, one in waiting.take(math.inf)]
    for place in {place for place, _ in acts}:
        mine = [name for name in taken if name.startswith(place.encode() + b":")]
        assert mine == [b"%s:%d" % (p.encode(), n) for p, n in acts if p == place]
    assert (len(taken), len(waiting)) == (len(acts), 0)


def test_what_there_is_no_room_for_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    monkeypatch.setattr(module, "MAX_DESCRIPTORS", 1)
    ends = [os.pipe() for _ in range(3)]
    waiting = Turns()
    uses = [(user("a"), event(b"x", read)) for read, _ in ends]
    uses += [(user("a"), event(b"y")) for _ in range(3)]
    # two descriptors too many, and one use too many
    assert waiting.add(uses) == 3
    waiting.close()
    assert len(waiting) == 0
    for read, write in ends:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(read)
        os.close(write)
