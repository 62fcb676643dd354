"""An agent that compares pods with their own images, whatever becomes of the images' names."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from rig import images, oci
from rig.cache import cache_folder, filling
from rig.errors import RigError
from rig.node import Node
from rig.pods import Container, Pod
from tests.live.test_live_files import gguf
from tests.live.test_live_pods import await_ready

pytestmark = pytest.mark.live

NAME = "local.test/agent-images:1"
NAMESPACE = "agent-images"
#: Maps what it is told to, one path at a time: those of its command line, then each in a folder.
HOLDS = """
import mmap, os, sys, time
kept = []
def hold(path):
    with open(path, "rb") as file:
        kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
hold(sys.argv[1])
print("ready", flush=True)
while True:
    for name in sorted(os.listdir("/tmp")):
        if name.endswith(".wanted"):
            hold(open("/tmp/" + name).read())
            os.unlink("/tmp/" + name)
    time.sleep(0.1)
"""
#: Makes a model that no image has.
MAKES = """
data = open("/models/first.gguf", "rb").read()
open("/tmp/later.gguf", "wb").write(data.replace(b"first", b"later"))
"""


@pytest.fixture(scope="module")
def image() -> oci.Image:
    try:
        with filling(cache := cache_folder()):
            files = {f"/models/{name}.gguf": gguf(name) for name in ("first", "second", "third")}
            return images.python_with(cache, NAME, "1", lambda: [files], ("python3",))
    except RigError as error:
        pytest.skip(f"needs packages of Debian: {error}")


@pytest.fixture
def pod(image: oci.Image, rig_node: Node) -> Iterator[Pod]:
    command = ["python3", "-c", HOLDS, "/models/first.gguf"]
    container = Container("main", rig_node.load(image), command)
    made = rig_node.run_pod("promised", [container], namespace=NAMESPACE)
    await_ready(made.containers[0].output)
    yield made
    rig_node.stop_pod(made)


class Agent:
    """An agent's process, its log and what it writes."""

    def __init__(self, node: Node, folder: Path, state: str) -> None:
        self.output = folder / "output"
        self.log = folder / "log"
        settings = {
            "compare.images": "true",
            "compare.containerd_root": str(node.places.root),
            "select.namespaces": NAMESPACE,
            "log.level": "debug",
        }
        options = [f"--set={name}={value}" for name, value in settings.items()]
        folders = ["--output", str(self.output), "--state", str(folder / state)]
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aibom", "agent", *folders, *options], stderr=log
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.wait(30) == 0

    @property
    def findings(self) -> dict[str, str]:
        """The ids of findings of some weight, by the components that they are about."""
        path = self.output / "findings.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        told = [json.loads(line) for line in lines]
        return {f["component"]["name"]: f["rule"] for f in told if f["severity"] not in ("info",)}

    @property
    def models(self) -> set[str]:
        return {c["name"] for c in self._components("machine-learning-model")}

    @property
    def images(self) -> set[str]:
        return {c["purl"].partition("?")[0] for c in self._components("container")}

    def _components(self, kind: str) -> list[dict[str, Any]]:
        found = []
        for path in (self.output / "boms").glob("*.cdx.json"):
            found += [c for c in json.loads(path.read_text())["components"] if c["type"] == kind]
        return found

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that comes sooner or later, or fail with the log."""
        # images are read while nobody else waits for the disk
        deadline = time.monotonic() + 300
        while not true():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)


def load(node: Node, pod: Pod, path: str) -> None:
    """Let the pod's process hold a file."""
    write = f"open('/tmp/w','w').write({path!r}); import os; os.rename('/tmp/w','/tmp/1.wanted')"
    done = node.exec(pod.containers[0], ["python3", "-c", write])
    assert done.code == 0, done


def test_a_pod_is_compared_with_the_image_that_it_was_made_of(
    image: oci.Image, pod: Pod, rig_node: Node, tmp_path: Path
) -> None:
    purl = f"pkg:oci/agent-images@{image.digest}"
    with Agent(rig_node, tmp_path, "state") as agent:
        agent.until(lambda: agent.models == {"first"})
        assert agent.images == {purl}
        assert "image read" in agent.log.read_text()
        done = rig_node.exec(pod.containers[0], ["python3", "-c", MAKES])
        assert done.code == 0, done
        load(rig_node, pod, "/tmp/later.gguf")
        agent.until(lambda: "later" in agent.findings)
        # another image gets the name, which has none of the models
        other = oci.build(tmp_path / "other.tar", NAME, [{"/etc/other": b"1"}], oci.Config())
        assert rig_node.load(other) == NAME
        load(rig_node, pod, "/models/second.gguf")
        agent.until(lambda: "second" in agent.models)
        assert set(agent.findings) == {"later"}
    with Agent(rig_node, tmp_path, "state") as agent:
        load(rig_node, pod, "/models/third.gguf")
        agent.until(lambda: "third" in agent.models)
        assert set(agent.findings) == {"later"}
        log = agent.log.read_text()
        assert "image known" in log
        assert "image read" not in log
    # one that never saw the name when it was right
    (tmp_path / "fresh").mkdir()
    with Agent(rig_node, tmp_path / "fresh", "state") as agent:
        agent.until(lambda: {"first", "later"} <= agent.models)
        assert agent.images == {purl}
        assert set(agent.findings) == {"later"}
