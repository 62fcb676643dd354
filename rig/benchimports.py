"""What it costs to read the module table of a process with 4,000 modules, beside importing them."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aibom.observe.host.live import LiveHost
from aibom.observe.python.interpreters import Interpreters
from rig.errors import RigError

#: Packages and the modules in each: 4,000 with the packages, beside the interpreter's own.
_PACKAGES, _EACH = 40, 99
_ROUNDS = 9

# imports everything, then one module more per line on stdin
_TARGET = """
import importlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
for package in sorted(Path(sys.argv[1]).iterdir()):
    importlib.import_module(package.name)
    for module in package.glob("part_*.py"):
        importlib.import_module(f"{package.name}.{module.stem}")
print(len(sys.modules), flush=True)
for number, _ in enumerate(sys.stdin):
    sys.modules[f"late_{number}"] = sys
    print(len(sys.modules), flush=True)
"""


def reading() -> None:
    """Measure and print; each figure is the median of nine readings in this process."""
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as folder:
        for number in range(_PACKAGES):
            package = Path(folder) / f"package_{number}"
            package.mkdir()
            (package / "__init__.py").write_text(f'__version__ = "1.{number}"\n')
            for part in range(_EACH):
                (package / f"part_{part}.py").write_text("value = 1\n")
        argv = [sys.executable, "-c", _TARGET, folder]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as target:
            try:
                _measure(target)
            finally:
                target.kill()


def _measure(target: subprocess.Popen[bytes]) -> None:
    pid, told = target.pid, _told(target)
    first = _spent(lambda: Interpreters(LiveHost()).modules(pid))
    known = Interpreters(LiveHost())
    found = known.modules(pid)
    if found is None or len(found.modules) != told:
        raise RigError(f"{told} modules were imported, and {found and len(found.modules)} read")
    unchanged = [_spent(lambda: known.modules(pid)) for _ in range(_ROUNDS)]
    again = []
    for _ in range(_ROUNDS):
        assert target.stdin is not None  # noqa: S101 - it was started with pipes
        target.stdin.write(b"\n")
        target.stdin.flush()
        _told(target)
        again.append(_spent(lambda: known.modules(pid)))
    print(
        f"module table of {told} modules: {first * 1e3:.1f} ms of CPU at first,"
        f" {statistics.median(again) * 1e3:.1f} ms with one more,"
        f" {statistics.median(unchanged) * 1e3:.3f} ms unchanged"
    )


def _told(target: subprocess.Popen[bytes]) -> int:
    assert target.stdout is not None  # noqa: S101 - it was started with pipes
    return int(target.stdout.readline())


def _spent(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


if __name__ == "__main__":
    reading()
