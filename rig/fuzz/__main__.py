"""``python -m rig.fuzz``: each target for so many seconds or inputs, whichever ends first.

Inputs are those of the project's tests (gathered once, into .cache/fuzz/seeds) with mutations; the
same seed gives the same ones. With ``--guided`` the fuzzer atheris looks for its own, by what each
input reaches in the code (``pip install '.[fuzz]'``).
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rig.fuzz import child, guided
from rig.fuzz.harvest import gather, seeds
from rig.fuzz.target import Target
from rig.fuzz.targets import TARGETS
from rig.mutations import mutated

_BATCH = 200
_FAILURES = 5  # of one target, then the next one is looked at


def main(arguments: Sequence[str]) -> int:
    """Run, print a line for each target, and return 1 when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("targets", nargs="*", help="names; without one all of them")
    parser.add_argument("--inputs", type=int, default=2_000, help="for each target")
    parser.add_argument("--seconds", type=float, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--keep", type=Path, default=Path(".cache/fuzz"))
    parser.add_argument("--guided", action="store_true", help="with atheris, where it is installed")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.targets) - {target.name for target in TARGETS}
    if unknown:
        parser.error(f"no target is named {', '.join(sorted(unknown))}")
    corpus = chosen.keep / "seeds"
    if not corpus.is_dir():
        print("gathering what the tests give to the parsers", flush=True)
        gather(corpus)
    if chosen.guided and not guided.is_there():
        print("atheris is not installed (pip install '.[fuzz]'): with mutations only")
        chosen.guided = False
    failed = 0
    for target in TARGETS:
        if target.name in chosen.targets or not chosen.targets:
            if chosen.guided:
                failed += guided.run(target, corpus, chosen.keep, chosen.seconds)
            else:
                failed += _mutations(target, chosen)
    print(f"{failed} inputs went wrong; they are in {chosen.keep}" if failed else "nothing wrong")
    return 1 if failed else 0


def _mutations(target: Target, chosen: argparse.Namespace) -> int:
    files = seeds(target, chosen.keep / "seeds")

    def made(number: int) -> bytes:
        if number < len(files):
            return files[number]
        chance = random.Random(f"{chosen.seed}/{target.name}/{number}")  # noqa: S311 - repeatable
        return mutated(files, chance)

    end = time.monotonic() + chosen.seconds
    failures, done = 0, 0
    for batch in child.batches(chosen.inputs, _BATCH):
        rest = batch
        while rest and failures < _FAILURES and time.monotonic() < end:
            failure = child.run(target, rest, made)
            done += len(rest) if failure is None else failure.number - rest.start + 1
            if failure is None:
                break
            failures += 1
            print(f"  {target.name} {failure.number}: {failure.how}", flush=True)
            place = chosen.keep / "wrong" / f"{target.name}-{failure.number}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(made(failure.number))
            rest = range(failure.number + 1, rest.stop)
    print(f"{target.name}: {done} inputs made of {len(files)}, {failures} wrong", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
