"""``aibom agent`` as a child process: started, asked, stopped, killed, and what it wrote."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rig.errors import RigError

#: Seconds after which something that should happen counts as failed; far more than it takes.
PATIENCE = 120.0
_STEP = 0.05
_SAMPLE = re.compile(r"^(?P<name>\w+(?:\{[^}]*\})?) (?P<value>\S+)$", re.MULTILINE)
_SCHEMA = "aibom.finding/1"
_Found = TypeVar("_Found")


class AgentProcess:
    """An agent with folders of its own; may be started again after its end.

    ``options`` go to every start. ``patch`` is Python that the process runs before all else: the
    way to break one part of it.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        output: Path | None = None,
        state: Path | None = None,
        patch: str = "",
    ) -> None:
        """Prepare to keep output and state in ``folder`` unless they are given."""
        self.output, self.state = output or folder / "output", state or folder / "state"
        self.options: Sequence[str] = options
        self.starts = 0
        self._folder = folder
        self._environment = dict(os.environ)
        if patch:
            patches = folder / "patches"
            patches.mkdir()
            (patches / "sitecustomize.py").write_text(patch)
            self._environment["PYTHONPATH"] = str(patches)

    def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until its first sweep is published unless ``ready`` is false."""
        self.starts += 1
        self._log = self._folder / f"agent-{self.starts}.log"
        self._listen = f"127.0.0.1:{_free_port()}"
        argv = [sys.executable, "-m", "aibom", "agent", "--listen", self._listen]
        argv += ["--output", str(self.output), "--state", str(self.state), *self.options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        if ready:
            self.until(lambda: not self.metric("aibom_ready") < 1, "a first sweep")

    @property
    def said(self) -> str:
        """Its log since the last start."""
        return self._log.read_text(errors="replace")

    def until(self, met: Callable[[], _Found], what: str) -> _Found:
        """Wait until ``met`` returns something true, and return that. Raises RigError."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if self.process.poll() is not None:
                raise RigError(f"the agent ended: {self.process.returncode}\n{self.said}")
            if found := met():
                return found
            if time.monotonic() > deadline:
                raise RigError(f"{what} did not come:\n{self.said[-5000:]}")
            time.sleep(_STEP)

    def asked(self, path: str) -> tuple[int, str]:
        """Return the status and body of an answer; (0, "") while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self._listen}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self) -> Mapping[str, float]:
        """Return all samples by name and labels, as they are written."""
        _, text = self.asked("/metrics")
        return {found["name"]: float(found["value"]) for found in _SAMPLE.finditer(text)}

    def metric(self, name: str) -> float:
        """Return one sample; 0 where there is none."""
        return self.metrics().get(name, 0.0)

    def failures(self) -> dict[str, float]:
        """Return how often which part failed."""
        found = self.metrics().items()
        return {n.split('"')[1]: v for n, v in found if n.startswith("aibom_failures_total") and v}

    def goes_round(self) -> None:
        """Wait for two more rounds of its loop."""
        for _ in range(2):
            self.until(lambda: self.metric("aibom_round_age_seconds") > 0.1, "a round's end")
            self.until(lambda: self.metric("aibom_round_age_seconds") < 0.1, "a round")

    def kill(self) -> None:
        """End it as an OOM killer does."""
        self.process.kill()
        self.process.wait()

    def end(self, number: int = signal.SIGTERM) -> float:
        """End it in order; return the CPU seconds that took, without its children.

        Raises RigError when it does not end with code 0.
        """
        before = cpu_seconds(self.process.pid)
        self.process.send_signal(number)
        deadline = time.monotonic() + PATIENCE
        while os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            if time.monotonic() > deadline:
                raise RigError(f"the agent does not end:\n{self.said[-5000:]}")
            time.sleep(0.01)
        used = cpu_seconds(self.process.pid) - before  # a zombie has kept its accounts
        if code := self.process.wait():
            raise RigError(f"the agent ended with code {code}:\n{self.said[-5000:]}")
        return used

    def close(self) -> None:
        """Make sure that it has ended, whatever went wrong."""
        if self.starts and self.process.poll() is None:
            self.kill()

    def findings(self) -> list[dict[str, Any]]:
        """Return all lines of findings, older files first; each must be whole.

        While it runs, the last line may be under way and is left out.
        """
        files = sorted(self.output.glob("findings-*.jsonl")), [self.output / "findings.jsonl"]
        lines: list[dict[str, Any]] = []
        for path in (path for group in files for path in group if path.exists()):
            whole = path.read_bytes().split(b"\n")
            if whole.pop() and self.process.poll() is not None:
                raise RigError(f"{path}: half a line")
            lines += map(json.loads, whole)
        if wrong := [line for line in lines if line["schema"] != _SCHEMA]:
            raise RigError(f"not findings: {wrong}")
        return lines

    def found(self, uid: str) -> Counter[str]:
        """Return how often a finding was told of each component of a workload, by name."""
        told = (f for f in self.findings() if f["workload"].get("uid") == uid)
        return Counter(f["component"]["name"] for f in told if f.get("component"))

    def boms(self) -> dict[Path, dict[str, Any]]:
        """Return all BOMs, older versions and ended workloads included; each must be whole."""
        files = (self.output / "boms").rglob("*.cdx.json")
        return {path: json.loads(path.read_bytes()) for path in files}


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and all its threads; proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
