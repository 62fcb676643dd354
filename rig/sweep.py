"""Ends and removes what a node left on the machine, whether it stopped in order or was killed.

Only what is provably the node's: processes that run one of our unpacked programs on one of the
node's own paths, processes in the control groups of pods with the node's uids, mounts below the
node's folders, and folders that did not exist before the node.
"""

import contextlib
import ctypes
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from rig import network
from rig.containerd import Places, Programs
from rig.errors import RigError

_LOG = logging.getLogger(__name__)
_MNT_DETACH = 2
_SHIM_SOCKETS = Path("/run/containerd/s")  # compiled into containerd's shim
_KUBEPODS = "kubepods/burstable"


def sweep(places: Places, tools: Programs) -> None:
    """Leave nothing of the node: no process, mount, control group or socket, no image or pod.

    Its logs stay in its folder. Raises RigError when something resists.
    """
    uids = [pod.name for pod in places.pods.glob("*")]
    _end_processes(places, tools, uids)
    _forget_tasks(places)
    for mount in reversed(list(_mounts_below(places.folder, places.run))):
        _unmount(mount)
    for uid in uids:
        remove_cgroups(uid)
    for folder in (places.run, places.root, places.pods.parent):
        shutil.rmtree(folder, ignore_errors=True)
    _remove_made(places)


def remember(places: Places) -> None:
    """Note which shared folders do not exist yet: those the sweep may remove once empty."""
    wanted = [_SHIM_SOCKETS, _SHIM_SOCKETS.parent, network.RESULTS, network.RESULTS.parent]
    wanted += [mount / part for part in (_KUBEPODS, "kubepods") for mount in _hierarchies()]
    made = [str(folder) for folder in wanted if not folder.exists()]
    (places.folder / "made.json").write_text(json.dumps(made))


def _end_processes(places: Places, tools: Programs, uids: list[str]) -> None:
    deadline = time.monotonic() + 30
    while processes := [*_programs_running(places, tools), *_in_pods(uids)]:
        for process in processes:
            _kill(process)
        if time.monotonic() > deadline:
            left = ", ".join(str(process.pid) for process in processes)
            raise RigError(f"processes of the node do not end even when killed: {left}")
        time.sleep(0.05)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()  # psutil makes sure that the pid is still the same process
    except psutil.NoSuchProcess:
        _LOG.debug("process %d had ended already", process.pid)


def _programs_running(places: Places, tools: Programs) -> Iterator[psutil.Process]:
    """Yield containerd, its shims and runc: our programs, called with a path of this node."""
    for process in psutil.process_iter():
        try:
            program, arguments = Path(process.exe()), process.cmdline()
        except (psutil.Error, OSError):
            continue  # ended, or a thread of the kernel
        if program.parent in tools.folders and any(_names(places, text) for text in arguments):
            yield process


def _names(places: Places, argument: str) -> bool:
    path = Path(argument)
    return path.is_relative_to(places.folder) or path.is_relative_to(places.run)


def _in_pods(uids: list[str]) -> Iterator[psutil.Process]:
    for procs in (file for cgroup in _pod_cgroups(uids) for file in cgroup.rglob("cgroup.procs")):
        for pid in _pids(procs):
            try:
                yield psutil.Process(pid)
            except psutil.NoSuchProcess:
                continue


def _pids(procs: Path) -> list[int]:
    try:
        return [int(line) for line in procs.read_text().split()]
    except OSError:  # the group is gone, or holds threads only
        return []


def _pod_cgroups(uids: Iterable[str]) -> Iterator[Path]:
    for mount in _hierarchies():
        for uid in uids:
            cgroup = mount / _KUBEPODS / f"pod{uid}"
            if cgroup.is_dir():
                yield cgroup


def remove_cgroups(uid: str) -> None:
    """Remove the empty control groups of the pod ``uid``, which containerd leaves behind."""
    for cgroup in _pod_cgroups([uid]):
        for folder in (*sorted(cgroup.rglob("*/"), reverse=True), cgroup):
            _rmdir(folder)


def _rmdir(folder: Path) -> None:
    """Remove a control group; the kernel may need a moment after its last process ended."""
    for _ in range(40):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RigError(f"the control group {folder} cannot be removed: something is still in it")


def _forget_tasks(places: Places) -> None:
    """Remove the files that killed shims and pods left outside the node's folders."""
    for task in places.state.glob("io.containerd.runtime.v2.task/k8s.io/*"):
        for result in network.RESULTS.glob(f"*-{task.name}-*"):
            result.unlink(missing_ok=True)
        address = task / "address"
        if address.exists():
            socket = Path(address.read_text().removeprefix("unix://"))
            if socket.parent == _SHIM_SOCKETS:
                socket.unlink(missing_ok=True)


def _hierarchies() -> list[Path]:
    """Return where the control group hierarchies are mounted."""
    return [Path(mount) for mount, kind in _mounts() if kind in ("cgroup", "cgroup2")]


def _mounts_below(*folders: Path) -> Iterator[Path]:
    for mount, _ in _mounts():
        if any(Path(mount).is_relative_to(folder) for folder in folders):
            yield Path(mount)


def _mounts() -> Iterator[tuple[str, str]]:
    """Yield (mount point, filesystem type) in the order the mounts were made."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split(" ")[4])
        yield point, after.split(" ", 1)[0]


def _unmount(mount: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(os.fsencode(mount), _MNT_DETACH):
        why = os.strerror(ctypes.get_errno())
        raise RigError(f"cannot unmount {mount}: {why}; unmount it by hand")


def _remove_made(places: Places) -> None:
    """Remove the shared folders that did not exist before the node, if nobody else uses them."""
    made = places.folder / "made.json"
    if made.exists():
        for folder in json.loads(made.read_text()):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        made.unlink()
