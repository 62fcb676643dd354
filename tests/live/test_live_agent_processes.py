"""Thousands of processes at once, and numbers that are given again."""

import sys
from pathlib import Path

import pytest

from tests.live.agents import Agents, Holder, Pods, agents, events, pods, told_once, unsafe
from tests.live.test_live_files import write
from tests.live.test_live_watch import storm

__all__ = ["agents", "events", "pods", "storm"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

#: How many processes appear; their memory is shared.
MANY = 5_000
#: Forks sleepers that wait for nothing but their end.
FORKER = """
import os, signal, sys
for _ in range(int(sys.argv[1])):
    if not os.fork():
        signal.pause()
        os._exit(0)
print("all", flush=True)
signal.pause()
"""
#: Becomes a program under a number of one's choice: clone3(2), <linux/sched.h>.
WITH_NUMBER = """
import ctypes, os, struct, sys
number = ctypes.c_int32(int(sys.argv[1]))
fields = [0] * 11
fields[4] = 17  # exit_signal
if number.value:
    fields[8], fields[9] = ctypes.addressof(number), 1  # set_tid, set_tid_size
arguments = ctypes.create_string_buffer(struct.pack("<11Q", *fields))
pid = ctypes.CDLL(None, use_errno=True).syscall(435, arguments, 88)
if pid < 0:
    print("error", os.strerror(ctypes.get_errno()), flush=True)
    sys.exit(3)
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
print("pid", pid, flush=True)
os.waitpid(pid, 0)
"""


def test_five_thousand_processes_appear_and_go(tmp_path: Path, agents: Agents, pods: Pods) -> None:
    agent = agents()
    holder = Holder(pods(), tmp_path / "models")
    agent.start()
    crowd = pods()
    forker = crowd.run([sys.executable, "-c", FORKER, str(MANY)], stdout=-1)
    assert forker.stdout is not None
    assert forker.stdout.readline() == "all\n"
    holder.load("in the crowd")
    agent.until(lambda: holder.is_told(agent), "the model")
    agent.goes_round()
    assert agent.asked("/healthz")[0] == 200
    crowd.clear()
    agent.goes_round()
    holder.load("after them")
    agent.until(lambda: holder.is_told(agent), "the model after them")
    agent.end()
    told_once(agent, [holder])


def test_five_thousand_short_processes(
    tmp_path: Path, agents: Agents, pods: Pods, storm: Path
) -> None:
    agent = agents()
    holder = Holder(pods(), tmp_path / "models")
    holder.load("held")
    agent.start()
    path = write(tmp_path / "short.pkl", unsafe("short"))
    short = pods()
    process = short.run([str(storm), str(MANY), str(path)])
    assert process.wait() == 0
    agent.until(lambda: agent.found(short.uid) == {"short.pkl": 1}, "the short ones' model")
    holder.load("after them")
    agent.until(lambda: holder.is_told(agent), "the model after them")
    assert "failed" not in agent.said
    agent.end()
    told_once(agent, [holder])


def test_a_number_that_is_given_again_names_nobody_else(
    tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents()
    agent.start()
    number = 0
    given = []
    for name in ("first", "second", "third"):
        pod = pods()
        path = write(tmp_path / f"{name}.pkl", unsafe(name))
        argv = ["sh", "-c", f'exec 5<"{path}"; read line <"{path}"; exec sleep 0.2']
        process = pod.run([sys.executable, "-c", WITH_NUMBER, str(number), *argv], stdout=-1)
        assert process.stdout is not None
        word, value = process.stdout.readline().split(" ", 1)
        if word == "error":
            pytest.skip(f"no number may be chosen: {value}")
        assert not number or int(value) == number
        number = int(value)
        process.wait()
        given.append((pod, path.name))
    for pod, name in given:
        agent.until(lambda pod=pod: agent.found(pod.uid), f"what {name} was")  # type: ignore[misc]
    agent.end()
    for pod, name in given:
        assert agent.found(pod.uid) == {name: 1}
