"""``make run``: a real pod loads more than its image declares, and aibom says so.

As root the agent runs in a pod of a real containerd. Otherwise it runs as plain processes: the
same agent and models, without image layers, pod and control groups.
"""

import argparse
import contextlib
import logging
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from rig import pip
from rig.cache import cache_folder
from rig.demo import plain, prepare
from rig.errors import RigError
from rig.node import Node, may_not_run
from rig.pods import Container
from rig.signals import ending_as_interrupt

_LOG = logging.getLogger(__name__)
_POD = "chat-demo"
_PATIENCE = 90.0  # seconds until the agent must be ready


@dataclass(frozen=True, slots=True)
class Target:
    """What there is to scan: a pod and the socket of its runtime, or else plain processes."""

    pids: tuple[int, ...]
    declared: Path
    pod: str | None = None
    runtime: Path | None = None


Scan = Callable[[Target, Path], int]
"""Looks at a target, writes into a folder, returns an exit code."""


def scan_command(target: Target, output: Path) -> list[str]:
    """Return the command line that scans ``target`` into ``output``."""
    if target.pod:
        what = ["--pod", target.pod]
    else:
        what = [part for pid in target.pids for part in ("--pid", str(pid))]
    declared = ["--declared", str(target.declared)]
    return [sys.executable, "-m", "aibom", "scan", *what, *declared, "-o", str(output)]


def scan(target: Target, output: Path) -> int:
    """Run aibom on ``target`` and return its exit code."""
    command = scan_command(target, output)
    _LOG.info("scanning: aibom %s", " ".join(command[3:]))
    return subprocess.run(command, check=False).returncode


def demonstrate(output: Path, look: Scan = scan, folder: Path | None = None) -> int:
    """Bring the agent up, let ``look`` see it, take everything down; return its exit code.

    As root the node lies in ``folder``, by default in the cache.
    """
    cache = cache_folder()
    output.mkdir(parents=True, exist_ok=True)
    if obstacle := may_not_run():
        return _as_processes(cache, output, look, obstacle)
    return _in_a_pod(cache, output, look, folder)


def _in_a_pod(cache: Path, output: Path, look: Scan, folder: Path | None) -> int:
    parts = prepare.parts(pip.IMAGE, cache)
    image = prepare.image(parts, cache)
    with Node(folder, cache) as node:
        _LOG.info("containerd runs; loading the image %s", image.name)
        node.load(image)
        pod = node.run_pod(_POD, [Container("agent", image.name)])
        _LOG.info("pod %s/%s runs; a model arrives that its image has not", pod.namespace, pod.name)
        late_model = Path(f"/proc/{pod.pid}/root{prepare.LATE_MODEL}")
        _bring_in(parts.late_model, late_model, pod.containers[0].output, pod.pid)
        name = f"{pod.namespace}/{pod.name}"
        target = Target(_family(pod.pid), _publish(parts, output), name, node.places.socket)
        code = look(target, output)
        _LOG.info("removing the pod and containerd")
    _LOG.info("done; nothing is left running")
    return code


def _as_processes(cache: Path, output: Path, look: Scan, obstacle: str) -> int:
    _LOG.info("%s", obstacle)
    _LOG.info("so this is the REDUCED form: plain processes without pod or image layers")
    parts = prepare.parts(pip.HERE, cache)
    with plain.running(parts, cache) as agent:
        _LOG.info("the agent runs as process %d; a model arrives", agent.process.pid)
        _bring_in(parts.late_model, agent.late_model, agent.output, agent.process.pid)
        code = look(Target(_family(agent.process.pid), _publish(parts, output)), output)
    _LOG.info("done; that was the REDUCED form: as root the agent runs in a real pod")
    return code


def arrive(model: Path, target: Path) -> None:
    """Let ``model`` appear as ``target``, complete from its first moment on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(model, part)
    part.rename(target)


def _bring_in(model: Path, target: Path, output: Callable[[], str], pid: int) -> None:
    """Let the late model arrive at the agent ``pid`` and wait for the agent's word."""
    with contextlib.suppress(OSError):  # an agent that has died says why in its output
        arrive(model, target)
    _await_ready(output, pid)


def _publish(parts: prepare.Parts, output: Path) -> Path:
    declared = output / "declared.cdx.json"
    declared.write_text(parts.declared)
    return declared


def _family(pid: int) -> tuple[int, ...]:
    """Return ``pid`` and the pids of every process it started."""
    return pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))


def _await_ready(output: Callable[[], str], pid: int) -> None:
    """Wait for the agent's one line; log it without its first word."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        for line in output().splitlines():
            if line.startswith("ready: "):
                _LOG.info("the agent is ready: %s", line.removeprefix("ready: "))
                return
        if not _runs(pid) or time.monotonic() > deadline:
            raise RigError(f"the agent did not become ready; it wrote:\n{output()[-1500:]}")
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _and_hold(look: Scan) -> Scan:
    def look_and_hold(target: Target, output: Path) -> int:
        code = look(target, output)
        pids = " ".join(map(str, target.pids))
        _LOG.info("holding until Ctrl-C: pids %s, CRI socket %s", pids, target.runtime or "none")
        signal.pause()
        return code

    return look_and_hold


def main() -> int:
    """Run the demonstration: exit code of the scan, 2 when it could not be set up."""
    parser = argparse.ArgumentParser(prog="python -m rig.demo.run", description=main.__doc__)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("aibom-out/demo"), help="folder for the results"
    )
    parser.add_argument("--hold", action="store_true", help="keep it all up until Ctrl-C")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    logging.getLogger().handlers[0].setFormatter(_Elapsed())
    with ending_as_interrupt():
        try:
            return demonstrate(arguments.output, _and_hold(scan) if arguments.hold else scan)
        except RigError as error:
            _LOG.error("%s", error)
            return 2
        except KeyboardInterrupt:
            _LOG.info("interrupted; nothing is left running")
            return 130


class _Elapsed(logging.Formatter):
    """One line per step: seconds since the start, then the step."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.time()

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.created - self._start:6.1f} s  {record.getMessage()}"


if __name__ == "__main__":
    sys.exit(main())
