"""Signals at any moment: an agent ends soon, with code 0, and leaves nothing behind."""

import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.agentprocess import AgentProcess
from tests.live.agents import (
    Agents,
    Holder,
    Pods,
    agents,
    events,
    file_system,
    nothing_half,
    pods,
)
from tests.live.test_live_files import gguf

__all__ = ["agents", "events", "pods"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

#: CPU seconds that an end may take: by the kernel's accounts, not by a clock that others slow down.
MOST_CPU = 2.0
TRACEFS = "/sys/kernel/tracing"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """A file system that can be unmounted only when nothing of an agent is left on it."""
    with file_system(tmp_path / "watched", "1m") as point:
        yield point


def left_behind(agent: AgentProcess) -> list[str]:
    """Return what is left of an agent that has ended: processes, mounts, probes."""
    pid = agent.process.pid
    found = [str(path) for path in [Path(f"/proc/{pid}")] if path.exists()]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    ours = ("aibom-self-test", str(agent.output.parent))
    found += [line for line in mounts if any(name in line for name in ours)]
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{other}/cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(agent.output) in words:
            found.append(f"process {other}")
    return found


def large(path: Path, size: int) -> Path:
    """Make a model of ``size`` bytes of which none but the first take up room."""
    head = gguf("large", 64)[:-64]
    # its only tensor is as large as the file
    path.write_bytes(head.replace(struct.pack("<IQ", 1, 16), struct.pack("<IQ", 1, size // 4)))
    os.truncate(path, size)
    return path


def test_a_term_in_the_middle_of_hashing(
    tmp_path: Path,
    watched: Path,
    agents: Agents,
    hold: Callable[[list[dict[str, Any]]], int],
) -> None:
    small = watched / "small.gguf"
    small.write_bytes(gguf("small"))
    path = large(tmp_path / "large.gguf", 10 << 30)
    hold([{"path": path, "map": True}, {"path": small, "map": True, "close": True}])
    agent = agents("sensors.names=true", "sensors.requests=true")
    agent.start()
    agent.until(lambda: agent.metric("aibom_hashing_waiting_bytes") >= 10 << 30, "hashing")
    assert agent.end() < MOST_CPU
    assert not left_behind(agent)
    nothing_half(agent)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_first_sweep(agents: Agents, number: int) -> None:
    agent = agents()
    agent.start(ready=False)
    agent.until(lambda: "started" in agent.said, "a start")
    assert agent.end(number) < MOST_CPU
    assert not left_behind(agent)
    nothing_half(agent)


def test_two_terms_are_as_good_as_one(agents: Agents) -> None:
    agent = agents()
    agent.start()
    agent.process.send_signal(signal.SIGTERM)
    assert agent.end() < MOST_CPU
    assert "Traceback" not in agent.said
    assert not left_behind(agent)


def test_a_reload_with_good_and_bad_settings(tmp_path: Path, agents: Agents, pods: Pods) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("keep:\n  versions: 2\n")
    agent = agents()
    agent.options = ["--config", str(config)]
    holder = Holder(pods(), tmp_path / "models")
    agent.start()
    reloaded = "aibom_config_last_reload_successful"
    config.write_text("keep:\n  versions: many\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.until(lambda: agent.metric(reloaded) == 0, "a refusal")
    assert "versions" in agent.said
    holder.load("meanwhile")
    agent.until(lambda: holder.is_told(agent), "what is loaded meanwhile")
    config.write_text("keep:\n  versions: 0\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.until(lambda: agent.metric(reloaded) == 1, "the new settings")
    for number in range(3):
        holder.load(f"more{number}")
        agent.until(lambda: holder.is_told(agent), "what is loaded then")
    agent.end()
    assert not left_behind(agent)


def test_a_storm_of_reloads_hurts_nothing(agents: Agents) -> None:
    agent = agents()
    agent.start()

    def ask() -> None:
        for _ in range(200):
            os.kill(agent.process.pid, signal.SIGHUP)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    agent.goes_round()
    assert agent.asked("/healthz")[0] == 200
    agent.end()
    assert "Traceback" not in agent.said
