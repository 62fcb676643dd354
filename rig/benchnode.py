"""``make benchagent``: what ``aibom agent`` costs on a full node, and how soon it tells.

As root the node has 110 pods (see bench.py), else 110 processes. CPU time and ratios are what
counts; only from a load to its finding the clock counts, and how busy the machine was is said.
Other work on the machine is work for the agent as well: what it costs at rest is therefore given
for the whole time and for its quietest quarter.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from rig import benchfindings, benchloads, benchscale
from rig.bench import full_node
from rig.benchagent import node_cpu
from rig.cache import cache_folder
from rig.command import run
from rig.lines import through
from rig.nodeagent import NodeAgent, Used, load, running

#: Seconds for which an agent is measured while nothing new happens, and between two samples.
REST_SECONDS, SAMPLE_SECONDS = 180.0, 10.0
#: Seconds before that in which it comes to rest after its start.
SETTLE_SECONDS = 30.0
#: Seconds after the end of a workload in which the agent's last looks at it are counted too.
_TAIL = 5.0
RUNS = 3
_MEGABYTE = 1e6


def starting(_: Path) -> None:
    """Measure from the first instruction to the first whole inventory, with no state and with."""
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as folder:
        for what in ("with no state", "once more, with state"):
            began = time.monotonic()
            with running(folder=Path(folder)) as agent:
                agent.ready()
                wall, used = time.monotonic() - began, agent.used()
                written = agent.metric("aibom_boms_written_total")
                time.sleep(_TAIL)
                late = agent.metric("aibom_boms_written_total") - written
            print(
                f"start {what}: {used.cpu:.2f} s of CPU, {wall:.2f} s elapsed"
                f" (load {load():.1f}); {written:.0f} BOMs, {late:.0f} more within {_TAIL:.0f} s;"
                f" {used.rss / _MEGABYTE:.0f} MB"
            )


def resting(_: Path) -> None:
    """Measure an agent on a node where nothing new happens but for what others do there."""
    with running() as agent:
        agent.ready()
        time.sleep(SETTLE_SECONDS)
        samples = [agent.used()]
        while samples[-1].at - samples[0].at < REST_SECONDS:
            time.sleep(SAMPLE_SECONDS)
            samples.append(agent.used())
        scraped = agent.cpu()
        for _number in range(20):
            agent.metric("aibom_ready")
        scrape = (agent.cpu() - scraped) / 20
    _tell_rest(samples)
    print(f"  a scrape of its metrics: {scrape * 1000:.1f} ms of CPU")


def _tell_rest(samples: Sequence[Used]) -> None:
    first, last = samples[0], samples[-1]
    seconds = last.at - first.at
    shares = [
        ((b.others - a.others) / (b.at - a.at), (b.cpu - a.cpu) / (b.at - a.at))
        for a, b in pairwise(samples)
    ]
    quiet = sorted(shares)[: max(1, len(shares) // 4)]
    line = through(shares)
    print(f"rest: {seconds:.0f} s, others used {(last.others - first.others) / seconds:.1%}")
    print(f"  of a core: {(last.cpu - first.cpu) / seconds:.2%}, all of it")
    print(
        f"  in the quietest quarter: {statistics.mean(own for _, own in quiet):.2%}"
        f" (others {statistics.mean(other for other, _ in quiet):.1%})"
    )
    print(f"  with nobody else, by regression: {line.start:.2%}, and {line.slope:.2%} of others")
    print(
        f"  {(last.wakeups - first.wakeups) / seconds:.1f} wakeups and"
        f" {(last.events - first.events) / seconds:.0f} events a second;"
        f" {last.rss / _MEGABYTE:.0f} MB resident, {last.pss / _MEGABYTE:.0f} MB of its own,"
        f" {last.descriptors} descriptors, {last.threads} threads"
    )


def working(cache: Path) -> None:
    """Measure an agent beside installations and imports."""
    wheels = benchloads.wheelhouse(cache)
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as work, running() as agent:
        agent.ready()
        time.sleep(SETTLE_SECONDS)
        pythons = [benchloads.environment(Path(work) / str(number)) for number in range(RUNS)]
        installs = [benchloads.install(python, wheels) for python in pythons]
        imports = [benchloads.imports(python) for python in pythons]
        for what, commands in (("pip install", installs), ("imports", imports)):
            runs = [_beside(agent, partial(benchloads.run_counted, argv)) for argv in commands]
            shares = [own / others for own, others in runs]
            own, others = (statistics.median(values) for values in zip(*runs, strict=True))
            print(
                f"beside {what}: {statistics.median(shares):.2%} of everybody else's CPU"
                f" ({min(shares):.2%} to {max(shares):.2%}); {own:.3f} s of {others:.2f} s"
            )


def _beside(agent: NodeAgent, work: Callable[[], float]) -> tuple[float, float]:
    """Return the CPU seconds of the agent beside some work, and of everybody else."""
    before, node = agent.cpu(), node_cpu()
    work()
    time.sleep(_TAIL)
    own = agent.cpu() - before
    return own, node_cpu() - node - own


def hashing(_: Path) -> None:
    """Measure what hashing a large model costs."""
    subprocess.run([sys.executable, "-m", "rig.benchhashing"], check=True)


MEASURES: dict[str, Callable[[Path], None]] = {
    "start": starting,
    "rest": resting,
    "work": working,
    "findings": benchfindings.telling,
    "scale": benchscale.scaling,
    "hashing": hashing,
}
#: Those for which the node has to be full.
ON_FULL_NODE = ("start", "rest", "findings")


def measure(cache: Path, which: Sequence[str]) -> None:
    """Measure and print, on this machine as it is."""
    for name in which:
        MEASURES[name](cache)
        sys.stdout.flush()


def main() -> int:
    """Measure on a node that is full first, and what needs none after it is gone."""
    parser = argparse.ArgumentParser(prog="python -m rig.benchnode", description=__doc__)
    parser.add_argument("--here", action="store_true", help="the machine as it is, no pods")
    parser.add_argument("which", nargs="*", choices=[*MEASURES, []], metavar="MEASURE")
    arguments = parser.parse_args()
    which = arguments.which or tuple(MEASURES)
    return run("benchnode", lambda: _measure_all(which, here=arguments.here))


def _measure_all(which: Sequence[str], *, here: bool) -> None:
    cache = cache_folder()
    on_node = [name for name in which if name in ON_FULL_NODE]
    if on_node:
        with contextlib.nullcontext("as it is") if here else full_node(cache) as node:
            print(f"node: {node}")
            measure(cache, on_node)
    measure(cache, [name for name in which if name not in ON_FULL_NODE])


if __name__ == "__main__":
    sys.exit(main())
