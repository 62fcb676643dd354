"""What is found of the packages that programs import, beside maps and dist-info: Markdown.

Each program gets an environment of its own in the rig's cache, is run, and says itself what it
has loaded. Heavy (5 GB, some minutes). What uv needs, such as where torch's wheels for CPUs are
(UV_FIND_LINKS, UV_TORCH_BACKEND), is taken from the environment.
"""

import argparse
import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aibom.observe.digests import Digests
from aibom.observe.imports import Imports
from aibom.observe.inspector import Inspector
from aibom.observe.live import LiveHost
from aibom.observe.pythonpath import Environments
from aibom.observe.sweep import Scope, Sweeper
from aibom.rulebook.load import load
from rig import pip, recalltarget
from rig.cache import cache_folder, filling, key, scratch, unfinished
from rig.errors import RigError
from rig.recallprograms import PROGRAMS, Program
from rig.signals import ending_as_interrupt

_LOG = logging.getLogger(__name__)
_PATIENCE_S = 300
_UNCHANGED_RUNS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one program; ``truth`` is its own word. Times are CPU ms."""

    program: Program
    truth: dict[str, list[str]]
    modules: frozenset[str]
    found: frozenset[str]
    cold: float
    unchanged: float
    owners: float

    @property
    def loaded(self) -> frozenset[str]:
        """The distributions of which something is imported or mapped."""
        return frozenset(self.truth["imported"]) | frozenset(self.truth["mapped"])

    def cells(self) -> list[str]:
        """Return the row of the table."""
        names = frozenset(self.truth["modules"])
        return [
            self.program.name,
            f"{len(names)}",
            _difference(self.modules, names),
            f"{len(self.loaded)}",
            _difference(self.found, self.loaded),
            f"{len(self.loaded.intersection(self.truth['mapped']))}",
            f"{len(self.truth['installed'])}",
            f"{self.cold:.0f}",
            f"{self.owners:.0f}",
            f"{self.unchanged:.2f}",
        ]


HEAD = (
    ("program", "---"),
    ("modules", "---:"),
    ("names missing / extra", "---:"),
    ("packages loaded", "---:"),
    ("aibom: missing / extra", "---:"),
    ("maps show", "---:"),
    ("dist-info claims", "---:"),
    ("read, ms", "---:"),
    ("owners, ms", "---:"),
    ("unchanged, ms", "---:"),
)


def environment(program: Program, python: str, cache: Path) -> Path:
    """Return the interpreter of an environment with what a program needs; made when missing."""
    folder = cache / "recall" / f"{program.name}-{key(python, *program.needs)}"
    if not folder.exists():
        _LOG.info("making an environment for %s", program.name)
        uv = str(pip.installed(["uv"], pip.HERE, cache) / "bin" / "uv")
        with unfinished(folder) as target:
            _run([uv, "venv", "--quiet", "--allow-existing", "--python", python, str(target)], cache)
            inside = ["--python", str(target / "bin" / "python")]
            _run([uv, "pip", "install", "--quiet", *inside, *program.needs], cache)
    return folder / "bin" / "python"


def _run(command: Sequence[str], cache: Path) -> None:
    variables = os.environ | {"UV_CACHE_DIR": str(cache / "uv")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RigError(f"{' '.join(command[1:3])} failed: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def running(program: Program, python: Path, work: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run a program for the block; give its process id and what it says that it has loaded."""
    told = work / f"{program.name}.json"
    log = work / f"{program.name}.log"
    home = {"HOME": str(work), "HF_HUB_OFFLINE": "1"}
    command = [str(python), recalltarget.__file__, str(told), program.code]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=os.environ | home
        )
    try:
        until = time.monotonic() + _PATIENCE_S
        while not told.exists():
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text(errors="replace").strip().splitlines()
                raise RigError(f"{program.name} did not come up: {said[-1] if said else ''}")
            time.sleep(0.05)
        yield process.pid, json.loads(told.read_text())
    finally:
        process.kill()
        process.wait()


def measure(program: Program, python: Path, work: Path) -> Row:
    """Run a program and look at it. Raises RigError when it does not come up or cannot be read."""
    with running(program, python, work) as (pid, truth):
        host = LiveHost()
        table, cold = _cpu_ms(lambda: host.modules(pid))
        if table is None:
            raise RigError(f"{program.name}: no CPython was found in its process")
        _, unchanged = _cpu_ms(lambda: [host.modules(pid) for _ in range(_UNCHANGED_RUNS)])
        site = recall_site(python)
        _, owners = _cpu_ms(lambda: Imports(Environments(host)).of(pid, table, [site]))
        facts = Sweeper(Inspector(LiveHost(), load(), Digests())).sweep(Scope(frozenset({pid})))
        packages = [one.package for found in facts.processes for one in found.packages]
        return Row(
            program,
            truth,
            frozenset(module.name for module in table.modules),
            frozenset(package.name for package in packages),
            cold,
            unchanged / _UNCHANGED_RUNS,
            owners,
        )


def recall_site(python: Path) -> str:
    """Return the site-packages of an environment's interpreter."""
    return str(next(python.parent.parent.glob("lib/python3*/site-packages")))


def _cpu_ms(run: Callable[[], Any]) -> tuple[Any, float]:
    before = time.process_time()
    result = run()
    return result, (time.process_time() - before) * 1000


def _difference(found: frozenset[str], true: frozenset[str]) -> str:
    return f"{len(true - found)} / {len(found - true)}"


def report(rows: Sequence[Row]) -> None:
    """Print the table, and by name what is missing or extra."""
    print(f"| {' | '.join(title for title, _ in HEAD)} |")
    print(f"| {' | '.join(line for _, line in HEAD)} |")
    for row in rows:
        print(f"| {' | '.join(row.cells())} |")
    for row in rows:
        for what, names in (
            ("missing", row.loaded - row.found),
            ("extra", row.found - row.loaded),
            ("modules missing", frozenset(row.truth["modules"]) - row.modules),
            ("modules extra", row.modules - frozenset(row.truth["modules"])),
        ):
            if names:
                print(f"\n{row.program.name}: {what}: {', '.join(sorted(names))}")


def main() -> int:
    """Measure the programs that are named, or all, and print."""
    parser = argparse.ArgumentParser(prog="python -m rig.recall", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environments")
    parser.add_argument("program", nargs="*", choices=[[], *(p.name for p in PROGRAMS)])
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    cache = cache_folder()
    rows = []
    failed = False
    with ending_as_interrupt(), contextlib.suppress(KeyboardInterrupt):
        with filling(cache), scratch(cache) as work:
            for program in PROGRAMS:
                if options.program and program.name not in options.program:
                    continue
                try:
                    python = environment(program, options.python, cache)
                    rows.append(measure(program, python, work))
                except RigError as error:
                    failed = True
                    print(f"recall: {error}", file=sys.stderr)
    report(rows)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
