"""What the tests of a whole agent share: agents that end with the test, pods, and their loads."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.processes import ProcessEvents
from rig.agentprocess import AgentProcess
from rig.errors import RigError
from rig.podlike import PodLike, groups
from tests.live.test_live_files import write

Agents = Callable[..., AgentProcess]
Pods = Callable[[], PodLike]

#: Maps each file whose path it reads, and keeps it mapped.
HOLDER = """
import mmap, os, sys
kept = []
for line in sys.stdin:
    file = os.open(line.rstrip("\\n"), os.O_RDONLY)
    kept.append(mmap.mmap(file, 0, prot=mmap.PROT_READ))
    os.close(file)
    print("loaded", flush=True)
"""


@pytest.fixture(scope="module")
def events() -> None:
    """Skip where the kernel tells nothing."""
    try:
        FileEvents().close()
        ProcessEvents().close()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[Agents]:
    """Prepare agents; none outlives the test."""
    made: list[AgentProcess] = []

    def make(*options: str, name: str = "agent", **fields: Path | str) -> AgentProcess:
        folder = tmp_path / name
        folder.mkdir()
        settings = [f"--set={option}" for option in options]
        agent = AgentProcess(folder, *settings, **fields)  # type: ignore[arg-type]
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.close()


@pytest.fixture
def pods() -> Iterator[Pods]:
    """Make control groups that count as pods; what is in them ends with the test."""
    made: list[PodLike] = []
    try:
        with groups() as root:

            def make() -> PodLike:
                made.append(PodLike(root))
                return made[-1]

            yield make
            for pod in made:
                pod.remove()
    except RigError as error:
        pytest.skip(str(error))


@contextmanager
def file_system(point: Path, size: str) -> Iterator[Path]:
    """Mount a file system of one's own for a block; what is left on it would keep it mounted."""
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "aibom-test", str(point)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system of one's own here: {done.stderr.strip()}")
    yield point
    # the mark of an agent that is gone keeps nobody from unmounting
    subprocess.run(["umount", str(point)], check=True)


def unsafe(name: str) -> bytes:
    """A pickle that runs a command when it is loaded: one finding, whoever loads it."""
    return f"cos\nsystem\n(S'{name}'\ntR.".encode()


class Holder:
    """A process of a pod that loads the models that it is given, and keeps them."""

    def __init__(self, pod: PodLike, folder: Path) -> None:
        """Start it; models are made in ``folder``."""
        self.pod, self._folder = pod, folder
        folder.mkdir(exist_ok=True)
        self.names: set[str] = set()
        self.process = pod.run(
            [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def load(self, *names: str) -> None:
        """Make and load models; returns when they are loaded."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for name in names:
            path = write(self._folder / f"{name}.pkl", unsafe(name))
            self.process.stdin.write(f"{path}\n")
            self.process.stdin.flush()
            assert self.process.stdout.readline() == "loaded\n"
            self.names.add(f"{name}.pkl")

    def is_told(self, agent: AgentProcess) -> bool:
        """Say whether every model was told of."""
        return self.names <= set(agent.found(self.pod.uid))


def told_once(agent: AgentProcess, holders: Iterable[Holder]) -> None:
    """Fail unless each model of ``holders`` is in one line of findings, and in the pod's BOM."""
    boms = agent.boms()
    ids = [finding["id"] for finding in agent.findings()]
    assert len(set(ids)) == len(ids)
    for holder in holders:
        assert dict(agent.found(holder.pod.uid)) == dict.fromkeys(holder.names, 1)
        assert any(_names(bom) >= holder.names for bom in boms.values())
    nothing_half(agent)


def _names(bom: dict[str, object]) -> set[str]:
    text = json.dumps(bom.get("components", []))
    return {c["name"] for c in json.loads(text)}


def nothing_half(agent: AgentProcess) -> None:
    """Fail when a file that is not whole lies where others look for BOMs and findings."""
    boms = set(agent.boms())
    others = {p for p in agent.output.rglob("*") if p.is_file()} - boms
    for path in others:
        assert path.name in {"node.json", "lock"} or path.name.startswith("findings"), path
    for finding in agent.findings():
        assert finding["id"]
