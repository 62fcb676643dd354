"""Events that come too fast for an agent, receivers that are away, and churn."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.agent.sinks.receiver import receiving
from tests.live.agents import Agents, Holder, Pods, agents, events, pods, told_once, unsafe
from tests.live.test_live_files import write
from tests.live.test_live_watch import storm

__all__ = ["agents", "events", "pods", "storm"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

#: fs.fanotify.max_queued_events is 16384 (fanotify(7))
MORE_THAN_A_QUEUE = 20_000
#: Findings for a receiver that is away.
MANY = int(os.environ.get("AIBOM_AWAY", "60"))
#: How long the agent is churned in seconds; more for those who have time.
CHURN = float(os.environ.get("AIBOM_CHURN", "10"))
#: Seconds of churn after which memory tells something.
LONG = 60
#: Opens ever other files; equal events would be one.
OPENER = """
import os, sys
for number in range(int(sys.argv[2])):
    os.close(os.open(f"{sys.argv[1]}/{number}{sys.argv[3]}", os.O_RDONLY | os.O_CREAT))
"""


def test_a_queue_that_overflows_is_said_and_made_good(
    tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents()
    holder = Holder(pods(), tmp_path / "models")
    holder.load("before")
    agent.start()
    agent.until(lambda: holder.is_told(agent), "what was there")
    sweeps = agent.metric("aibom_sweeps_total")
    agent.process.send_signal(signal.SIGSTOP)
    try:
        (tmp_path / "many").mkdir()
        opener = ["python3", "-c", OPENER, str(tmp_path / "many"), str(MORE_THAN_A_QUEUE), ""]
        subprocess.run(opener, check=True)
        # nobody tells of these any more
        holder.load(*(f"meanwhile{n}" for n in range(5)))
    finally:
        agent.process.send_signal(signal.SIGCONT)
    agent.until(lambda: agent.metric("aibom_events_lost_total") > 0, "the loss")
    agent.until(lambda: agent.metric("aibom_sweeps_total") > sweeps, "a sweep")
    agent.until(lambda: holder.is_told(agent), "what was lost and still is there")
    holder.load("after")
    agent.until(lambda: holder.is_told(agent), "what came after")
    assert "failed" not in agent.said
    agent.end()
    told_once(agent, [holder])


def test_thousands_of_models_of_one_pod_keep_no_other_waiting(
    tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(MORE_THAN_A_QUEUE):
        write(many / f"{number}.pkl", unsafe(str(number)))
    agent = agents()
    greedy, holder = pods(), Holder(pods(), tmp_path / "models")
    agent.start()
    opener = ["python3", "-c", OPENER, str(many), str(MORE_THAN_A_QUEUE), ".pkl"]
    assert greedy.run(opener).wait() == 0
    holder.load("quiet")
    agent.until(lambda: holder.is_told(agent), "what another pod loaded")
    taken = agent.metric("aibom_model_uses_total")
    # most of the greedy one's wait for their turn until then
    agent.until(lambda: agent.metric("aibom_model_uses_total") >= taken + 1_000, "the rest")
    agent.end()


def test_a_receiver_that_is_away_gets_everything_once_it_is_back(
    tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    with receiving() as away:
        url = away.url
    agent = agents(f"sinks.webhook.url={url}")
    holder = Holder(pods(), tmp_path / "models")
    agent.start()
    names = [f"m{n}" for n in range(MANY)]
    holder.load(*names[: MANY // 2])
    agent.until(lambda: holder.is_told(agent), "the first half")
    waiting = 'aibom_sink_waiting{sink="webhook"}'
    agent.until(lambda: agent.metric(waiting) >= MANY // 2, "a spool")
    agent.until(lambda: agent.metric('aibom_sink_up{sink="webhook"}') == 0, "the trouble")
    assert agent.asked("/readyz")[0] == 200
    agent.kill()
    agent.start()
    holder.load(*names[MANY // 2 :])
    agent.until(lambda: holder.is_told(agent), "the second half")
    with receiving(port=int(url.rpartition(":")[2])) as there:
        agent.until(lambda: agent.metric(waiting) == 0, "an empty spool")
        agent.end()
    told_once(agent, [holder])
    assert {finding["id"] for finding in agent.findings()} <= set(there.ids)


def test_churn_costs_no_memory_descriptors_or_threads(
    tmp_path: Path, agents: Agents, pods: Pods, storm: Path
) -> None:
    agent = agents()
    holder = Holder(pods(), tmp_path / "models")
    holder.load(*(f"m{n}" for n in range(5)))
    agent.start()
    churn(holder, storm, tmp_path, CHURN / 2)
    agent.until(lambda: holder.is_told(agent), "the models")
    agent.goes_round()
    before = held(agent.process.pid)
    churn(holder, storm, tmp_path, CHURN)
    agent.goes_round()
    after = held(agent.process.pid)
    agent.end()
    assert after["fds"] <= before["fds"] + 3
    # the writer of BOMs begins with the first that is made beside the loop
    assert after["threads"] <= before["threads"] + 1
    if CHURN >= LONG:  # the first rounds fill what is bounded, and other programs run meanwhile
        assert after["memory"] - before["memory"] < 30 << 20


def churn(holder: Holder, storm: Path, folder: Path, seconds: float) -> None:
    """Let short processes of a pod open its models for so long."""
    paths = [str(path) for path in sorted((folder / "models").iterdir())[:5]]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        process = holder.pod.run([str(storm), "50", *paths])
        assert process.wait() == 0


def held(pid: int) -> dict[str, int]:
    """Return what a process holds now: descriptors, threads, bytes of memory."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in status)
    return {
        "fds": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(fields["Threads"]),
        "memory": int(fields["VmRSS"].split()[0]) * 1024,
    }
