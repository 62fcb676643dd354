"""``make soak``: an agent on a full node for an hour, while pods come and go all the time.

What it holds is measured all along: memory, descriptors, threads and the size of its state. Of the
second half the slope is told with its standard error: what is flat has one that is nothing beside
its error. Everything else that runs on the machine is part of the churn.
"""

import argparse
import contextlib
import csv
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rig.bench import full_node
from rig.cache import cache_folder
from rig.churn import Churn, churning
from rig.command import run
from rig.lines import through
from rig.nodeagent import NodeAgent, Used, load, running

SAMPLE_SECONDS = 10.0
#: Pods a minute: as if every job of a busy node ran each few seconds.
PODS = 12.0
_MEGABYTE = 1e6
_SERIES: dict[str, tuple[Callable[[Used], float], str]] = {
    "resident memory": (lambda u: u.rss / _MEGABYTE, "MB"),
    "own memory (PSS)": (lambda u: u.pss / _MEGABYTE, "MB"),
    "descriptors": (lambda u: float(u.descriptors), ""),
    "threads": (lambda u: float(u.threads), ""),
    "state on disk": (lambda u: u.state / _MEGABYTE, "MB"),
}


def soak(minutes: float, rate: float, cache: Path, table: Path | None) -> None:
    """Churn for so many minutes, and print what became of the agent meanwhile.

    ``rate`` is pods a minute, 0 as many as the machine can.
    """
    with tempfile.TemporaryDirectory(prefix="aibom-soak-") as scratch:
        folder = Path(scratch)
        with running(folder=folder) as agent:
            agent.ready()
            with churning(cache, rate) as churn:
                samples = _sampled(agent, churn, minutes * 60)
            _tell(samples, churn, agent)
        lines = (folder / "log").read_text(errors="replace").splitlines()
    for line in [line for line in lines if " error " in line or "Traceback" in line][:5]:
        print(f"  its log: {line[:200]}")
    if table is not None:
        with table.open("w", newline="") as file:
            writer = csv.DictWriter(file, asdict(samples[0]).keys())
            writer.writeheader()
            writer.writerows(asdict(sample) for sample in samples)


def _sampled(agent: NodeAgent, churn: Churn, seconds: float) -> list[Used]:
    samples = [agent.used()]
    said = samples[0].at
    while samples[-1].at - samples[0].at < seconds:
        time.sleep(SAMPLE_SECONDS)
        samples.append(now := agent.used())
        if now.at - said >= 60:
            said = now.at
            pods = sum(churn.pods.values())
            print(
                f"{(now.at - samples[0].at) / 60:5.1f} min: {now.rss / _MEGABYTE:.1f} MB,"
                f" {now.descriptors} descriptors, {now.threads} threads, {pods} pods",
                flush=True,
            )
    return samples


def _tell(samples: Sequence[Used], churn: Churn, agent: NodeAgent) -> None:
    first, last = samples[0], samples[-1]
    seconds = last.at - first.at
    pods, failed = sum(churn.pods.values()) - churn.pods["failed"], churn.pods["failed"]
    print(
        f"soak: {seconds / 60:.0f} minutes, {pods} pods ({pods / seconds:.2f} a second;"
        f" {failed} more failed), {churn.processes} short programs, load {load():.1f}"
    )
    own, others = last.cpu - first.cpu, last.others - first.others
    print(
        f"  CPU: {own / seconds:.1%} of a core beside {others / seconds:.0%}:"
        f" {own / others:.2%} of everybody else's"
    )
    counts = ("events", "events_lost", "model_uses", "findings_written", "boms_written")
    totals = {count: agent.metric(f"aibom_{count}_total") for count in counts}
    told = ", ".join(f"{total:.0f} {count.replace('_', ' ')}" for count, total in totals.items())
    print(f"  {told}; failures: {agent.metric('aibom_failures_total'):.0f}")
    print(f"  {'':18} {'first':>8} {'half':>8} {'last':>8} {'most':>8}  slope of the second half")
    half = [sample for sample in samples if sample.at - first.at >= seconds / 2]
    for name, (value, unit) in _SERIES.items():
        line = through([((sample.at - first.at) / 3600, value(sample)) for sample in half])
        row = (value(first), value(half[0]), value(last), max(map(value, samples)))
        numbers = " ".join(f"{number:8.1f}" for number in row)
        print(f"  {name:18} {numbers}  {line.slope:+.1f} ± {line.error:.1f} {unit}/hour")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rig.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument(
        "--pods", type=float, default=PODS, help=f"a minute (default: {PODS:g}); 0 is all it can"
    )
    parser.add_argument("--here", action="store_true", help="on the machine as it is")
    parser.add_argument("--table", type=Path, help="write all samples to this file, as CSV")
    arguments = parser.parse_args()
    return run("soak", lambda: _soak(arguments))


def _soak(arguments: argparse.Namespace) -> None:
    cache = cache_folder()
    with contextlib.nullcontext("as it is") if arguments.here else full_node(cache) as node:
        print(f"node: {node}")
        soak(arguments.minutes, arguments.pods, cache, arguments.table)


if __name__ == "__main__":
    sys.exit(main())
