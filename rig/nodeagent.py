"""``aibom agent`` as a process of its own, and what it uses: CPU, memory, descriptors, disk."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rig.benchagent import Agent, node_cpu
from rig.errors import RigError

#: Seconds that an agent may take for its first sweep on a busy machine.
PATIENCE = 300.0
_AGENT = (sys.executable, "-m", "aibom", "agent")
#: Declares nothing that anybody loads, so that every load is a finding.
_DECLARED = (
    '{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": ['
    '{"type": "library", "name": "nothing", "version": "1", "purl": "pkg:pypi/nothing@1"}]}'
)
_SWITCHES = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_RSS = re.compile(r"^Rss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Used:
    """What an agent uses at one moment.

    ``at`` and ``cpu`` are seconds, ``others`` the CPU seconds of everything else on the machine,
    ``events`` those of the kernel; memory and ``state`` (the database with its log) are bytes.
    """

    at: float
    cpu: float
    others: float
    events: int
    wakeups: int
    rss: int
    pss: int
    descriptors: int
    threads: int
    state: int


class NodeAgent(Agent):
    """An agent that runs, with its folders and the address at which it answers."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
        """Take a process that was just started."""
        super().__init__(process, folder / "boms")
        self.pid = process.pid
        self.journal = self.boms / "findings.jsonl"
        self._state = folder / "state"
        self._port = port
        self._proc = Path(f"/proc/{process.pid}")

    def ready(self) -> float:
        """Wait until the first sweep is published; return the seconds that this call waited."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE and self._process.poll() is None:
            if self._asked("/readyz")[0] == http.client.OK:
                return time.monotonic() - began
            time.sleep(0.02)
        raise RigError("the agent has ended, or does not become ready: is the machine busy?")

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels; 0 when there is none."""
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)", self._asked("/metrics")[1], re.M)
        return sum(map(float, found))

    def used(self) -> Used:
        """Return what it uses now. Asking for its events costs it some milliseconds."""
        rollup = (self._proc / "smaps_rollup").read_text()
        own = self.cpu()
        return Used(
            at=time.monotonic(),
            cpu=own,
            others=node_cpu() - own,
            events=round(self.metric("aibom_events_total")),
            wakeups=self.wakeups(),
            rss=_kilobytes(_RSS, rollup),
            pss=_kilobytes(_PSS, rollup),
            descriptors=len(list((self._proc / "fd").iterdir())),
            threads=len(list((self._proc / "task").iterdir())),
            state=sum(path.stat().st_size for path in self._state.glob("*") if path.is_file()),
        )

    def wakeups(self) -> int:
        """Return how often its threads have gone to sleep, by proc_pid_status(5)."""
        counts = []
        for task in (self._proc / "task").iterdir():
            with suppress(FileNotFoundError):  # a thread that ended meanwhile
                counts += _SWITCHES.findall((task / "status").read_text())
        return sum(map(int, counts))

    def _asked(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):  # it does not listen yet
            return 0, ""
        finally:
            connection.close()


@contextmanager
def running(options: Sequence[str] = (), folder: Path | None = None) -> Iterator[NodeAgent]:
    """Run an agent on this machine for a block; ``options`` are more of its command line.

    What it writes is removed afterwards, unless ``folder`` is where to.
    """
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as scratch:
        at = folder or Path(scratch)
        at.mkdir(parents=True, exist_ok=True)
        declared = at / "declared.cdx.json"
        declared.write_text(_DECLARED)
        port = _free_port()
        argv = [*_AGENT, "--output", str(at / "boms"), "--state", str(at / "state")]
        argv += ["--listen", f"127.0.0.1:{port}", "--set", f"compare.declared={declared}"]
        with (at / "log").open("wb") as log:
            process = subprocess.Popen(
                [*argv, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            yield NodeAgent(process, at, port)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _kilobytes(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) * 1024 if found else 0


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def load() -> float:
    """Return how many processes wanted a processor in the last minute, on average."""
    return os.getloadavg()[0]
