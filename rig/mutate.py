"""``aibom inspect`` on ten thousand broken files: ``make fuzz``, or ``python -m rig.mutate N``.

Each file is looked at by what inspect and a sweep use, in child processes whose CPU time the kernel
limits: a crash, a hang and a read beyond the cap each name the file that caused it, which is kept.
The same seed gives the same files.
"""

import argparse
import os
import random
import resource
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aibom.formats.models.examine import examine
from aibom.formats.source import FormatError, MemorySource
from aibom.formats.text import printable
from aibom.rulebook.check import content
from aibom.rulebook.load import load, read_documents, rules_folder
from aibom.types.rules import RuleSet
from rig.errors import RigError
from rig.mutations import mutated
from rig.picklecorpus import samples

SEED = 20_26
CPU_SECONDS = 20  # of one child for one file at most; the slowest real file takes two
BUDGET = 128 << 20  # bytes read of one file at most, as of a file on disk
_SMALL_BUDGET = 24 << 10
_BATCH = 500
_MEMORY = 3 << 30
_LARGEST = 2 << 20  # of a file to begin with


class Outcome(NamedTuple):
    """What became of one file: ``verdict`` is "model", "other" or what went wrong."""

    number: int
    verdict: str


class Counted(MemorySource):
    """A source that is asked for what there can be, and no more than its budget."""

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; a negative place or length is a parser's mistake."""
        if offset < 0 or length < 0:
            raise AssertionError(f"read({offset}, {length})")
        return super().read(offset, length)


def seeds(more: Sequence[Path] = ()) -> list[bytes]:
    """Return whole files to begin with: the samples of all format rules, and ``more``."""
    found = []
    for document in read_documents(rules_folder()).values():
        for kind in ("positive", "benign") if "format" in document else ():
            found += [content(sample["content"]) for sample in document["tests"][kind]]
    found += [path.read_bytes() for path in more if path.stat().st_size <= _LARGEST]
    return found


def look(data: bytes, rules: RuleSet, budget: int) -> str:
    """Look at one file as inspect does; return what it is, or raise what went wrong.

    ``budget`` is how many bytes may be read of it.
    """
    try:
        detected = examine(Counted(data, budget), rules)
    except FormatError as error:
        # the sweep and inspect know only OSError: a FormatError has to become ``damage``
        raise AssertionError(f"FormatError got out: {error}") from error
    if detected is None:
        return "other"
    header = detected.header
    shown = [*header.globals, *(text for pair in header.properties for text in pair)]
    shown += [concern.detail for concern in header.concerns]
    if any(text != printable(text, len(text)) for text in [*shown, detected.damage]):
        raise AssertionError("text that is not fit to be shown")
    return "model"


def batches(
    files: list[bytes], numbers: range, seed: int, keep: Path | None
) -> Iterator[list[Outcome]]:
    """Look at the files of ``numbers``, so many in each child process."""
    rules = load()
    start = numbers.start
    while start < numbers.stop:
        batch = range(start, min(start + _BATCH, numbers.stop))
        outcomes = _in_child(files, batch, seed, rules)
        if outcomes and outcomes[-1].verdict not in ("model", "other"):
            _keep(keep, outcomes[-1].number, _file(files, outcomes[-1].number, seed))
        yield outcomes
        start += len(outcomes)


def _in_child(files: list[bytes], batch: range, seed: int, rules: RuleSet) -> list[Outcome]:
    """Fork, look at files until one goes wrong, and return what became of each."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run(files, batch, seed, rules, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as answers:
        verdicts = [line.rstrip("\n") for line in answers]
    _, status = os.waitpid(child, 0)
    outcomes = [Outcome(number, v) for number, v in zip(batch, verdicts, strict=False)]
    if os.waitstatus_to_exitcode(status) != 0 and len(outcomes) < len(batch):
        ended = f"ended by {os.waitstatus_to_exitcode(status)}: CPU time, memory or a crash"
        outcomes.append(Outcome(batch[len(outcomes)], ended))
    return outcomes


def _run(files: list[bytes], batch: range, seed: int, rules: RuleSet, writing: int) -> None:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in batch:
            _allow_cpu()
            try:
                # now and then a budget that ends in the middle
                budget = _SMALL_BUDGET if number % 10 == 0 else BUDGET
                verdict = look(_file(files, number, seed), rules, budget)
            except Exception as error:  # noqa: BLE001 - anything that gets out is what we look for
                place = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(place.filename).name}:{place.lineno}"
                verdict = f"{type(error).__name__} {where} {error}".replace("\n", " ")[:300]
            os.write(writing, f"{verdict}\n".encode())
            if verdict not in ("model", "other"):
                break
        code = 0
    finally:
        os._exit(code)


def _allow_cpu() -> None:
    """Let this process use so many more seconds of CPU; the kernel kills it then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _file(files: list[bytes], number: int, seed: int) -> bytes:
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - wanted to be the same each time
    return mutated(files, chance)


def _keep(folder: Path | None, number: int, data: bytes) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.bin").write_bytes(data)


def _of_libraries() -> list[Path]:
    """Return small files that libraries wrote, where they can be had."""
    try:
        return [sample.path for sample in samples()]
    except RigError as error:
        print(f"without the files of libraries: {error}")
        return []


def main(arguments: Sequence[str]) -> int:
    """Run so many files and print a summary; 1 when one of them went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("files", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="real files to begin with")
    parser.add_argument("--keep", type=Path, default=Path(".cache/fuzz"))
    chosen = parser.parse_args(arguments)
    files = seeds([*chosen.more, *_of_libraries()])
    counts: Counter[str] = Counter()
    failed = []
    for outcomes in batches(files, range(chosen.files), chosen.seed, chosen.keep):
        for outcome in outcomes:
            fine = outcome.verdict in ("model", "other")
            counts[outcome.verdict if fine else "failed"] += 1
            if not fine:
                failed.append(outcome)
                print(f"  {outcome.number}: {outcome.verdict}", flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(
        f"{chosen.files} files made of {len(files)}, seed {chosen.seed}: {counts['model']} models, "
        f"{counts['other']} others, {counts['failed']} failures; {seconds:.0f} s of CPU"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
