"""Agents whose folders fill up, whose state is damaged, taken away or may not be written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.agents import Agents, Holder, Pods, agents, events, file_system, pods, told_once

__all__ = ["agents", "events", "pods"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    with file_system(tmp_path / "disk", "2m") as point:
        yield point


def fill(disk: Path) -> Path:
    """Take all that is left; return what to remove to free it."""
    path = disk / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return path


def test_a_full_output_is_said_and_caught_up_with(
    tmp_path: Path, disk: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents(output=disk / "output")
    holder = Holder(pods(), tmp_path / "models")
    holder.load("first")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "the first")
    filler = fill(disk)
    holder.load(*(f"late{n}" for n in range(30)))
    agent.until(lambda: agent.metric("aibom_output_up") == 0, "the trouble")
    assert agent.asked("/readyz") == (
        503,
        "the output folder cannot be written; the log says why\n",
    )
    assert agent.asked("/healthz")[0] == 200
    assert "No space left on device" in agent.said
    assert agent.metric("aibom_state_up") == 1
    filler.unlink()
    agent.until(lambda: holder.is_told(agent), "the rest")
    agent.until(lambda: agent.asked("/readyz")[0] == 200, "the end of the trouble")
    agent.end()
    told_once(agent, [holder])


@pytest.mark.skipif("AIBOM_LONG" not in os.environ, reason="a minute: set AIBOM_LONG")
def test_a_disk_that_is_full_at_the_start_and_freed_later(
    tmp_path: Path, disk: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents(output=disk / "output", state=disk / "state")
    holder = Holder(pods(), tmp_path / "models")
    holder.load("first")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "the first")
    filler = fill(disk)
    holder.load("second")
    agent.kill()
    agent.start()
    holder.load("third")
    agent.until(lambda: agent.metric("aibom_output_up") == 0, "the trouble")
    assert agent.asked("/healthz")[0] == 200
    filler.unlink()
    agent.until(lambda: holder.is_told(agent), "the rest")
    agent.until(lambda: agent.metric("aibom_state_up") == 1, "a state")
    agent.end()
    told_once(agent, [holder])


def test_a_full_state_is_said_and_nothing_is_told_again_after_it(
    tmp_path: Path, disk: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents(state=disk / "state")
    holder = Holder(pods(), tmp_path / "models")
    holder.load("first")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "the first")
    filler = fill(disk)
    holder.load(*(f"late{n}" for n in range(30)))
    agent.until(lambda: holder.is_told(agent), "what needs no state")
    agent.until(lambda: agent.metric("aibom_state_up") == 0, "the trouble")
    assert agent.asked("/readyz")[0] == 200
    filler.unlink()
    agent.until(lambda: agent.metric("aibom_state_up") == 1, "a state")
    agent.kill()
    agent.start()
    holder.load("last")
    agent.until(lambda: holder.is_told(agent), "the last")
    agent.end()
    told_once(agent, [holder])


def databases(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and "lock" not in path.name]


@pytest.mark.parametrize("how", ["garbage", "removed"])
def test_a_state_that_is_damaged_while_it_runs_and_before_a_start(
    tmp_path: Path, agents: Agents, pods: Pods, how: str
) -> None:
    agent = agents()
    holder = Holder(pods(), tmp_path / "models")
    holder.load("first")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "the first")
    hurt(agent.state, how)
    holder.load("second")
    agent.until(lambda: holder.is_told(agent), "the second")
    agent.kill()
    hurt(agent.state, how)
    agent.start()
    holder.load("third")
    agent.until(lambda: holder.is_told(agent), "the third")
    # a state that was put aside is said for as long as the agent runs
    assert (how == "removed") != ("put aside" in agent.said)
    agent.end()
    told_once(agent, [holder])


def hurt(folder: Path, how: str) -> None:
    for path in databases(folder):
        if how == "removed":
            path.unlink()
        else:
            path.write_bytes(b"\xa5" * max(8192, path.stat().st_size))


def test_a_state_folder_that_may_not_be_written_any_more(
    tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents()
    holder = Holder(pods(), tmp_path / "models")
    agent.start()
    # it has given up the right to write where it may not
    agent.state.chmod(0o500)
    for path in databases(agent.state):
        path.chmod(0o400)
    holder.load("first")
    agent.until(lambda: holder.is_told(agent), "the first")
    agent.kill()
    agent.state.chmod(0o700)
    for path in databases(agent.state):
        path.chmod(0o600)
    agent.start()
    holder.load("second")
    agent.until(lambda: holder.is_told(agent), "the second")
    agent.end()
    told_once(agent, [holder])
