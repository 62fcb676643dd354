"""What a state survives: a damaged file, a full disk, strangers, and being killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aibom.agent.errors import AgentError
from aibom.agent.state import schema
from aibom.agent.state.findings import id_of
from aibom.agent.state.place import LOCK_NAME, NAME
from aibom.agent.state.store import State
from tests.agent.states import NOW, Node, finding, findings, package, pod

KILLS = 60


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "state")


def fill(node: Node) -> None:
    state = node.run()
    for number in range(20):
        names = [package(f"p{number}-{i}", last=NOW) for i in range(20)]
        state.told(n.id for n in state.take("n", pod(f"u{number}", *names), FOUND, NOW))
    state.close()


FOUND = findings(finding(), finding("g"))


def aside(node: Node) -> list[str]:
    return sorted(n for n in os.listdir(node.folder) if ".corrupt-" in n)


DAMAGE = {
    "header": lambda raw: b"garbage " * 4 + raw[32:],
    "all": lambda raw: os.urandom(len(raw)),
    "text": lambda _: b"this is no database\n" * 400,
    "cut": lambda raw: raw[: len(raw) // 2],
    "cut in a page": lambda raw: raw[: len(raw) // 2 - 1000],
    "torn pages": lambda raw: raw[:8192] + os.urandom(40_000) + raw[48_192:],
    "zeros": lambda raw: raw[:4096] + bytes(len(raw) - 4096),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_put_aside(node: Node, how: str) -> None:
    fill(node)
    path = node.folder / NAME
    damaged = DAMAGE[how](path.read_bytes())
    path.write_bytes(damaged)
    state = node.run()
    names = aside(node)
    assert [(node.folder / n).read_bytes() for n in names] == [damaged]
    assert names[0] in state.error
    assert [names[0] in said and "\n" not in said for said in node.log.said] == [True]
    state.adopt([id_of("n", "pod:u1", finding())])
    new = state.take("n", pod("u1"), FOUND, NOW)
    assert [n.finding.fingerprint for n in new] == ["g"], "what the output knows is not told again"
    assert names[0] in state.error, "said until the next start"
    state.close()
    again = node.run()
    assert (again.error, aside(node)) == ("", names)
    assert again.take("n", pod("u1"), FOUND, NOW) == []


def test_two_damaged_files_are_kept_at_most(node: Node) -> None:
    for number in range(4):
        node.folder.mkdir(mode=0o700, exist_ok=True)
        (node.folder / NAME).write_bytes(b"%d" % number * 5000)
        node.run().close()
        node.wall += number % 2  # two of them in one second
    assert len(aside(node)) == 2
    assert {(node.folder / n).read_bytes()[:1] for n in aside(node)} == {b"2", b"3"}


def test_another_programs_database_and_a_newer_one_are_put_aside(node: Node) -> None:
    node.folder.mkdir(mode=0o700)
    with sqlite3.connect(node.folder / NAME) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    node.run().close()
    with sqlite3.connect(node.folder / NAME) as newer:
        newer.execute("PRAGMA user_version=99")
    newer.close()
    node.wall += 1
    node.run().close()
    assert len(aside(node)) == 2
    assert "newer aibom" in node.log.said[1]


def test_damage_while_it_runs_loses_nothing_that_lives(node: Node) -> None:
    state = node.run()
    new = state.take("n", pod("u1"), FOUND, NOW)
    state.told([new[0].id])
    state._keeper.database.close()
    (node.folder / NAME).write_bytes(b"rubbish" * 5000)
    for ending in ("-wal", "-shm"):
        (node.folder / (NAME + ending)).unlink(missing_ok=True)
    node.wait(10)
    assert state.take("n", pod("u1", package("torch")), FOUND, NOW) == []
    assert len(aside(node)) == 1
    state.close()
    again = node.run()
    assert again.untold() == [new[1]]
    assert again.take("n", pod("u1"), FOUND, NOW) == []


def test_a_file_that_was_taken_away_is_written_anew(node: Node) -> None:
    state = node.run()
    state.take("n", pod("u1", package("torch")), FOUND, NOW)
    for name in os.listdir(node.folder):
        if name != LOCK_NAME:
            (node.folder / name).unlink()
    state.prune(NOW)
    state.close()
    again = node.run()
    assert len(again.untold()) == 2
    assert again.take("n", pod("u1"), FOUND, NOW) == []


def test_an_older_version_becomes_this_one(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(node)
    step = ("ALTER TABLE untold ADD COLUMN extra TEXT", "CREATE TABLE added (x)")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    state = node.run()
    assert (len(state.living()), state.error) == (20, "")
    assert state.take("n", pod("u1"), FOUND, NOW) == []
    assert state._keeper.database.rows("PRAGMA user_version") == [(2,)]
    assert state._keeper.database.rows("SELECT count(*) FROM added") == [(0,)]


def test_a_migration_that_fails_changes_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(node)
    with monkeypatch.context() as patch:
        step = ("CREATE TABLE added (x)", "INSERT INTO nowhere VALUES (1)")
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        state = node.run()
        assert "no such table" in state.error
        state.close()
    assert aside(node) == [], "the file is not at fault"
    assert len(node.run().living()) == 20


def test_a_second_agent_is_refused(node: Node) -> None:
    state = node.run()
    with pytest.raises(AgentError, match="another agent uses it"):
        node.run()
    state.close()
    node.run().close()


def test_the_files_are_private(node: Node) -> None:
    node.run().take("n", pod(), FOUND, NOW)
    assert node.folder.stat().st_mode & 0o777 == 0o700
    for name in os.listdir(node.folder):
        assert (node.folder / name).stat().st_mode & 0o777 == 0o600, name


def test_a_file_that_others_could_read_is_closed_to_them(node: Node) -> None:
    fill(node)
    (node.folder / NAME).chmod(0o644)
    node.run()
    assert (node.folder / NAME).stat().st_mode & 0o777 == 0o600


def test_a_folder_or_file_that_is_not_ours_is_refused(node: Node) -> None:
    fill(node)
    for mode in (0o770, 0o777, 0o1777):
        node.folder.chmod(mode)
        with pytest.raises(AgentError, match="others may write"):
            node.run()
    node.folder.chmod(0o755)
    (node.folder / NAME).rename(node.folder / "elsewhere")
    (node.folder / NAME).symlink_to("elsewhere")
    with pytest.raises(AgentError, match="symbolic link"):
        node.run()
    (node.folder / NAME).unlink()
    os.link(node.folder / "elsewhere", node.folder / NAME)
    with pytest.raises(AgentError, match="another name"):
        node.run()
    (node.folder / NAME).unlink()
    (node.folder / NAME).mkdir()
    with pytest.raises(AgentError, match="directory"):
        node.run()
    (node.folder / NAME).rmdir()
    node.run().close()
    if os.geteuid() == 0:
        os.chown(node.folder / NAME, 12345, 12345)
        with pytest.raises(AgentError, match="another user"):
            node.run()
    with pytest.raises(AgentError, match="state"):
        Node(Path("/proc/nothing")).run()


def test_a_limit_of_file_sizes_is_survived(node: Node) -> None:
    """Run in a process of its own, as what is limited stays limited."""
    code = f"""
import resource
from tests.agent.test_state_failing import *
node = Node(Path({str(node.folder)!r}))
state = node.run()
size = os.stat(node.folder / (NAME + "-wal")).st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
survive(node, state, lambda: resource.setrlimit(
    resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
"""
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def survive(node: Node, state: State, heal: Callable[[], None]) -> None:
    """Take workloads while nothing can be written, heal that, and look at what is there."""
    told = []
    for _ in range(3):
        for number in range(20):
            names = [package(f"p{number}-{i}", last=NOW) for i in range(50)]
            told += state.take("n", pod(f"u{number}", *names), FOUND, NOW)
        node.wait(10)
        state.ended("pod:u3", NOW)
        state.prune(NOW)
    assert len(told) == 40, "each once"
    assert state.error
    assert len(node.log.said) == 1, "said once"
    assert len(state.untold()) == 40
    state.told([n.id for n in told[:5]])
    heal()
    node.wait(10)
    state.prune(node.wall)
    assert state.error == ""
    assert "over: the state cannot be stored" in node.log.said[-1]
    state.close()
    again = node.run()
    assert [n.id for n in again.untold()] == [n.id for n in told[5:]]
    assert len(again.living()) == 19
    for number in range(20):
        assert again.take("n", pod(f"u{number}"), FOUND, NOW) == []
    again.close()


@pytest.mark.live
@pytest.mark.parametrize("begun", [True, False])
def test_a_full_disk_is_survived(node: Node, begun: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    node.folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(node.folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        state = node.run() if begun else None
        ballast = node.folder / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            file.writelines(bytes(4096) for _ in range(1000))

        def heal() -> None:
            ballast.unlink()
            bigger = ["mount", "-o", "remount,size=64m", str(node.folder)]
            subprocess.run(bigger, check=True)

        survive(node, state or node.run(), heal)
    finally:
        subprocess.run(["umount", "-l", str(node.folder)], check=True)


def test_kill_at_any_moment(node: Node, tmp_path: Path) -> None:
    """An agent that is killed tells everything once: its output is a file that we can read."""
    output = tmp_path / "told"
    output.touch()
    chance = random.Random(6)  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(node.folder), str(output)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        # by what it did, not by time alone: a busy machine kills at other moments, no fewer
        for _ in range(chance.randrange(12)):
            child.stdout.readline()
        time.sleep(chance.random() * 0.004)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(node.folder), str(output), "finish"],
        check=True,
        capture_output=True,
        text=True,
    )
    lines = output.read_text().split()
    assert len(lines) == len(set(lines)), "nothing twice"
    expected = {i for line in done.stdout.split("\n") if " " in line for i in line.split()[1:]}
    assert expected
    assert expected == set(lines), "and nothing lost"
    assert aside(node) == []


# takes a workload, writes what is new, tells; each round has the findings of all rounds before
CHILD = """
import os, sys, time
from tests.agent.test_state_failing import *

folder, output = sys.argv[1:3]
state = State.open(folder, Node(Path(folder)).log)
file = os.open(output, os.O_RDWR | os.O_APPEND)
known = set(os.pread(file, 1 << 26, 0).decode().split())

def write(new):
    os.write(file, "".join(f"{n.id}\\n" for n in new).encode())
    state.told([n.id for n in new])

untold = state.untold()
write([n for n in untold if n.id not in known])
state.told([n.id for n in untold])
print("begun", flush=True)
counter = os.path.join(folder, "rounds")
count = int(open(counter).read() or 0) if os.path.exists(counter) else 0
finish = "finish" in sys.argv
while True:
    # what is to be found is written down first, so that a checker knows what must be told
    count += not finish
    with open(counter + ".new", "w") as new:
        new.write(str(count))
    os.rename(counter + ".new", counter)
    found = [finding(f"f{number}") for number in range(count)]
    for uid in ("a", "b"):
        write(state.take("n", pod(uid, package(f"p{count}")), findings(*found), time.time()))
    state.prune(time.time())
    print("round", *([id_of("n", f"pod:{u}", f) for u in "ab" for f in found] if finish else ()),
          flush=True)
    if finish:
        break
"""
