"""Processes that count as a pod's: a control group named as a kubelet names one, and no runtime."""

import contextlib
import os
import secrets
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rig.errors import RigError

_KINDS = {"cgroup2": 0, "cgroup": 1}


class PodLike:
    """A control group that looks like that of a pod's only container."""

    def __init__(self, root: Path) -> None:
        """Make it below the folder ``root`` of a hierarchy."""
        self.uid = str(uuid.uuid4())
        self.group = root / f"pod{self.uid}" / secrets.token_hex(32)
        self.group.mkdir(parents=True)
        self._started: list[subprocess.Popen[str]] = []

    def run(self, argv: Sequence[str], **fields: Any) -> "subprocess.Popen[str]":
        """Start a program that is in the group from its first instruction on."""
        script = f'echo $$ > {self.group}/cgroup.procs && exec "$@"'
        process = subprocess.Popen(["sh", "-c", script, "sh", *argv], text=True, **fields)
        self._started.append(process)
        return process

    def pids(self) -> list[int]:
        """Return its processes."""
        return [int(pid) for pid in (self.group / "cgroup.procs").read_text().split()]

    def clear(self) -> None:
        """End what is in it."""
        for _ in range(600):
            pids = self.pids()
            if not pids:
                break
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            time.sleep(0.05)
        for process in self._started:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def remove(self) -> None:
        """End what is in it, and remove it."""
        self.clear()
        self.group.rmdir()
        self.group.parent.rmdir()


@contextmanager
def groups() -> Iterator[Path]:
    """Give a folder of control groups for pods; raises RigError where none may be made."""
    root = _hierarchy() / f"aibom-test-{secrets.token_hex(4)}"
    try:
        root.mkdir()
    except OSError as error:
        raise RigError(f"no control group may be made here: {error}") from None
    try:
        yield root
    finally:
        root.rmdir()


def _hierarchy() -> Path:
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    found = sorted((_KINDS[kind], place) for place, kind in mounts if kind in _KINDS)
    if not found:
        raise RigError("no control groups are mounted here")
    return Path(found[0][1])
