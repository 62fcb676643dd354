"""A node in a folder: ``with Node(folder) as node: node.load(image); node.run_pod(...)``."""

import argparse
import contextlib
import functools
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from rig import containerd, images
from rig.cache import cache_folder, filling, lock
from rig.command import run
from rig.containerd import Places
from rig.cri import Output, Runtime
from rig.errors import RigError
from rig.oci import Image
from rig.pods import POD_UID, Container, HostNamespace, Plan, Pod, Running, Volume
from rig.signals import held_back
from rig.sweep import remember, remove_cgroups, sweep

_LOG = logging.getLogger(__name__)
_AT_A_TIME = 4


def may_not_run() -> str | None:
    """Return why no node can run here, or None."""
    if os.geteuid() != 0:
        return "a node needs root: it mounts, and makes namespaces and control groups"
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    return f"a node needs Debian's {missing[0]} to fetch containerd" if missing else None


class Node:
    """A containerd of its own with pods in it, from ``with`` to the end of the block.

    Needs root. What an earlier node in the same folder left when it was killed is removed first;
    afterwards nothing is left but log files, also after an exception or Ctrl-C.
    """

    def __init__(
        self, folder: Path | None = None, cache: Path | None = None, patience: float = 0
    ) -> None:
        """Keep the node in ``folder`` and downloads in ``cache``.

        They default to the folder ``node`` in the cache, and to ``cache_folder()``. While another
        node runs in the folder, wait for its end up to ``patience`` seconds.
        """
        self._cache = cache or cache_folder()
        self.places = Places((folder or self._cache / "node").absolute())
        self._patience = patience
        self._open = contextlib.ExitStack()
        self._loaded: set[str] = set()
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        """Start it; returns when containerd answers and can run pods."""
        if obstacle := may_not_run():
            raise RigError(obstacle)
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove its pods, end it, and leave nothing; signals that ask to end wait for that."""
        self._end()

    def load(self, image: Image) -> str:
        """Make ``image`` usable for pods and return its name; a second time it costs nothing."""
        if image.digest not in self._loaded:
            containerd.load(image.archive, self.places, self._tools)
            _until(10, lambda: self._runtime.has_image(image.name), f"image {image.name}")
            self._loaded.add(image.digest)
        return image.name

    def load_python(self) -> str:
        """Make the plain Python image usable for pods and return its name."""
        with filling(self._cache):
            image = images.python(self._cache)
        return self.load(image)

    def run_pod(
        self,
        name: str,
        containers: Sequence[Container],
        *,
        namespace: str = "default",
        volumes: Sequence[Volume] = (),
        host: Collection[HostNamespace] = (),
    ) -> Pod:
        """Start a pod and return it when every container runs its own program.

        ``host`` names the namespaces that it shares with the machine: without any it has a network
        of its own with the loopback interface only, and each container its own processes. Raises
        RigError, and leaves nothing of the pod, when a container cannot start.
        """
        uid = str(uuid.uuid4())
        logs = self.places.pod_logs / f"{namespace}_{name}_{uid}"
        folder = self.places.pods / uid
        plan = Plan(name, namespace, uid, folder, logs, tuple(volumes), frozenset(host))
        folder.mkdir(parents=True)
        try:
            return self._run(plan, containers)
        except RigError:
            self._remove(uid)
            raise

    def stop_pod(self, pod: Pod) -> None:
        """End a pod at once and remove it, its volumes and its control groups."""
        self._remove(pod.uid)

    def stop_pods(self) -> None:
        """End and remove every pod; what resists is removed with the node."""
        uids = [pod.name for pod in self.places.pods.glob("*")]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for done in [pool.submit(self._remove, uid) for uid in uids]:
                error = done.exception()
                if error:
                    _LOG.warning("a pod did not end in order: %s", error)

    def exec(self, container: Running, argv: Sequence[str], timeout: int = 30) -> Output:
        """Run a command in a container to its end, for at most ``timeout`` seconds."""
        return self._runtime.exec(container.id, argv, timeout)

    @contextlib.contextmanager
    def without_runtime(self) -> Iterator[None]:
        """Let containerd be gone for a block, as in an upgrade: pods and their shims go on."""
        containerd.stop(self._process)
        try:
            yield
        finally:
            self._process = containerd.start_again(self.places, self._tools)
            self._await_answer(self._process)

    def _start(self) -> None:
        folder = self.places.folder
        busy = f"another node runs in {folder}"
        self._open.enter_context(lock(folder / "lock", busy=busy, patience=self._patience))
        with filling(self._cache):
            self._tools = containerd.programs(self._cache)
            pause = images.pause(self._cache)
        sweep(self.places, self._tools)
        shutil.rmtree(self.places.pod_logs, ignore_errors=True)
        remember(self.places)
        self._open.callback(sweep, self.places, self._tools)
        process = containerd.start(self.places, self._tools)
        self._process = process
        self._open.callback(lambda: containerd.stop(self._process))
        self._runtime = Runtime(self.places.socket)
        self._open.callback(self._runtime.close)
        self._await_answer(process)
        self._open.callback(self.stop_pods)
        self.load(pause)

    def _end(self) -> None:
        with held_back():
            self._open.close()

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._runtime.version(timeout=0.5)
            except RigError as error:
                if process.poll() is None and time.monotonic() < deadline:
                    continue
                said = containerd.last_words(self.places)
                raise RigError(f"containerd does not answer; its last words:\n{said}") from error
            return

    def _run(self, plan: Plan, containers: Sequence[Container]) -> Pod:
        plan.prepare(containers)
        config = plan.sandbox_message()
        sandbox = self._runtime.run_pod_sandbox(config)
        running = []
        for container in containers:
            message = plan.container_message(container)
            made = self._runtime.create_container(sandbox, message, config)
            self._runtime.start_container(made)
            pid = self._runtime.container_info(made)["pid"]
            _until(5, functools.partial(_runs_its_program, pid), f"program of {container.name}")
            running.append(Running(container.name, made, pid, plan.log_of(container)))
        return Pod(plan.name, plan.namespace, plan.uid, sandbox, tuple(running), plan.folder)

    def _remove(self, uid: str) -> None:
        for sandbox in self._runtime.list_pod_sandboxes():
            if sandbox.labels.get(POD_UID) == uid:
                self._runtime.stop_pod_sandbox(sandbox.id)
                self._runtime.remove_pod_sandbox(sandbox.id)
        remove_cgroups(uid)
        shutil.rmtree(self.places.pods / uid, ignore_errors=True)


def run_many(node: Node, count: int) -> list[Pod]:
    """Start ``count`` pods ``web-0`` ... of a small Python web server, a few at a time."""
    image = node.load_python()
    argv = ["python3", "-m", "http.server", "8080", "--bind", "127.0.0.1"]
    server = Container("web", image, argv)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return list(pool.map(lambda number: node.run_pod(f"web-{number}", [server]), range(count)))


def remove_leftovers(folder: Path | None = None, cache: Path | None = None) -> None:
    """Remove what a killed node left; starting one in the same folder does that too."""
    cache = cache or cache_folder()
    places = Places((folder or cache / "node").absolute())
    busy = f"a node runs in {places.folder}: end it first"
    with lock(places.folder / "lock", busy=busy, patience=0):
        sweep(places, containerd.programs(cache))


def _runs_its_program(pid: int) -> bool:
    """Tell whether ``pid`` is no longer the runtime that is about to become the program."""
    try:
        return "runc" not in Path(f"/proc/{pid}/exe").readlink().name
    except OSError:  # it ended already
        return True


def _until(seconds: float, true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise RigError(f"{what} did not appear within {seconds:g} s")
        time.sleep(0.01)


def main() -> int:
    """Run the command line: ``up N`` until Ctrl-C, or ``down`` after a node was killed."""
    parser = argparse.ArgumentParser(prog="python -m rig.node", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start N pods of a small web server; stop on Ctrl-C")
    up.add_argument("count", metavar="N", type=int)
    commands.add_parser("down", help="remove what a killed node left")
    arguments = parser.parse_args()
    down = arguments.command == "down"
    return run("rig", remove_leftovers if down else lambda: _up(arguments.count))


def _up(count: int) -> None:
    with Node() as node:
        _show_until_interrupted(node, count)


def _show_until_interrupted(node: Node, count: int) -> None:
    started = time.monotonic()
    for pod in run_many(node, count):
        print(f"{pod.namespace}/{pod.name} pid {pod.pid} uid {pod.uid}")
    seconds = time.monotonic() - started
    _LOG.info("%d pods in %.1f s; CRI at %s; Ctrl-C ends", count, seconds, node.places.socket)
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
