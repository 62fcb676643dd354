"""Measures pickle scanners on the files of rig.picklecorpus: ``python -m rig.pickles``.

Each scanner runs in a process of its own, in which opening sockets and starting programs is
forbidden by an audit hook: a scanner that runs what it scans shows itself.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rig import pip
from rig.cache import REPOSITORY, cache_folder
from rig.errors import RigError
from rig.picklecorpus import Sample, samples

_DRIVER = Path(__file__).with_name("pickledriver.py")
_SECONDS = 120  # of CPU for one scanner's whole run over one file, by resource limit
SCANNERS = {
    "picklescan": ("picklescan==1.0.5",),
    "fickling": ("fickling==0.1.12", "typing-extensions"),  # imports it without asking for it
    "modelscan": ("modelscan==0.8.8",),
    "modelaudit-picklescan": ("modelaudit-picklescan==0.1.12",),
    "aisbom": ("aisbom-cli==1.7.0",),
    "aibom": (),
}


class Row(NamedTuple):
    """What one scanner did: evil files found and benign ones flagged, by corpus, and its cost."""

    scanner: str
    found: dict[str, tuple[int, int]]
    flagged: dict[str, tuple[int, int]]
    failed: int
    milliseconds: float
    import_milliseconds: float
    import_mebibytes: float
    forbidden: tuple[str, ...]
    opened: int


def measure(scanner: str, files: list[Sample]) -> Row:
    """Run one scanner over all files. Raises RigError when it cannot be run at all."""
    answer = _answers(scanner, files)
    verdicts: dict[str, str] = answer["verdicts"]
    return Row(
        scanner,
        _tally(files, verdicts, evil=True),
        _tally(files, verdicts, evil=False),
        sum(verdict.startswith("error") for verdict in verdicts.values()),
        answer["milliseconds"] / len(files),
        answer["import_milliseconds"],
        answer["import_mebibytes"],
        tuple(answer["forbidden"]),
        answer["opened"],
    )


def _answers(scanner: str, files: list[Sample]) -> dict[str, Any]:
    needed = SCANNERS[scanner]
    path = [str(pip.installed(needed, pip.HERE, cache_folder()))] if needed else sys.path
    done = subprocess.run(
        [sys.executable, str(_DRIVER), scanner, str(_SECONDS)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*path, str(REPOSITORY)])},
        input=json.dumps([str(sample.path) for sample in files]),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RigError(f"{scanner} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _tally(
    files: list[Sample], verdicts: dict[str, str], *, evil: bool
) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for sample in files:
        if sample.evil == evil:
            hits, total = counts.get(sample.corpus, (0, 0))
            counts[sample.corpus] = (hits + (verdicts[str(sample.path)] == "evil"), total + 1)
    return counts


def main(arguments: Sequence[str]) -> int:
    """Print the table of docs/pickles.md; with --each also which files each one misjudges."""
    chosen = [a for a in arguments if not a.startswith("-")] or list(SCANNERS)
    files = samples()
    rows = [measure(scanner, files) for scanner in chosen]
    evil, benign = sorted(rows[0].found), sorted(rows[0].flagged)
    head = ["scanner", *evil, *benign, "failed", "ms/file", "import ms", "MiB", "sources read"]
    print(_line(head), _line(["---"] * len(head)), sep="\n")
    for row in rows:
        counts = [row.found[c] for c in evil] + [row.flagged[c] for c in benign]
        costs = (row.milliseconds, row.import_milliseconds, row.import_mebibytes)
        shown = [f"{hits}/{total}" for hits, total in counts] + [str(row.failed)]
        shown += [f"{costs[0]:.1f}", f"{costs[1]:.0f}", f"{costs[2]:.0f}", str(row.opened)]
        print(_line([row.scanner, *shown]))
        if row.forbidden:
            print(f"{row.scanner} tried {', '.join(row.forbidden)}")
        if "--each" in arguments:
            _print_wrong(row.scanner, files)
    return 0


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _print_wrong(scanner: str, files: list[Sample]) -> None:
    verdicts = _answers(scanner, files)["verdicts"]
    for sample in files:
        if (verdicts[str(sample.path)] == "evil") != sample.evil:
            print(f"  wrong: {sample.path.name} {verdicts[str(sample.path)]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
