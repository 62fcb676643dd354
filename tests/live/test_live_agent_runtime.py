"""A container runtime that is away, restarted, silent or lying: names come from bundles."""

import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rig.agentprocess import AgentProcess
from rig.cache import cache_folder
from rig.node import Node, may_not_run
from rig.pods import Container, Pod
from rig.signals import ending_as_interrupt
from rig.wire import encode, string_map
from tests.live.agents import Agents, agents, events

__all__ = ["agents", "events"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

#: Makes and loads a model whenever it is told to by a file, and keeps it mapped.
LOADER = """
import mmap, os, time
kept = []
while True:
    for wanted in os.listdir("/tmp/wanted") if os.path.isdir("/tmp/wanted") else ():
        os.unlink(f"/tmp/wanted/{wanted}")
        path = f"/tmp/{wanted}.pkl"
        with open(path, "w") as file:
            file.write(f"cos\\nsystem\\n(S'{wanted}'\\ntR.")
        with open(path, "rb") as file:
            kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def own_node() -> Iterator[Node]:
    """A node whose runtime may be restarted without harm to other tests."""
    if obstacle := may_not_run():
        pytest.skip(obstacle)
    with ending_as_interrupt(), Node(cache_folder() / "moody-node", patience=300) as node:
        yield node


@pytest.fixture(scope="module")
def pod(own_node: Node) -> Pod:
    image = own_node.load_python()
    argv = ["python3", "-c", LOADER]
    return own_node.run_pod("moody", [Container("main", image, argv)], namespace="runtimes")


@pytest.fixture
def place() -> Iterator[Path]:
    """A path for a socket, which has to be short."""
    with tempfile.TemporaryDirectory(prefix="aibom-") as folder:
        yield Path(folder) / "cri.sock"


def load(pod: Pod, name: str) -> None:
    """Tell the pod to load a model, without asking its runtime."""
    wanted = Path(f"/proc/{pod.containers[0].pid}/root/tmp/wanted")
    wanted.mkdir(exist_ok=True)
    (wanted / name).touch()


def workload(agent: AgentProcess, pod: Pod) -> dict[str, Any]:
    """Return what the newest BOM says of whose it is."""
    return next(
        (
            {p["name"]: p["value"] for p in bom["metadata"].get("properties", [])}
            | {p["name"]: p["value"] for p in bom["metadata"]["component"].get("properties", [])}
            for path, bom in agent.boms().items()
            if path.parent.name == "boms" and pod.uid in json.dumps(bom)
        ),
        {},
    )


def is_labelled(agent: AgentProcess, pod: Pod) -> bool:
    return any("label" in name for name in workload(agent, pod))


def told(agent: AgentProcess, pod: Pod, name: str) -> bool:
    """Say whether a finding bears the names of the pod, wherever they come from."""
    return any(
        (f["workload"]["namespace"], f["workload"]["name"]) == ("runtimes", "moody")
        for f in agent.findings()
        if f["workload"].get("uid") == pod.uid and f["component"]["name"] == f"{name}.pkl"
    )


def test_a_runtime_that_goes_and_comes_back(own_node: Node, pod: Pod, agents: Agents) -> None:
    agent = agents(f"node.cri_socket={own_node.places.socket}")
    agent.start()
    agent.until(lambda: agent.metric('aibom_unseen{reason="runtime"}') == 0, "an answer")
    with own_node.without_runtime():
        load(pod, "without")
        agent.until(lambda: told(agent, pod, "without"), "a finding without a runtime")
        assert agent.asked("/healthz")[0] == 200
    load(pod, "with")
    agent.until(lambda: told(agent, pod, "with"), "a finding with a runtime")
    agent.end()
    assert "Traceback" not in agent.said


def test_labels_come_when_the_runtime_does(
    own_node: Node, pod: Pod, agents: Agents, place: Path
) -> None:
    agent = agents(f"node.cri_socket={place}")
    load(pod, "early")
    agent.start()
    agent.until(lambda: told(agent, pod, "early"), "a finding named by the bundle")
    agent.until(lambda: agent.metric('aibom_unseen{reason="runtime"}') >= 1, "the trouble")
    place.symlink_to(own_node.places.socket)
    load(pod, "later")
    agent.until(lambda: told(agent, pod, "later"), "a finding")
    agent.until(lambda: is_labelled(agent, pod), "labels")
    agent.end()


@contextmanager
def silent(place: Path) -> Iterator[None]:
    """Accept everybody, and answer nobody."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen(64)
        ended = threading.Event()
        kept: list[socket.socket] = []

        def accept() -> None:
            server.settimeout(0.1)
            while not ended.is_set():
                try:
                    kept.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            for client in kept:
                client.close()


@contextmanager
def noisy(place: Path) -> Iterator[None]:
    """Send everybody bytes that are no HTTP/2."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen(64)
        server.settimeout(0.1)
        ended = threading.Event()

        def answer() -> None:
            while not ended.is_set():
                try:
                    client = server.accept()[0]
                except TimeoutError:
                    continue
                with client:
                    client.sendall(os.urandom(100_000))

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class _Liar(grpc.GenericRpcHandler):
    """Answers any call with the same bytes."""

    def __init__(self, answers: Callable[[str], bytes]) -> None:
        self._answers = answers

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        answer = self._answers(details.method.rpartition("/")[2])
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: answer)


@contextmanager
def lying(place: Path, answers: Callable[[str], bytes]) -> Iterator[None]:
    """Answer CRI's calls as told."""
    server = grpc.server(
        ThreadPoolExecutor(2), options=[("grpc.max_send_message_length", 256 << 20)]
    )
    server.add_generic_rpc_handlers((_Liar(answers),))
    server.add_insecure_port(f"unix:{place}")
    server.start()
    try:
        yield
    finally:
        server.stop(0).wait()


def bad_names(pod: Pod) -> Callable[[str], bytes]:
    """Return answers that say of a real container what leads out of folders and into terminals."""
    bad = "../../../../etc/\x1b[31mowned\r\n\x00"
    label = string_map({"app": bad, "\x1b]0;title\x07": "x" * 100_000})
    sandbox = {1: pod.sandbox, 2: {1: bad, 2: pod.uid, 3: "../.."}, 5: label}
    container = {1: pod.containers[0].id, 2: pod.sandbox, 3: {1: bad}, 4: {1: bad}, 5: bad}
    answers = {"ListContainers": {1: container}, "ListPodSandbox": {1: sandbox}}
    return lambda name: encode(answers.get(name, {}))


@pytest.mark.parametrize("kind", ["silent", "noise", "garbage", "huge"])
def test_a_runtime_that_is_silent_or_lies_holds_up_nothing(
    pod: Pod, agents: Agents, place: Path, kind: str
) -> None:
    kinds = {
        "silent": lambda: silent(place),
        "noise": lambda: noisy(place),
        "garbage": lambda: lying(place, lambda _: b"\xff" * 1000),
        "huge": lambda: lying(place, lambda _: bytes(100 << 20)),
    }
    with kinds[kind]():
        agent = agents(f"node.cri_socket={place}")
        agent.start()
        load(pod, kind)
        agent.until(lambda: told(agent, pod, kind), "a finding named by the bundle")
        agent.until(lambda: agent.metric('aibom_unseen{reason="runtime"}') >= 1, "the trouble")
        agent.goes_round()
        assert agent.asked("/healthz")[0] == 200
        agent.end()
    assert "Traceback" not in agent.said


def test_names_that_a_runtime_makes_up_stay_in_the_folder(
    pod: Pod, agents: Agents, place: Path, tmp_path: Path
) -> None:
    with lying(place, bad_names(pod)):
        agent = agents(f"node.cri_socket={place}")
        agent.start()
        load(pod, "lied")
        agent.until(
            lambda: any(f["workload"].get("uid") == pod.uid for f in agent.findings()), "a finding"
        )
        agent.end()
    assert [path.name for path in tmp_path.iterdir()] == ["agent"]
    assert "\x1b" not in agent.said
    for path, bom in agent.boms().items():
        assert path.resolve().is_relative_to(agent.output.resolve())
        assert "\x1b" not in json.dumps(bom, ensure_ascii=False)
