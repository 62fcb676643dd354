"""What is found of the packages that programs import, beside maps and dist-info, as Markdown.

Each program runs in an environment of its own and says itself what it has loaded. Heavy: some GB
in the rig's cache, and minutes. uv's own variables (UV_FIND_LINKS, UV_TORCH_BACKEND=cpu) hold.
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

from aibom.observe.files.digests import Digests
from aibom.observe.host.live import LiveHost
from aibom.observe.inspector import Inspector
from aibom.observe.python.imports import Imports
from aibom.observe.python.pythonpath import Environments
from aibom.observe.sweep import Scope, Sweeper
from aibom.rulebook.load import load
from rig import pip, recallprograms
from rig.cache import cache_folder, filling, key, scratch, unfinished
from rig.errors import RigError
from rig.recallprograms import PROGRAMS
from rig.signals import ending_as_interrupt

_LOG = logging.getLogger(__name__)
_PATIENCE_S = 300
_UNCHANGED_RUNS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one program: ``truth`` is its own word, times are CPU ms.

    ``cold`` is the first reading of its modules, ``unchanged`` a later one, ``owners`` the search
    for the distributions in an environment that is looked at for the first time.
    """

    name: str
    truth: dict[str, frozenset[str]]
    modules: frozenset[str]
    found: frozenset[str]
    cold: float
    unchanged: float
    owners: float

    @property
    def loaded(self) -> frozenset[str]:
        """The distributions of which something is imported or mapped."""
        return self.truth["imported"] | self.truth["mapped"]

    def cells(self) -> dict[str, str]:
        """Return the row of the table, by the titles of its columns."""
        return {
            "program": self.name,
            "modules": str(len(self.truth["modules"])),
            "missing + extra": _wrong(self.modules, self.truth["modules"]),
            "packages loaded": str(len(self.loaded)),
            "aibom: missing + extra": _wrong(self.found, self.loaded),
            "maps show": str(len(self.truth["mapped"])),
            "dist-info lists": str(len(self.truth["installed"])),
            "first read, ms": f"{self.cold:.0f}",
            "unchanged, ms": f"{self.unchanged:.2f}",
            "owners, ms": f"{self.owners:.0f}",
        }

    def mistakes(self) -> Iterator[str]:
        """Yield by name what is missing or extra."""
        for what, found, true in (
            ("packages", self.found, self.loaded),
            ("modules", self.modules, self.truth["modules"]),
        ):
            for kind, names in (("missing", true - found), ("extra", found - true)):
                if names:
                    yield f"{self.name}: {what} {kind}: {', '.join(sorted(names))}"


def _wrong(found: frozenset[str], true: frozenset[str]) -> str:
    return f"{len(true - found)} + {len(found - true)}"


def environment(name: str, python: str, cache: Path) -> Path:
    """Return the interpreter of an environment with what a program needs, made when missing."""
    needs = PROGRAMS[name].needs.split()
    folder = cache / "recall" / key(python, *needs)
    if not folder.exists():
        _LOG.info("making an environment for %s", name)
        uv = str(pip.installed(["uv"], pip.HERE, cache) / "bin" / "uv")
        with unfinished(folder) as target:
            _run(cache, uv, "venv", "--allow-existing", "--python", python, str(target))
            _run(cache, uv, "pip", "install", "--python", str(target / "bin" / "python"), *needs)
    return folder / "bin" / "python"


def _run(cache: Path, *command: str) -> None:
    variables = os.environ | {"UV_CACHE_DIR": str(cache / "uv")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RigError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def running(name: str, python: Path, work: Path) -> Iterator[tuple[int, dict[str, frozenset[str]]]]:
    """Run a program for the block; give its process id and what it says that it has loaded."""
    told, log = work / f"{name}.json", work / f"{name}.log"
    command = [str(python), recallprograms.__file__, name, str(told)]
    variables = os.environ | {"HOME": str(work), "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=work, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        until = time.monotonic() + _PATIENCE_S
        while not told.exists():
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text(errors="replace").strip().splitlines()
                raise RigError(f"{name} did not come up: {said[-1] if said else 'said nothing'}")
            time.sleep(0.05)
        answer = json.loads(told.read_text())
        yield process.pid, {what: frozenset(names) for what, names in answer.items()}
    finally:
        process.kill()
        process.wait()


def measure(name: str, python: Path, work: Path) -> Row:
    """Run a program and look at it. Raises RigError when it does not come up or is no CPython."""
    with running(name, python, work) as (pid, truth):
        host = LiveHost()
        table, cold = _cpu_ms(lambda: host.modules(pid))
        if table is None:
            raise RigError(f"{name}: no CPython was found in its process")
        _, unchanged = _cpu_ms(lambda: [host.modules(pid) for _ in range(_UNCHANGED_RUNS)])
        _, owners = _cpu_ms(lambda: Imports(Environments(host)).of(pid, table, []))
        facts = Sweeper(Inspector(LiveHost(), load(), Digests())).sweep(Scope(frozenset({pid})))
    packages = frozenset(one.package.name for found in facts.processes for one in found.packages)
    modules = frozenset(module.name for module in table.modules)
    return Row(name, truth, modules, packages, cold, unchanged / _UNCHANGED_RUNS, owners)


def _cpu_ms(run: Callable[[], Any]) -> tuple[Any, float]:
    before = time.process_time()
    result = run()
    return result, (time.process_time() - before) * 1000


def report(rows: Sequence[Row]) -> None:
    """Print the table, and what is missing or extra."""
    for titles in [row.cells() for row in rows[:1]]:
        print(f"| {' | '.join(titles)} |")
        print(f"| --- |{' ---: |' * (len(titles) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row.cells().values())} |")
    for mistake in (line for row in rows for line in row.mistakes()):
        print(f"\n{mistake}")


def main() -> int:
    """Measure the programs that are named, or all, and print."""
    parser = argparse.ArgumentParser(prog="python -m rig.recall", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environments")
    parser.add_argument("program", nargs="*", metavar="PROGRAM", help=", ".join(PROGRAMS))
    options = parser.parse_args()
    if unknown := set(options.program) - PROGRAMS.keys():
        parser.error(f"no program is called {', '.join(sorted(unknown))}")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    cache, rows, failed = cache_folder(), [], False
    with ending_as_interrupt():
        try:
            with filling(cache), scratch(cache) as work:
                for name in options.program or PROGRAMS:
                    try:
                        rows.append(measure(name, environment(name, options.python, cache), work))
                    except RigError as error:
                        failed = True
                        print(f"recall: {error}", file=sys.stderr)
        except KeyboardInterrupt:
            return 130
    report(rows)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
