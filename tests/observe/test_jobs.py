"""Which file is hashed next: fair to all workloads, whatever one of them does."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from aibom.observe.files.jobs import MAX_GROUPS, Job, Jobs
from aibom.observe.host.live import LiveFile
from aibom.types.files import FileKey

_NO_FILE = cast("LiveFile", None)


def job(group: str, inode: int, size: int = 10, since: float = 0.0) -> Job:
    return Job(FileKey(1, inode, size, 0, 0), group, _NO_FILE, since)


def order(jobs: Jobs) -> list[tuple[str, int]]:
    found = []
    while (one := jobs.take()) is not None:
        found.append((one.group, one.key.inode))
    return found


def test_who_had_the_fewest_bytes_comes_next() -> None:
    jobs = Jobs(10)
    for inode in range(3):
        jobs.put(job("big", inode, 100))
    for inode in range(10, 13):
        jobs.put(job("small", inode, 40))
    names = [group for group, _ in order(jobs)]
    assert names == ["big", "small", "small", "small", "big", "big"]


def test_a_flood_of_large_files_delays_others_by_one_file() -> None:
    jobs = Jobs(64)
    for inode in range(64):
        jobs.put(job("flood", inode, 20 * 10**9))
    for _ in range(5):
        jobs.take()
    assert jobs.has_room("victim")
    jobs.put(job("victim", 1_000, 10**9))
    jobs.take()
    # one more of the flood at most: who comes first at the same level is a matter of names
    names = [group for group, _ in order(jobs)]
    assert "victim" not in names[1:]


def test_a_full_queue_makes_room_for_who_has_less_in_it() -> None:
    jobs = Jobs(4)
    for inode in range(4):
        jobs.put(job("flood", inode))
    assert not jobs.has_room("flood")
    assert jobs.has_room("victim")
    out = jobs.put(job("victim", 9))
    assert out is not None
    assert (out.group, out.key.inode) == ("flood", 3)
    assert len(jobs) == 4
    assert out.key not in jobs
    assert job("victim", 9).key in jobs


def test_one_who_comes_back_has_saved_nothing_up() -> None:
    jobs = Jobs(10)
    jobs.put(job("late", 0, 1))
    for inode in range(1, 5):
        jobs.put(job("busy", inode, 100))
    assert [jobs.take(), jobs.take(), jobs.take()]
    for inode in range(10, 14):
        jobs.put(job("late", inode, 100))
    # not all four before the others, as if nothing of that time had been others'
    assert [group for group, _ in order(jobs)][:3].count("late") <= 2


def test_what_waited_for_long_is_let_go() -> None:
    jobs = Jobs(10)
    jobs.put(job("a", 1, since=1.0))
    jobs.put(job("a", 2, since=5.0))
    assert [one.key.inode for one in jobs.older(3.0)] == [1]
    assert order(jobs) == [("a", 2)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("abcd"), st.integers(0, 30), st.integers(0, 10**10)),
            st.none(),
        ),
        max_size=200,
    )
)
def test_it_never_holds_more_than_it_may_and_loses_nothing(
    steps: list[tuple[str, int, int] | None],
) -> None:
    jobs = Jobs(5)
    held: dict[FileKey, Job] = {}
    for step in steps:
        if step is None:
            taken = jobs.take()
            assert (taken is None) == (not held)
            if taken is not None:
                del held[taken.key]
            continue
        one = job(*step)
        if one.key in jobs or not jobs.has_room(one.group):
            continue
        out = jobs.put(one)
        held[one.key] = one
        if out is not None:
            assert out.group != one.group
            del held[out.key]
        assert len(jobs) == len(held) <= 5
        assert jobs.size == sum(key.size for key in held)
    assert {inode for _, inode in order(jobs)} == {key.inode for key in held}
    assert jobs.take() is None


def test_groups_that_are_gone_are_forgotten() -> None:
    jobs = Jobs(10)
    for number in range(3 * MAX_GROUPS):
        jobs.put(job(str(number), number))
        jobs.take()
    assert len(jobs._served) <= MAX_GROUPS + 1
