"""Pods that are deleted in the middle of a read, and what in them would hold up a reader."""

import os
from pathlib import Path

import pytest

from rig.node import Node
from rig.pods import Container, Pod, Volume
from tests.live.agents import Agents, Holder, Pods, agents, events, nothing_half, pods, told_once
from tests.live.test_live_pods import await_ready

__all__ = ["agents", "events", "pods"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

GIANT = 2 << 30
#: Holds a sparse giant, FIFOs that nobody writes to, and hundreds of small models.
CONTENT = f"""
import mmap, os, struct, sys, time
kept = []
def text(value):
    return struct.pack("<Q", len(value)) + value
head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text(b"general.architecture")
head += struct.pack("<I", 8) + text(b"llama")
head += text(b"t") + struct.pack("<IQIQ", 1, {GIANT} // 4, 0, 0)
with open("/data/giant.gguf", "wb") as file:
    file.write(head + bytes(-len(head) % 32))
    os.truncate("/data/giant.gguf", file.tell() + {GIANT})
kept.append(os.open("/data/giant.gguf", os.O_RDONLY))
for number in range(50):
    os.mkfifo(f"/data/pipe{{number}}.gguf")
    kept.append(os.open(f"/data/pipe{{number}}.gguf", os.O_RDWR))
print("ready", flush=True)
number = 0
while True:
    path = f"/data/small{{number % 200}}.pkl"
    with open(path, "wb") as file:
        file.write(b"cos\\nsystem\\n(S'%d'\\ntR." % number)
    with open(path, "rb") as file:
        kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    if len(kept) > 150:
        kept.pop(60).close()
    os.unlink(path)
    number += 1
    time.sleep(0.01)
"""


def run(node: Node, name: str) -> Pod:
    argv = ["python3", "-c", CONTENT]
    container = Container("main", node.load_python(), argv, volumes={"data": "/data"})
    pod = node.run_pod(name, [container], namespace="brief", volumes=[Volume("data")])
    await_ready(pod.containers[0].output)
    return pod


def test_pods_that_are_deleted_while_they_are_read(
    rig_node: Node, tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    # slow enough that every pod is deleted in the middle of its giant
    agent = agents("hashing.rate=100MB")
    holder = Holder(pods(), tmp_path / "models")
    holder.load("before")
    deleted = [run(rig_node, "first")]
    agent.start()
    for number in range(3):
        agent.until(lambda: "giant.gguf" in agent.found(deleted[-1].uid), "its giant")
        assert agent.metric("aibom_hashing_waiting_bytes") >= GIANT
        rig_node.stop_pod(deleted[-1])
        assert not os.path.lexists(deleted[-1].folder)
        deleted.append(run(rig_node, f"next{number}"))
    agent.until(lambda: "giant.gguf" in agent.found(deleted[-1].uid), "the last one's giant")
    rig_node.stop_pod(deleted[-1])
    holder.load("after")
    agent.until(lambda: holder.is_told(agent), "what another one loaded")
    ended = agent.output / "boms" / "ended"
    agent.until(lambda: len(list(ended.glob("*.cdx.json"))) >= len(deleted), "the last of each")
    agent.until(lambda: not agent.metric("aibom_hashing_waiting_files"), "nothing to hash")
    assert agent.failures() == {}
    open_files = {os.readlink(f"/proc/{agent.process.pid}/fd/{n}") for n in fds(agent.process.pid)}
    assert not [path for path in open_files if "giant" in path or "small" in path]
    agent.end()
    nothing_half(agent)
    told_once(agent, [holder])


def fds(pid: int) -> list[str]:
    numbers = os.listdir(f"/proc/{pid}/fd")
    return [number for number in numbers if os.path.lexists(f"/proc/{pid}/fd/{number}")]
