"""The agent as a plain process of this machine: the reduced form, for those who are not root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from rig.cache import lock
from rig.demo.prepare import AGENT, Parts
from rig.libraries import library_path
from rig.signals import held_back


@dataclass(frozen=True, slots=True)
class Agent:
    """A running agent: its process, where it expects its second model, what it writes."""

    process: psutil.Popen
    late_model: Path
    logs: tuple[Path, Path]

    def output(self) -> str:
        """Return what the agent wrote so far, to stdout and then to stderr."""
        # in one file the lines of the two would be mixed in the middle
        return "".join(log.read_text(errors="replace") for log in self.logs)


@contextmanager
def running(parts: Parts, cache: Path) -> Iterator[Agent]:
    """Run the agent in ``cache``/plain for the block; it ends with us even if we are killed."""
    busy = f"another demonstration runs in {cache}"
    with lock(cache / "plain.lock", busy=busy, patience=0):
        folder = cache / "plain"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        agent = _start(parts, folder, library_path(cache))
        try:
            yield agent
        finally:
            with held_back():
                _end(agent.process)
                shutil.rmtree(folder, ignore_errors=True)


def _start(parts: Parts, folder: Path, libraries: str) -> Agent:
    late_model = folder / parts.late_model.name
    command = [sys.executable, str(AGENT), str(parts.model), str(late_model)]
    logs = (folder / "agent.out", folder / "agent.err")
    with logs[0].open("wb") as out, logs[1].open("wb") as err:
        process = psutil.Popen(
            [*_dying_with_us(), *command],
            cwd=folder,
            env=_environment(parts, libraries),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    return Agent(process, late_model, logs)


def _dying_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")  # part of util-linux
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _environment(parts: Parts, libraries: str) -> dict[str, str]:
    return {
        "LD_LIBRARY_PATH": libraries,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(parts.site_packages),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _end(process: psutil.Popen) -> None:
    family = [process, *process.children(recursive=True)] if process.is_running() else [process]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
    psutil.wait_procs(family[1:], timeout=5)
