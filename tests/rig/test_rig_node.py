"""A real node: pods as kubelet makes them, and nothing left of it afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from rig.containerd import Places
from rig.errors import RigError
from rig.node import Node, may_not_run, remove_leftovers, run_many
from rig.pods import Container, Pod, Volume

OBSTACLE = may_not_run()
live = [
    pytest.mark.live,
    pytest.mark.skipif(OBSTACLE is not None, reason=str(OBSTACLE)),
]

HOLD_A_POD = """
import sys, time
from pathlib import Path
from rig.node import Node, run_many
from rig.signals import ending_as_interrupt
with ending_as_interrupt(), Node(Path(sys.argv[1])) as node:
    (pod,) = run_many(node, 1)
    print(pod.uid, pod.pid, flush=True)
    time.sleep(600)
"""


def left_of(folder: Path, uids: Iterable[str]) -> list[str]:
    """Return what is left of a node: processes, mounts, control groups."""
    places = Places(folder)
    found = [
        f"process {process.pid}: {process.info['cmdline']}"
        for process in psutil.process_iter(["cmdline"])
        if process.pid != os.getpid()
        and any(
            argument.startswith((f"{folder}/", f"{places.run}/"))
            for argument in process.info["cmdline"] or ()
        )
    ]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [line for line in mounts if f" {folder}/" in line or f" {places.run}/" in line]
    for uid in uids:
        # other pods of the machine may go while we look: no walk through the whole tree
        places_of_pods = ("kubepods/burstable", "*/kubepods/burstable")
        for place in places_of_pods:
            found += map(str, Path("/sys/fs/cgroup").glob(f"{place}/pod{uid}"))
    return found


class TestLive:
    pytestmark = live

    def test_a_pod_looks_as_kubelet_makes_it_and_nothing_of_it_is_left(
        self, tmp_path: Path
    ) -> None:
        with Node(tmp_path) as node:
            pod = two_containers(node)
            first, second = pod.containers
            check_processes(pod)
            check_volume(pod)
            assert node.exec(second, ["sh", "-c", "echo out; exit 3"]).code == 3
            assert "it works" in first.output()
            layers = Path(f"/proc/{pod.pid}/root/etc/debian_version").read_text()
            assert layers.startswith("12")
            assert left_of(tmp_path, [pod.uid])
        assert not any(runs(running.pid) for running in pod.containers)
        assert left_of(tmp_path, [pod.uid]) == []

    def test_stop_pod_ends_one_pod_and_spares_the_others(
        self, rig_node: Node, rig_python: str
    ) -> None:
        sleeper = Container("s", rig_python, ["busybox", "sleep", "600"])
        stays, goes = (rig_node.run_pod(name, [sleeper]) for name in ("stays", "goes"))
        rig_node.stop_pod(goes)
        assert not runs(goes.pid)
        assert runs(stays.pid)
        assert not goes.folder.exists()
        assert not list(Path("/sys/fs/cgroup").rglob(f"pod{goes.uid}"))
        rig_node.stop_pod(stays)

    def test_a_container_that_ends_at_once_is_no_error(
        self, rig_node: Node, rig_python: str
    ) -> None:
        pod = rig_node.run_pod("short", [Container("c", rig_python, ["sh", "-c", "echo bye"])])
        deadline = time.monotonic() + 10
        while runs(pod.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        rig_node.stop_pod(pod)

    @pytest.mark.parametrize(
        ("image", "argv", "message"),
        [
            ("local.test/python:3.11", ["no-such-program"], "no-such-program"),
            ("local.test/absent:1", [], "not found"),
        ],
    )
    def test_a_container_that_cannot_start_says_why_and_leaves_nothing(
        self, rig_node: Node, rig_python: str, image: str, argv: list[str], message: str
    ) -> None:
        assert rig_python
        with pytest.raises(RigError, match=message):
            rig_node.run_pod("broken", [Container("c", image, argv)])
        assert not list(rig_node.places.pods.iterdir())

    def test_a_volume_that_the_pod_has_not_is_refused(
        self, rig_node: Node, rig_python: str
    ) -> None:
        with pytest.raises(RigError, match="no volume 'cache'"):
            rig_node.run_pod("p", [Container("c", rig_python, volumes={"cache": "/c"})])

    def test_a_second_node_in_the_same_folder_is_refused(self, rig_node: Node) -> None:
        with pytest.raises(RigError, match="another node runs in"), Node(rig_node.places.folder):
            pass

    def test_run_many_gives_each_pod_its_own_network(self, rig_node: Node) -> None:
        pods = run_many(rig_node, 3)
        networks = {Path(f"/proc/{pod.pid}/ns/net").readlink() for pod in pods}
        assert len(networks) == 3
        assert Path("/proc/self/ns/net").readlink() not in networks
        for pod in pods:
            rig_node.stop_pod(pod)

    @pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_in_order(self, tmp_path: Path, ending: signal.Signals) -> None:
        holder, uid, _ = hold_a_pod(tmp_path)
        holder.send_signal(ending)
        holder.wait(30)
        assert left_of(tmp_path, [uid]) == []

    def test_after_a_kill_the_next_start_cleans_up(self, tmp_path: Path) -> None:
        holder, uid, pid = hold_a_pod(tmp_path)
        holder.kill()
        holder.wait()
        assert runs(pid)
        with Node(tmp_path):
            assert not runs(pid)
        assert left_of(tmp_path, [uid]) == []

    def test_after_a_kill_leftovers_can_be_removed_alone(self, tmp_path: Path) -> None:
        holder, uid, pid = hold_a_pod(tmp_path)
        holder.kill()
        holder.wait()
        remove_leftovers(tmp_path)
        assert not runs(pid)
        assert left_of(tmp_path, [uid]) == []


def runs(pid: int) -> bool:
    """Tell whether ``pid`` is a process that has not ended; init may take its time to reap it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def two_containers(node: Node) -> Pod:
    image = node.load_python()
    program = "import time; print('it works', flush=True); time.sleep(600)"
    containers = [
        Container("app", image, ["python3", "-c", program], {"WHO": "app"}, volumes={"d": "/data"}),
        Container("side", image, ["busybox", "sleep", "600"]),
    ]
    return node.run_pod("two", containers, volumes=[Volume("d", files={"model.bin": b"abc"})])


def check_processes(pod: Pod) -> None:
    for running in pod.containers:
        group = Path(f"/proc/{running.pid}/cgroup").read_text()
        assert f"/kubepods/burstable/pod{pod.uid}/{running.id}\n" in group
    command = Path(f"/proc/{pod.pid}/cmdline").read_bytes().split(b"\0")
    assert command[:2] == [b"python3", b"-c"]
    assert b"WHO=app" in Path(f"/proc/{pod.pid}/environ").read_bytes().split(b"\0")
    root = Path(f"/proc/{pod.pid}/mountinfo").read_text().splitlines()[0]
    assert " - overlay overlay " in root
    assert "lowerdir=" in root
    assert "upperdir=" in root


def check_volume(pod: Pod) -> None:
    (line,) = (
        line
        for line in Path(f"/proc/{pod.pid}/mountinfo").read_text().splitlines()
        if line.split(" ")[4] == "/data"
    )
    source = line.split(" ")[3]
    assert source.endswith(f"/kubelet/pods/{pod.uid}/volumes/kubernetes.io~empty-dir/d")
    assert Path(f"/proc/{pod.pid}/root/data/model.bin").read_bytes() == b"abc"


def hold_a_pod(folder: Path) -> tuple[subprocess.Popen[str], str, int]:
    """Start a process that holds a pod in a node; return it, the pod's uid and pid."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_POD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    uid, pid = holder.stdout.readline().split()
    return holder, uid, int(pid)


def test_sockets_stay_short_however_long_the_folder_is() -> None:
    deep = Places(Path("/" + "very-long-folder-name/" * 10))
    assert len(f"{deep.socket}.ttrpc") < 100
    assert deep.run != Places(deep.folder / "other").run
    assert Places(Path("/short")).socket == Path("/short/run/containerd.sock")
