"""What ``aibom watch`` costs beside the work that it watches: CPU time of both in one run.

Used by ``make bench``; alone as ``python -m rig.benchwatch [install import storm quiet]``.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aibom.observe.watch.schedule import BUSY_SECONDS, SWEEP_SECONDS
from rig import benchloads as loads
from rig import command
from rig.benchagent import node_cpu, watching
from rig.benchcounts import Counts, counts_of
from rig.cache import cache_folder

RUNS = 3
#: Seconds after the end of a workload in which the agent's last looks at it are counted too.
_TAIL = 5.0
# the part of the pause between two sweeps in which an idle agent is measured
_QUIET_FROM, _QUIET_TO = 10.0, SWEEP_SECONDS - 5.0


@dataclass(frozen=True, slots=True)
class Beside:
    """CPU seconds of one run: the agent while the work ran, in all, and the work itself.

    ``node`` is what all other processes of the machine used while the agent was measured, the
    work among them: an agent that watches a node pays for all of it.
    """

    agent: float
    total: float
    work: float
    node: float
    peak: int
    seen: Counts

    @property
    def share(self) -> float:
        """The agent's time while the work ran, as a share of everybody else's."""
        return self.agent / self.node


def beside(work: Callable[[], float]) -> Beside:
    """Do some work while an agent watches the whole node; ``work`` returns what it used."""
    with watching() as agent:
        before, node = agent.settle(), node_cpu()
        used = work()
        time.sleep(_TAIL)
        during, others = agent.cpu() - before, node_cpu() - node
        ended = agent.ended()
        counts = counts_of(agent.boms)
        return Beside(during, ended.own, used, others - during, ended.peak, counts)


def around(command: Sequence[str]) -> Beside:
    """Run a command as ``aibom watch -- COMMAND`` does."""
    # its beginning and its end are told by itself
    shell = 'echo begun; "$@"; code=$?; echo ended; exit $code'
    with watching(command=["sh", "-c", shell, "sh", *command]) as agent:
        before, node = agent.said(b"begun"), node_cpu()
        during, others = agent.said(b"ended") - before, node_cpu() - node
        ended = agent.ended(ask=False)
        counts = counts_of(agent.boms)
        return Beside(during, ended.own, ended.descendants, others - during, ended.peak, counts)


def quiet() -> tuple[list[float], float]:
    """Return the shares of a core that an agent uses while nothing happens, and a sweep's seconds.

    The shares are of five seconds each, between two sweeps; the sweep is the one after them.
    """
    with watching() as agent:
        agent.settle()
        swept = time.monotonic()
        time.sleep(_QUIET_FROM)
        shares = []
        while time.monotonic() < swept + _QUIET_TO:
            before, since = agent.cpu(), time.monotonic()
            time.sleep(BUSY_SECONDS)
            shares.append((agent.cpu() - before) / (time.monotonic() - since))
        idle = statistics.median(shares)
        before, since = agent.cpu(), time.monotonic()
        time.sleep(2 * (SWEEP_SECONDS - _QUIET_TO))
        sweep = agent.cpu() - before - idle * (time.monotonic() - since)
        agent.ended()
        return shares, sweep


def installing(cache: Path) -> None:
    """Measure installations, beside an agent and inside of one."""
    wheels = loads.wheelhouse(cache)
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as work:
        folders = [Path(work) / str(number) for number in range(2 * RUNS)]
        commands = [loads.install(loads.environment(folder), wheels) for folder in folders]
        node = [beside(partial(loads.run_counted, command)) for command in commands[:RUNS]]
        inside = [around(command) for command in commands[RUNS:]]
    print_runs("pip install, the node watched", node)
    print_runs("watch -- pip install", inside)


def importing(cache: Path) -> None:
    """Measure imports of large packages, beside an agent and inside of one."""
    wheels = loads.wheelhouse(cache)
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as work:
        python = loads.environment(Path(work))
        loads.run_counted(loads.install(python, wheels))
        command = loads.imports(python)
        loads.run_counted(command)
        node = [beside(lambda: loads.run_counted(command)) for _ in range(RUNS)]
        inside = [around(command) for _ in range(RUNS)]
    print_runs("imports, the node watched", node)
    print_runs("watch -- imports", inside)


def storming(_: Path) -> None:
    """Measure a storm of processes that each open a model and end."""
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as work:
        for name, data in loads.models().items():
            (Path(work) / name).write_bytes(data)
        command = [sys.executable, "-c", loads.STORM, work]
        node = [beside(lambda: loads.run_counted(command)) for _ in range(RUNS)]
        inside = [around(command) for _ in range(RUNS)]
    for what, runs in (("storm, the node watched", node), ("watch -- storm", inside)):
        print_runs(what, runs)
        for run in runs:
            each = run.total / loads.OPENS * 1e6
            print(f"    {run.seen}; {each:.0f} us of agent per process, {run.peak / 1e6:.0f} MB")


def resting(_: Path) -> None:
    """Measure an agent while nothing happens."""
    shares, sweep = quiet()
    idle = f"{statistics.median(shares):8.3%} of a core"
    print(f"watch at rest, between sweeps: {idle} ({min(shares):.3%} to {max(shares):.3%})")
    print(f"its sweep when little has changed: {sweep:.3f} s, every {SWEEP_SECONDS:.0f} s")


def print_runs(what: str, runs: Sequence[Beside]) -> None:
    """Print the median of some runs, and how far they lie apart."""
    shares = [run.share for run in runs]
    middle = statistics.median(shares)
    spread = f"{min(shares):.2%} to {max(shares):.2%}"
    values = ((r.agent, r.total, r.work, r.node, r.seen.events) for r in runs)
    agent, total, work, node, events = map(statistics.median, zip(*values, strict=True))
    print(
        f"{what:32} {agent:8.3f} {total:8.3f} {work:8.2f} {node:8.2f} {events:8.0f}"
        f" {middle:8.2%}  {spread}"
    )


MEASURES: dict[str, Callable[[Path], None]] = {
    "install": installing,
    "import": importing,
    "storm": storming,
    "quiet": resting,
}


#: Those that bring their own work; the other one is worth most on a full node.
BESIDE_WORK = ("install", "import", "storm")


def measure(cache: Path, which: Sequence[str]) -> None:
    """Measure and print; each line of ratios is the median of three runs and their spread."""
    heads = ("agent s", "with ends", "work s", "node s", "events", "share")
    print(f"{'':32} " + " ".join(f"{head:>8}" for head in heads) + "  spread")
    for name in which:
        MEASURES[name](cache)


def main() -> int:
    """Measure this machine as it is, without pods."""
    parser = argparse.ArgumentParser(prog="python -m rig.benchwatch", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[*MEASURES, []], metavar="MEASURE")
    arguments = parser.parse_args()
    which = arguments.which or tuple(MEASURES)
    return command.run("bench", lambda: measure(cache_folder(), which))


if __name__ == "__main__":
    sys.exit(main())
