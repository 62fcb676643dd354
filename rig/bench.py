"""``make bench``: what a sweep of a full node costs beside lsof, and what a watch costs.

CPU time, not elapsed time, is what is compared: machines are shared and noisy. Everything runs
in one go, on one node: as root 110 pods (ten of them with a model mapped), else 110 processes.
The watch is measured at rest on that node, and beside work without it.
"""

import argparse
import contextlib
import json
import logging
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rig import benchimports, benchwatch, command, debs, pip
from rig.cache import cache_folder
from rig.demo import prepare
from rig.errors import RigError
from rig.libraries import library_path
from rig.node import Node, may_not_run, run_many
from rig.pods import Container

_LOG = logging.getLogger(__name__)
WEB, WITH_MODEL = 100, 10
_LSOF_RUNS = 5

# a process that has a model runtime loaded and a model mapped, as llama.cpp leaves it
_HOLDER = """
import mmap, time, xllamacpp
with open({model!r}, "rb") as file:
    weights = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
time.sleep(100000)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one thing cost: CPU and elapsed time in seconds."""

    name: str
    cpu: float
    wall: float


@contextlib.contextmanager
def full_node(cache: Path) -> Iterator[str]:
    """Bring up 110 pods, or 110 processes without root; yields what it is."""
    parts = prepare.parts(pip.IMAGE if os.geteuid() == 0 else pip.HERE, cache)
    if obstacle := may_not_run():
        _LOG.info("%s; measuring plain processes instead", obstacle)
        with _processes(parts, cache):
            yield f"{WEB + WITH_MODEL} processes, {WITH_MODEL} with a model mapped"
        return
    with Node(cache=cache) as node:
        name = node.load(prepare.image(parts, cache))
        run_many(node, WEB)
        argv = ["python3", "-c", _HOLDER.format(model=prepare.MODEL_IN_IMAGE)]
        holder = Container("holder", name, argv)
        with ThreadPoolExecutor(4) as pool:
            pods = list(pool.map(lambda n: node.run_pod(f"model-{n}", [holder]), range(WITH_MODEL)))
        _await_models([pod.pid for pod in pods])
        yield f"{WEB + WITH_MODEL} pods, {WITH_MODEL} with a model mapped"


@contextlib.contextmanager
def _processes(parts: prepare.Parts, cache: Path) -> Iterator[None]:
    environment = os.environ | {
        "PYTHONPATH": str(parts.site_packages),
        "LD_LIBRARY_PATH": library_path(cache),
    }
    web = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]
    holder = [sys.executable, "-c", _HOLDER.format(model=str(parts.model))]
    started: list[subprocess.Popen[bytes]] = []
    try:
        quiet = subprocess.DEVNULL
        started.extend(
            subprocess.Popen(argv, env=environment, stdout=quiet, stderr=quiet)
            for argv in [web] * WEB + [holder] * WITH_MODEL
        )
        _await_models([process.pid for process in started[WEB:]])
        yield
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def _await_models(pids: Sequence[int]) -> None:
    """Wait until each of the processes has its model mapped."""
    deadline = time.monotonic() + 120
    for pid in pids:
        while ".gguf" not in Path(f"/proc/{pid}/maps").read_text():
            if time.monotonic() > deadline or not Path(f"/proc/{pid}/exe").exists():
                raise RigError(f"process {pid} did not map its model")
            time.sleep(0.05)


def lsof(cache: Path) -> Cost:
    """Return what ``lsof -n -P`` over the node costs: the mean of a few runs."""
    program = shutil.which("lsof")
    if program is None:
        program = str(debs.unpacked(["lsof"], cache)[0].root / "usr/bin/lsof")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    for _ in range(_LSOF_RUNS):
        subprocess.run([program, "-n", "-P"], capture_output=True, check=False)
    wall = (time.monotonic() - started) / _LSOF_RUNS
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost("lsof -n -P", used / _LSOF_RUNS, wall)


def sweeps() -> tuple[list[Cost], int, dict[str, int]]:
    """Return the costs of two sweeps in one fresh process, its peak memory, what it found."""
    command = [sys.executable, "-m", "rig.benchsweep"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RigError(f"the sweep failed:\n{done.stderr}")
    answer = json.loads(done.stdout)
    costs = [Cost(c["name"], c["cpu"], c["wall"]) for c in answer["costs"]]
    return costs, answer["peak_bytes"], answer["found"]


def _report(node: str, costs: Sequence[Cost], peak: int, found: dict[str, int]) -> None:
    cpus = os.cpu_count()
    print(f"node: {node}; {platform.system()} {platform.release()}, {cpus} CPUs")
    print(f"found: {', '.join(f'{count} {what}' for what, count in found.items())}")
    print(f"{'':44} {'CPU s':>8} {'wall s':>8}")
    for cost in costs:
        print(f"{cost.name:44} {cost.cpu:8.3f} {cost.wall:8.3f}")
    by_name = {cost.name: cost.cpu for cost in costs}
    ratio = by_name["second sweep, nothing changed"] / by_name["lsof -n -P"]
    print(f"second sweep / lsof: {ratio:.2f}")
    print(f"peak memory: {peak / 1e6:.0f} MB")


def main() -> int:
    """Measure and print."""
    argparse.ArgumentParser(prog="python -m rig.bench", description=__doc__).parse_args()
    return command.run("bench", _measure)


def _measure() -> None:
    cache = cache_folder()
    with full_node(cache) as node:
        costs, peak, found = sweeps()
        costs.append(lsof(cache))
        _report(node, costs, peak, found)
        benchwatch.resting(cache)
    benchimports.reading()
    benchwatch.measure(cache, benchwatch.BESIDE_WORK)


if __name__ == "__main__":
    sys.exit(main())
