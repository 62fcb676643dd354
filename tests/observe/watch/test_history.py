"""What a process did from beginning to end: looks and events joined, ended ones folded."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.observe.watch import history as module
from aibom.observe.watch.history import History
from aibom.observe.watch.lives import Life
from aibom.observe.watch.record import program_of
from aibom.types.facts import ProcessFacts
from aibom.types.files import Arrival, FileFacts, FileKey, FileUse, Origin, UseKind, Written
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import Binary, LoadedPackage
from aibom.types.processes import Cgroup, Connection
from tests import make


def life(pid: int = 7, **fields: Any) -> Life:
    placed = fields.pop("placed", True)
    return Life(pid, make.process(pid, **fields), placed=placed)


def used(path: str = "/m/a.gguf", kind: UseKind = "opened", inode: int = 1) -> ModelUse:
    found = make.model_use(make.file(path, inode=inode))
    return replace(found, use=FileUse(path, kind, "", "", inode))


def loaded(name: str = "torch") -> LoadedPackage:
    return LoadedPackage(make.package(name), make.file(f"/s/{name}/__init__.py"), "opened")


def everything(history: History) -> tuple[ProcessFacts, ...]:
    return history.facts(lambda _: True)


def uses(facts: ProcessFacts) -> list[tuple[str, str, int]]:
    return sorted((u.model.file.path, u.use.kind, u.times) for u in facts.models)


def end(history: History, one: Life) -> None:
    history.end(one)
    history.tidy(everything=True)


@pytest.fixture
def history() -> History:
    return History(lambda facts: bool(facts.models or facts.binaries))


def test_a_process_of_which_only_events_told(history: History) -> None:
    one = life(argv=("python3", "-m", "chat.serve"))
    history.use(one, used())
    (facts,) = everything(history)
    assert facts.process == one.process
    assert facts.program.module == "chat.serve"
    assert uses(facts) == [("/m/a.gguf", "opened", 1)]


def test_two_looks_are_one(history: History) -> None:
    one = life()
    early = make.seen(
        models=(make.model_use(make.file("/m/a.gguf", inode=1)),),
        packages=(loaded("torch"),),
        connections=(Connection("127.0.0.1:1"),),
        devices=("/dev/nvidia0", "/dev/nvidiactl"),
        modules=3,
    )
    late = make.seen(
        models=(make.model_use(make.file("/m/b.gguf", inode=2)),),
        packages=(loaded("torch"), loaded("numpy")),
        binaries=(Binary(make.file("/lib/x.so", inode=9)),),
        connections=(Connection("127.0.0.1:2"),),
        devices=("/dev/nvidia1",),
        modules=5,
    )
    history.look(one, early)
    history.look(one, late)
    (facts,) = everything(history)
    assert uses(facts) == [("/m/a.gguf", "mapped", 1), ("/m/b.gguf", "mapped", 1)]
    assert {p.package.name for p in facts.packages} == {"torch", "numpy"}
    assert [c.local for c in facts.connections] == ["127.0.0.1:1", "127.0.0.1:2"]
    assert len(facts.binaries) == 1
    assert facts.devices == ("/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl")
    assert facts.modules == 5


def test_an_equal_look_is_no_news(history: History) -> None:
    one = life()
    history.look(one, make.seen())
    told = history.changes
    history.look(one, make.seen())
    assert history.changes == told
    history.look(one, make.seen(models=(make.model_use(),)))
    assert history.changes == told + 1


def test_content_that_was_replaced_is_another_model(history: History) -> None:
    one = life()
    before = make.model_use(FileFacts("/m/a.gguf", FileKey(1, 5, 9, 1, 1), Origin("host"), "aa"))
    after = make.model_use(FileFacts("/m/a.gguf", FileKey(1, 5, 9, 2, 2), Origin("host"), "bb"))
    history.look(one, make.seen(models=(before,)))
    history.look(one, make.seen(models=(after,)))
    (facts,) = everything(history)
    assert {u.model.file.sha256 for u in facts.models} == {"aa", "bb"}


def test_what_a_look_saw_held_is_not_told_again_by_its_open(history: History) -> None:
    one = life()
    held = make.model_use(make.file("/m/a.gguf", inode=1))
    history.use(one, used("/m/a.gguf", inode=1))
    history.use(one, used("/m/b.gguf", inode=2))
    history.look(one, make.seen(models=(held,)))
    (facts,) = everything(history)
    assert uses(facts) == [("/m/a.gguf", "mapped", 1), ("/m/b.gguf", "opened", 1)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("opened", 0)] * 3, [("/m/a.gguf", "opened", 3)]),
        # the open that came before a write is the write's
        ([("opened", 0), ("written", 1)], [("/m/a.gguf", "written", 1)]),
        ([("written", 0)], [("/m/a.gguf", "written", 1)]),
        (
            [("opened", 0), ("written", 1), ("opened", 0)],
            [("/m/a.gguf", "opened", 1), ("/m/a.gguf", "written", 1)],
        ),
        (
            [("written", 0), ("written", 0), ("opened", 0)],
            [("/m/a.gguf", "opened", 1), ("/m/a.gguf", "written", 2)],
        ),
    ],
)
def test_opens_and_writes_of_one_file(
    history: History, told: list[tuple[UseKind, int]], expected: list[tuple[str, str, int]]
) -> None:
    one = life()
    for kind, own_opens in told:
        history.use(one, used(kind=kind), own_opens)
    (facts,) = everything(history)
    assert uses(facts) == expected


def test_a_file_that_is_written_to_has_the_content_that_it_ends_with(history: History) -> None:
    one = life()
    first = used(kind="written")
    history.use(one, first)
    history.use(one, replace(first, model=replace(first.model, file=make.file(digest="cd" * 32))))
    (facts,) = everything(history)
    assert [(u.model.file.sha256, u.times) for u in facts.models] == [("cd" * 32, 2)]


def test_a_program_that_begins_another_one_leaves_what_it_did(history: History) -> None:
    one = life(comm="sh", executable="/bin/sh", argv=("sh", "start.sh"))
    history.use(one, used("/m/a.gguf"))
    one.process = make.process(7, comm="cat", executable="/bin/cat", argv=("cat", "b"))
    history.use(one, used("/m/b.gguf"))
    facts = everything(history)
    assert sorted((f.process.comm, uses(f)[0][0]) for f in facts) == [
        ("cat", "/m/b.gguf"),
        ("sh", "/m/a.gguf"),
    ]
    end(history, one)
    assert everything(history) == facts


def test_one_that_had_done_nothing_yet_is_only_renamed(history: History) -> None:
    one = life(comm="sh", executable="/bin/sh", argv=("sh",))
    history.packages(one, [])
    one.process = make.process(7, comm="cat", executable="/bin/cat", argv=("cat",))
    history.use(one, used())
    (facts,) = everything(history)
    assert facts.process.comm == "cat"


@pytest.mark.parametrize(("begun", "names"), [(5, ["express"]), (0, ["openai", "express"])])
def test_what_is_only_listed_gives_way_to_loads_seen_from_the_beginning(
    history: History, begun: int, names: list[str]
) -> None:
    one = life()
    one.exec_ns = begun
    opened = LoadedPackage(
        make.package("express", ecosystem="npm"), make.file("/n/express"), "opened"
    )
    listed = LoadedPackage(
        make.package("openai", ecosystem="npm"), make.file("/n/openai"), "listed"
    )
    history.packages(one, [opened])
    history.look(one, make.seen(packages=(listed,)))
    (facts,) = everything(history)
    assert [p.package.name for p in facts.packages] == names


def test_packages_of_a_look_and_of_events_are_told_once(history: History) -> None:
    one = life()
    history.packages(one, [loaded("torch"), loaded("torch"), loaded("numpy")])
    history.installed(one, loaded("numpy"))
    history.installed(one, loaded("numpy"))
    mapped = replace(loaded("torch"), how="mapped")
    history.look(one, make.seen(packages=(mapped,)))
    (facts,) = everything(history)
    assert [(p.package.name, p.how) for p in facts.packages] == [
        ("torch", "mapped"),
        ("numpy", "opened"),
    ]
    assert [p.package.name for p in facts.installed] == ["numpy"]


def test_ended_processes_stay_if_they_matter(history: History) -> None:
    for pid, found in ((1, make.seen(1)), (2, make.seen(2, models=(make.model_use(),)))):
        one = life(pid)
        history.look(one, found)
        end(history, one)
    end(history, life(3))  # of which nothing was seen
    assert [f.process.pid for f in everything(history)] == [2]


def test_what_becomes_known_soon_after_the_end_is_of_the_same_process(history: History) -> None:
    one = life()
    history.use(one, used(kind="opened"))
    history.end(one)
    history.tidy()
    history.use(one, used(kind="written"), 1)
    history.end(one)
    (facts,) = everything(history)
    assert uses(facts) == [("/m/a.gguf", "written", 1)]
    history.tidy(everything=True)
    assert everything(history) == (facts,)
    history.end(one)  # told once more
    history.tidy(everything=True)
    assert everything(history) == (facts,)


def test_ten_thousand_of_a_kind_are_one_with_how_often(history: History) -> None:
    for pid in range(10_000):
        one = life(pid, comm="cat", executable="/bin/cat", argv=("cat", "/m/a.gguf"))
        history.use(one, used())
        end(history, one)
    (facts,) = everything(history)
    assert uses(facts) == [("/m/a.gguf", "opened", 10_000)]
    assert facts.process.pid == 0
    assert history.dropped == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"argv": ("cat", "other")},
        {"executable": "/bin/tac"},
        {"cgroup": make.Cgroup("c" * 64)},
        {"placed": False},
    ],
)
def test_what_differs_is_not_folded(history: History, fields: dict[str, Any]) -> None:
    for pid, more in ((1, {}), (2, fields)):
        one = life(pid, **more)
        history.use(one, used())
        end(history, one)
    assert len(everything(history)) == 2


def test_where_the_place_is_a_guess_at_the_end_it_is_said(history: History) -> None:
    one = life(placed=False)
    history.use(one, used())
    assert [f.process.placed for f in everything(history)] == [False]
    one.placed = True  # its exec was told after its opens
    end(history, one)
    assert [f.process.placed for f in everything(history)] == [True]


def test_every_memory_has_an_end(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENDED", 10)
    monkeypatch.setattr(module, "MAX_USES", 5)
    monkeypatch.setattr(module, "MAX_ARRIVED", 7)
    monkeypatch.setattr(module, "MAX_ARRIVALS", 2)
    greedy = life(1)
    for number in range(8):
        history.use(greedy, used(f"/m/{number}.gguf"))
    assert history.dropped == 3
    history.use(greedy, used("/m/0.gguf"))  # what is known is still counted
    assert history.dropped == 3
    for pid in range(2, 32):
        one = life(pid, argv=(str(pid),))
        history.use(one, used())
        end(history, one)
    assert history.dropped == 3 + 20
    assert len(everything(history)) == 1 + 10
    for number in range(100):
        history.arrived((1, number), Written(1, number, 0), Arrival("cp", number))
    kept = {Written(device, number, 0) for number in range(93, 100) for device in (0, 1)}
    assert set(history.arrivals) == kept
    for number in range(100):
        history.arrived((2, 0), Written(2, 0, 0), Arrival("cp", number))
    assert len(history.arrivals[Written(2, 0, 0)]) == 2


def test_arrivals_are_told_once(history: History) -> None:
    for _ in range(3):
        history.arrived((1, 2), Written(1, 2, 5), Arrival("curl", 7))
    assert history.arrivals == {Written(device, 2, 5): (Arrival("curl", 7),) for device in (0, 1)}
    assert history.changes == 1


def test_a_file_that_is_written_again_keeps_its_writers(history: History) -> None:
    history.arrived((b"fs", b"handle"), Written(1, 2, 5), Arrival("curl", 7))
    history.arrived((b"fs", b"handle"), Written(1, 2, 6), Arrival("sed", 8))
    assert history.arrivals[Written(1, 2, 6)] == (Arrival("curl", 7), Arrival("sed", 8))
    assert history.arrivals[Written(1, 2, 5)] == (Arrival("curl", 7),), "as one may hold it still"


def test_a_file_of_a_layer_is_found_without_its_device(history: History) -> None:
    history.arrived((b"fs", b"handle"), Written(1, 2, 5), Arrival("curl", 7))
    history.arrived((b"other", b"handle"), Written(3, 2, 5), Arrival("cp", 8))
    assert history.arrivals[Written(0, 2, 5)] == (Arrival("curl", 7), Arrival("cp", 8))
    assert history.arrivals[Written(3, 2, 5)] == (Arrival("cp", 8),)


def test_another_file_with_the_inode_of_one_that_is_gone_has_its_own_writers(
    history: History,
) -> None:
    history.arrived((b"fs", b"first"), Written(1, 2, 5), Arrival("curl", 7))
    history.arrived((b"fs", b"second"), Written(1, 2, 6), Arrival("sed", 8))
    assert history.arrivals[Written(1, 2, 6)] == (Arrival("sed", 8),)


def test_only_what_is_asked_for_is_given(history: History) -> None:
    history.use(life(1), used())
    history.use(life(2), used())
    assert [f.process.pid for f in history.facts(lambda p: p.pid == 2)] == [2]


def test_what_is_worth_a_look_more_often(history: History) -> None:
    one, other = life(1), life(2)
    assert not history.is_busy(one)
    history.look(other, make.seen(2))
    assert not history.is_busy(other)
    history.use(one, used())
    history.look(other, make.seen(2, binaries=(Binary(make.file("/lib/x.so")),)))
    assert history.is_busy(one)
    assert history.is_busy(other)


@pytest.mark.parametrize(
    ("executable", "argv", "expected"),
    [
        ("/usr/bin/python3.11", ("python3", "/srv/app.py"), ("app.py", "/srv/app.py", "")),
        ("/usr/bin/python3.11", ("python3", "-m", "chat"), ("chat", "", "chat")),
        ("/usr/bin/cat", ("cat", "x"), ("cat", "/usr/bin/cat", "")),
        ("", (), ("", "", "")),
    ],
)
def test_the_program_by_its_command_line(
    executable: str, argv: tuple[str, ...], expected: tuple[str, str, str]
) -> None:
    found = program_of(make.process(executable=executable, argv=argv))
    assert (found.name, found.path, found.module) == expected


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["opened", "written", "exec", "end"]),
        st.integers(1, 3),
        st.sampled_from(["/m/a", "/m/b"]),
    ),
    max_size=40,
)


@given(STEPS)
def test_no_written_file_and_no_lasting_open_is_lost(steps: list[tuple[Any, int, str]]) -> None:
    history = History(lambda _: False)
    lives = {pid: life(pid) for pid in (1, 2, 3)}
    written: dict[str, int] = {}
    opened: set[str] = set()
    for kind, pid, path in steps:
        if kind == "end":
            end(history, lives[pid])
            lives[pid] = life(pid)
        elif kind == "exec":
            lives[pid].process = make.process(pid, argv=(path,))
        else:
            history.use(lives[pid], used(path, kind))
            written[path] = written.get(path, 0) + (kind == "written")
            opened.add(path)
    found = [u for facts in everything(history) for u in facts.models]
    writes = [u for u in found if u.use.kind == "written"]
    for path, times in written.items():
        assert sum(u.times for u in writes if u.model.file.path == path) == times
    assert {u.model.file.path for u in found} == opened
    assert all(u.times > 0 for u in found)


def digests(history: History) -> set[str]:
    return {u.model.file.sha256 for facts in everything(history) for u in facts.models}


def with_content(digest: str) -> ModelUse:
    found = used()
    return replace(found, model=replace(found.model, file=make.file("/m/a.gguf", digest)))


def test_like_processes_that_read_different_contents_of_one_file(history: History) -> None:
    for pid, digest in ((1, "aa"), (2, "bb"), (3, "bb")):
        one = life(pid)
        history.use(one, with_content(digest))
        end(history, one)
    assert digests(history) == {"aa", "bb"}
    assert sum(u.times for facts in everything(history) for u in facts.models) == 3


def test_a_process_that_reads_a_file_before_and_after_it_was_replaced_in_place(
    history: History,
) -> None:
    one = life()
    history.use(one, with_content("aa"))
    history.use(one, with_content("bb"))
    assert digests(history) == {"aa", "bb"}


def test_one_more_word_on_a_known_file_makes_nothing_else_forgotten(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ARRIVED", 2)
    one, two = Written(0, 1, 0), Written(0, 2, 0)
    history.arrived((1, 1), one, Arrival("cp", 1))
    history.arrived((1, 2), two, Arrival("cp", 1))
    history.arrived((1, 2), two, Arrival("cp", 2))
    assert set(history.arrivals) == {one, two}


def test_connections_of_like_processes_are_all_kept(history: History) -> None:
    for pid, remote in ((1, "192.0.2.1:443"), (2, "192.0.2.2:443")):
        one = life(pid)
        seen = make.seen(of=one.process, connections=(Connection("10.0.0.1:5", remote),))
        history.look(one, replace(seen, models=(used(),)))
        end(history, one)
    (facts,) = everything(history)
    assert [c.remote for c in facts.connections] == ["192.0.2.1:443", "192.0.2.2:443"]


def test_a_title_that_a_process_gives_itself_is_no_other_program(history: History) -> None:
    one = life()
    for title in ("worker: idle", "worker: busy", "worker: idle again"):
        one.process = replace(one.process, argv=(title,))
        history.look(one, make.seen(of=one.process, models=(used(),)))
    assert len(everything(history)) == 1
    one.exec_ns = 5
    one.process = replace(one.process, argv=("other",))
    history.use(one, used())
    assert len(everything(history)) == 2


def test_of_too_many_kinds_the_oldest_goes(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENDED", 2)
    for pid, path in ((1, "/a.gguf"), (2, "/b.gguf"), (3, "/c.gguf")):
        one = life(pid)
        history.use(one, used(path))
        end(history, one)
    assert {u.model.file.path for f in everything(history) for u in f.models} == {
        "/b.gguf",
        "/c.gguf",
    }
    assert history.dropped == 1


def test_what_ended_long_ago_is_forgotten(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    old, again, living = life(7), life(8), life(9)
    for one, path in ((old, "/m/a"), (again, "/m/b"), (living, "/m/c")):
        history.use(one, used(path))
    end(history, old)
    end(history, again)
    now[0] = 200.0
    other = life(10)
    history.use(other, used("/m/b"))
    end(history, other)
    history.forget(150.0)
    # the one that lives stays, and so does what was done again
    assert [facts.models[0].model.file.path for facts in everything(history)] == ["/m/b", "/m/c"]


def test_since_when_there_is_news_is_told_once(history: History) -> None:
    assert history.told() is None
    history.use(life(7), used())
    first = history.told()
    assert first is not None
    assert history.told() is None


def test_one_place_fills_its_own_memory_and_no_others(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_USES_OF_PLACE", 40)
    other = life(1, cgroup=Cgroup("b" * 64))
    history.use(other, used())
    # short programs with an argument of their own each, all of which open the same files
    for pid in range(2, 50):
        one = life(pid, argv=(str(pid),), cgroup=Cgroup("a" * 64))
        for number in range(10):
            history.use(one, used(f"/m/{number}.gguf"))
        end(history, one)
    found = everything(history)
    assert sum(len(f.models) for f in found) <= 1 + 40
    assert other.process in [f.process for f in found]
    # the newest are those of which nobody was told yet
    assert 49 in [f.process.pid for f in found]
    assert history.dropped > 0


def test_a_place_whose_living_processes_fill_it_gets_room_when_they_end(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_USES_OF_PLACE", 5)
    one, late = life(2), life(3)
    for number in range(9):
        history.use(one, used(f"/m/{number}.gguf"))
    history.use(late, used("/m/late.gguf"))
    assert history.dropped == 4 + 1
    end(history, one)
    history.use(late, used("/m/late.gguf"))
    assert ("/m/late.gguf", "opened", 1) in [use for f in everything(history) for use in uses(f)]
