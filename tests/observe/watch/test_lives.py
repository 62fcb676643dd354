"""Who a process was, by forks, execs and exits in every order that the kernel tells them."""

import os
import sys
import threading
import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.events.proc import ProcessEvent
from aibom.observe.host.protocol import Host
from aibom.observe.watch import lives as module
from aibom.observe.watch.lives import Life, Lives, nobody
from aibom.types.processes import Cgroup, Process
from tests import make

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
SECOND = 1_000_000_000
HERE, THERE = "3f" * 32, "5a" * 32


def place(container: str) -> str:
    return f"0::/kubepods/pod0d0e5b5e-37bc-4ff5-9c3f-9b8b9c1e2f3a/{container}" if container else "/"


class Table:
    """A process table whose entries come and go as a test says."""

    def __init__(self) -> None:
        self.entries: dict[int, dict[str, Any]] = {}

    def put(
        self, pid: int, comm: str, ticks: int = 0, container: str = "", root: str = "/"
    ) -> None:
        self.entries[pid] = {"comm": comm, "ticks": ticks, "at": container, "root": root}

    def _entry(self, pid: int) -> dict[str, Any]:
        if pid not in self.entries:
            raise FileNotFoundError(pid)
        return self.entries[pid]

    def read(self, pid: int, name: str) -> bytes:
        entry = self._entry(pid)
        rest = ["S", "1", "1", str(pid), "0", "0", "0"] + ["0"] * 12 + [str(entry["ticks"])]
        return {
            "stat": f"{pid} ({entry['comm']}) {' '.join(rest)}",
            "cgroup": place(entry["at"]),
            "cmdline": f"{entry['comm']}\0--flag\0",
            "environ": "",
        }[name].encode()

    def link(self, pid: int, name: str) -> str:
        entry = self._entry(pid)
        namespace = f"mnt:[{entry['at'][:4] or 1}]"
        named = {"exe": f"/bin/{entry['comm']}", "cwd": "/", "root": entry["root"]}
        return named.get(name) or (namespace if name == "ns/mnt" else "net:[1]")

    def owner(self, pid: int) -> int:
        self._entry(pid)
        return 0


class Watched:
    """Lives over a table, told of by short words."""

    def __init__(self) -> None:
        self.table = Table()
        self.lives = Lives(cast("Host", self.table))
        self.boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()

    def ticks(self, when_ns: int) -> int:
        """The start time that /proc shows of a process born at a moment."""
        return (when_ns + self.boot_ns) // TICK_NS

    def tell(self, kind: Any, pid: int, parent: int = 0, when: int = SECOND) -> Life | None:
        return self.lives.take(ProcessEvent(kind, pid, parent, when))

    def seed(self, process: Process, asked: int = 0, *, watched: bool = False) -> Life:
        return self.lives.seed(process, asked, watched=watched)

    def shim(self, comm: str, pid: int = 100) -> Life:
        return self.seed(make.process(pid, comm=comm, executable=f"/bin/{comm}"))

    def container(self, pid: int = 10, container: str = HERE) -> Life:
        return self.seed(make.process(pid, comm="sh", cgroup=Cgroup(container, "u")))


@pytest.fixture
def node() -> Watched:
    return Watched()


def test_a_child_is_its_parent_until_it_begins_a_program(node: Watched) -> None:
    parent = node.container()
    child = node.tell("fork", 11, 10)
    assert child is not None
    assert (child.inherited, child.placed, child.forked) == (True, True, True)
    assert child.process == make.process(
        11, comm="sh", cgroup=parent.process.cgroup, parent=10, start_ticks=0, session=10
    )
    node.table.put(11, "cat", node.ticks(SECOND), HERE)
    assert node.tell("exec", 11) is child
    assert (child.process.comm, child.process.argv) == ("cat", ("cat", "--flag"))
    assert (child.inherited, child.placed) == (False, True)
    assert child.process.cgroup.container_id == HERE
    assert node.tell("exit", 11, when=2 * SECOND) is child
    assert node.lives.get(11) is None
    assert node.lives.of(11, 0) is child
    assert child.ended_ns == 2 * SECOND


def test_one_that_ended_before_it_could_be_asked_ran_where_its_parent_does(node: Watched) -> None:
    parent = node.container()
    node.tell("fork", 11, 10)
    life = node.tell("exec", 11)  # it is gone from the process table
    assert life is not None
    assert life.process.cgroup == parent.process.cgroup
    assert life.placed
    # its program is not its parent's
    assert (life.process.comm, life.process.executable, life.process.argv) == ("", "", ())


def test_grandchildren_of_parents_that_have_ended(node: Watched) -> None:
    node.container()
    node.tell("fork", 11, 10)
    node.tell("exit", 11)
    late = node.tell("fork", 12, 11)  # told after its parent's end
    assert late is not None
    assert late.process.cgroup.container_id == HERE
    assert node.tell("fork", 13, 99) is None  # of a parent that nobody met
    assert node.lives.of(13, 0) is None


def test_events_of_processes_that_nobody_met(node: Watched) -> None:
    assert node.tell("exit", 11) is None
    assert node.tell("exec", 11) is None
    node.table.put(11, "cat", 500, HERE)
    life = node.tell("exec", 11)
    assert life is not None
    assert life.process.comm == "cat"
    assert (life.placed, life.inherited, life.watched) == (True, False, False)


@pytest.mark.parametrize(
    "comm",
    ["containerd-shim", "containerd-shim-runc-v2", "runc", "runc:[1:CHILD]", "crun", "conmon"],
)
def test_what_a_runtime_starts_may_be_moved_into_any_container(node: Watched, comm: str) -> None:
    node.shim(comm)
    child = node.tell("fork", 101, 100)
    assert child is not None
    assert not child.placed
    grandchild = node.tell("fork", 102, 101)
    assert grandchild is not None
    assert not grandchild.placed
    node.table.put(102, "cat", node.ticks(SECOND), HERE)
    node.tell("exec", 102)
    assert (grandchild.placed, grandchild.process.cgroup.container_id) == (True, HERE)
    assert not child.placed


def test_a_runtime_inside_a_container_keeps_to_it(node: Watched) -> None:
    node.seed(make.process(10, comm="runc", cgroup=Cgroup(HERE)))
    child = node.tell("fork", 11, 10)
    assert child is not None
    assert child.placed


def test_what_begins_a_watched_command_is_watched(node: Watched) -> None:
    root = node.container()
    root.watched = True
    for pid in (11, 12, 13):
        life = node.tell("fork", pid, pid - 1)
        node.tell("exit", pid - 1)
        assert life is not None
        assert life.watched  # a daemon's grandchild, after both above it have ended
    node.seed(make.process(20))
    stranger = node.tell("fork", 21, 20)
    assert stranger is not None
    assert not stranger.watched


def test_a_number_that_another_process_bears_by_now_is_not_asked(node: Watched) -> None:
    node.container()
    life = node.tell("fork", 11, 10, when=SECOND)
    assert life is not None
    # by the time it is asked, the number belongs to a process of another container, born later
    node.table.put(11, "evil", node.ticks(SECOND + SECOND // 2), THERE)
    node.tell("exec", 11)
    assert life.process.comm == ""
    assert life.process.cgroup.container_id == HERE


@pytest.mark.parametrize(("since", "expected"), [(5, None), (15, None), (20, None), (25, "x")])
def test_an_act_within_the_time_that_two_bore_one_number(
    node: Watched, since: int, expected: str | None
) -> None:
    node.container(10, HERE)
    node.container(20, THERE)
    first = node.tell("fork", 11, 10, when=10)
    node.tell("exit", 11, when=20)
    assert node.lives.of(11, since) is first
    second = node.tell("fork", 11, 20, when=30)
    # what was read after both births may be either's, and they are in different containers
    assert node.lives.of(11, since) is (second if expected else None)
    assert node.lives.of(11, 40) is second


def test_two_in_one_container_tell_of_the_container(node: Watched) -> None:
    node.container(20, THERE)
    node.tell("fork", 11, 20, when=10)
    node.tell("exit", 11, when=20)
    node.tell("fork", 11, 20, when=30)
    found = node.lives.of(11, 15)
    assert found is not None
    assert (found.placed, found.process.cgroup.container_id) == (True, THERE)
    assert (found.process.comm, found.process.argv) == ("", ())


def test_two_of_one_place_tell_nothing_where_the_place_is_a_guess(node: Watched) -> None:
    node.shim("runc")
    node.tell("fork", 11, 100, when=10)
    node.tell("exit", 11, when=20)
    node.tell("fork", 11, 100, when=30)
    found = node.lives.of(11, 5)
    assert found is None or not found.placed


def test_what_was_asked_before_a_program_began_says_nothing_of_it(node: Watched) -> None:
    life = node.container(10)
    node.table.put(10, "cat", 1, HERE)
    node.tell("exec", 10, when=50)
    assert node.seed(make.process(10, comm="sh"), 40) is life
    assert life.process.comm == "cat"
    assert node.seed(make.process(10, comm="tac"), 60) is life
    assert life.process.comm == "tac"


def test_a_fork_whose_predecessors_end_was_not_told(node: Watched) -> None:
    node.container()
    first = node.tell("fork", 11, 10, when=10)
    second = node.tell("fork", 11, 10, when=30)
    assert first is not None
    assert first.ended_ns == 30
    assert node.lives.get(11) is second
    assert len(node.lives) == 2


def test_a_thread_that_outlives_the_first_and_begins_a_program(node: Watched) -> None:
    root = node.container()
    root.watched = True
    life = node.tell("fork", 11, 10, when=SECOND)
    assert life is not None
    node.table.put(11, "threads", node.ticks(SECOND), HERE)
    node.tell("exec", 11)
    node.tell("exit", 11)
    node.table.put(11, "next", node.ticks(SECOND), HERE)
    again = node.tell("exec", 11)
    assert again is not None
    assert again is not life
    assert again.watched
    # another process of that number is none of the command's
    node.tell("exit", 11)
    node.table.put(11, "other", node.ticks(9 * SECOND), HERE)
    other = node.tell("exec", 11)
    assert other is not None
    assert not other.watched


def test_a_look_refreshes_and_replaces(node: Watched) -> None:
    life = node.tell("fork", 11, 10) or node.container()
    assert node.seed(make.process(10, comm="next", start_ticks=1)) is life
    assert life.process.comm == "next"
    assert node.seed(make.process(10, comm="next"), watched=True).watched
    assert life.watched
    other = node.seed(make.process(10, comm="other", start_ticks=77))
    assert other is not life
    assert life.ended_ns > 0
    assert not other.watched
    assert list(node.lives) == [other]


def test_a_child_met_by_a_look_before_it_begins_a_program(node: Watched) -> None:
    node.container()
    life = node.tell("fork", 11, 10)
    assert node.seed(make.process(11, comm="sh", start_ticks=4711)) is life
    assert life is not None
    assert not life.inherited


def test_a_living_neighbour_sees_what_an_ended_process_saw(node: Watched) -> None:
    neighbour = node.container(10)
    node.tell("fork", 11, 10)
    life = node.tell("fork", 12, 10)
    assert life is not None
    assert node.lives.near(life.process) is life.process
    node.tell("exit", 12)
    assert node.lives.near(life.process) is neighbour.process
    moved = make.process(12, root="/jail", cgroup=Cgroup(HERE))
    assert node.lives.near(moved) is None
    node.tell("exit", 10)
    # what is left was never asked who it is
    assert node.lives.near(life.process) is None


def test_meeting_one_that_no_event_told_of(node: Watched) -> None:
    assert node.lives.meet(11) is None
    node.table.put(11, "cat", 5, HERE)
    life = node.lives.meet(11)
    assert life is not None
    assert node.lives.get(11) is life
    assert nobody(11).placed is False
    assert nobody(11).process.placed is False


def test_a_fork_bomb_is_forgotten_from_its_beginning(
    node: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ALIVE", 100)
    node.container(1)
    for pid in range(2, 1_000):
        node.tell("fork", pid, pid - 1)
    assert len(node.lives) == 100
    assert node.lives.forgotten == 999 - 100
    assert node.lives.get(999) is not None
    assert node.lives.get(1) is None


def test_the_ended_are_forgotten_by_number_and_by_time(
    node: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENDED", 50)
    node.container(10)
    for pid in range(100, 300):
        node.tell("fork", pid, 10, when=pid)
        node.tell("exit", pid, when=pid)
    assert len(node.lives._ended) == len(node.lives._last) == 50
    assert node.lives.of(100, 0) is None
    assert node.lives.of(299, 0) is not None
    later = (module.KEPT_SECONDS + 1) * SECOND
    node.tell("fork", 300, 10, when=later)
    node.tell("exit", 300, when=later)
    assert list(node.lives._last) == [300]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["fork", "exec", "exit", "appear", "vanish"]),
        st.integers(10, 14),
        st.integers(10, 14),
        st.sampled_from([HERE, THERE]),
    ),
    max_size=60,
)


@given(EVENTS)
def test_in_whatever_order_they_come(events: list[tuple[Any, int, int, str]]) -> None:
    node = Watched()
    node.container(10, HERE)
    node.container(14, THERE)
    for at, (kind, pid, parent, container) in enumerate(events, 1):
        if kind == "appear":
            node.table.put(pid, "p", node.ticks(at), container)
        elif kind == "vanish":
            node.table.entries.pop(pid, None)
        else:
            life = node.tell(kind, pid, parent, at)
            assert life is None or life.pid == pid == life.process.pid
        for alive in node.lives:
            assert alive.ended_ns == 0
            assert node.lives.get(alive.pid) is alive
        found = node.lives.of(pid, at)
        assert found is None or found.pid == pid
        assert len(node.lives) <= 5


def test_ends_that_no_event_told_of_are_found_by_the_process_table(node: Watched) -> None:
    gone, alive = node.container(10), node.container(11)
    assert node.lives.buried({11}) == [gone]
    assert gone.ended_ns
    assert node.lives.get(10) is None
    assert node.lives.get(11) is alive
    assert node.lives.buried({11}) == []


def test_one_whose_number_another_one_bears_is_buried_as_well(node: Watched) -> None:
    stale = node.container(10)
    node.tell("fork", 10, 1, when=5 * SECOND)
    node.tell("fork", 10, 1, when=6 * SECOND)
    assert stale in node.lives.buried({10})


def test_a_neighbour_is_looked_for_while_processes_come_and_go(node: Watched) -> None:
    ended = make.process(7, mount_namespace="mnt:[other]")
    stop = threading.Event()

    def churn() -> None:
        pid = 1000
        while not stop.is_set():
            pid += 1
            node.container(pid)
            node.tell("exit", pid - 50)

    thread = threading.Thread(target=churn)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        assert all(node.lives.near(ended) is None for _ in range(500))
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)
