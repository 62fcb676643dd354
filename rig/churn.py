"""Pods that come, load, download, misbehave and die, as many a minute and for as long as asked."""

import itertools
import logging
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig import pip
from rig.demo import prepare
from rig.errors import RigError
from rig.node import Node
from rig.pods import Container

_LOG = logging.getLogger(__name__)
#: How many pods are made, run and removed side by side.
SIDE_BY_SIDE = 3
#: Programs of a few milliseconds that a burst has, and the seconds between two bursts.
BURST, BURST_SECONDS = 200, 5.0

_MODEL = """
import json, os
def model(path, name):
    head = json.dumps({name: {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}}).encode()
    data = len(head).to_bytes(8, "little") + head + os.urandom(8)
    with open(path + ".incomplete", "wb") as file:
        file.write(data)
    os.rename(path + ".incomplete", path)
    with open(path, "rb") as file:
        file.read()
"""
#: What pods do, by name. ``{number}`` differs in each of them.
PROGRAMS = {
    "imports": "import xllamacpp, time; time.sleep({seconds})",
    "reads": """
import mmap, time
with open({image_model!r}, "rb") as file:
    weights = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
time.sleep({seconds})
""",
    "downloads": _MODEL
    + """
for part in range(20):
    model("/tmp/model-{number}-%d.safetensors" % part, "weight.{number}.%d" % part)
time.sleep({seconds})
""",
    "forks": """
import os, time
for _ in range(200):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
time.sleep({seconds})
""",
    "dies": _MODEL
    + """
model("/tmp/dying-{number}.safetensors", "dying.{number}")
os.kill(os.getpid(), 9)
""",
    "misbehaves": """
import os, time
for part in range(50):
    with open("/tmp/broken-{number}-%d.safetensors" % part, "wb") as file:
        file.write(os.urandom(4096))
    with open("/tmp/broken-{number}-%d.safetensors" % part, "rb") as file:
        file.read()
    os.unlink("/tmp/broken-{number}-%d.safetensors" % part)
time.sleep({seconds})
""",
}


class Churn:
    """What has come and gone so far."""

    def __init__(self, node: Node, image: str, rate: float = 0.0) -> None:
        """Run pods of ``image`` on ``node``, ``rate`` a minute; 0 is as many as it can."""
        self._pause = 60 * SIDE_BY_SIDE / rate if rate else 0.0
        self.pods: Counter[str] = Counter()
        self.processes = 0
        self._node, self._image = node, image
        self._ended = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._pods) for _ in range(SIDE_BY_SIDE)]
        self._threads.append(threading.Thread(target=self._bursts))

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End when the pods that run now are gone."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _pods(self) -> None:
        while not self._ended.is_set():
            next_at = time.monotonic() + self._pause
            number = next(self._numbers)
            what = random.choice(list(PROGRAMS))  # noqa: S311 - what comes next, no secret
            seconds = random.uniform(0.2, 4.0)  # noqa: S311
            values = {"{number}": str(number), "{seconds}": f"{seconds:.2f}"}
            values["{image_model!r}"] = repr(prepare.MODEL_IN_IMAGE)
            program = PROGRAMS[what]
            for name, value in values.items():
                program = program.replace(name, value)
            try:
                container = Container("main", self._image, ["python3", "-c", program])
                pod = self._node.run_pod(f"churn-{number}", [container])
                self._ended.wait(seconds)
                self._node.stop_pod(pod)
                self.pods[what] += 1
            except RigError as error:  # it was gone before it was seen to run
                self.pods["failed"] += 1
                _LOG.debug("%s", error)
            self._ended.wait(max(0.0, next_at - time.monotonic()))

    def _bursts(self) -> None:
        while not self._ended.wait(BURST_SECONDS):
            for _ in range(BURST):
                subprocess.run(["/bin/true"], check=False)
            self.processes += BURST


@contextmanager
def churning(cache: Path, rate: float = 0.0) -> Iterator[Churn]:
    """Let pods come and go on a node of their own for a block, see Churn. Needs root."""
    parts = prepare.parts(pip.IMAGE, cache)
    with Node(cache / "bench-node", cache) as node:
        churn = Churn(node, node.load(prepare.image(parts, cache)), rate)
        churn.start()
        try:
            yield churn
        finally:
            churn.stop()
