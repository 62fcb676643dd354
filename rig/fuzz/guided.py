"""Inputs that atheris looks for: Python's libFuzzer, which follows what an input reaches."""

import importlib.util
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from rig.fuzz.child import CPU_SECONDS
from rig.fuzz.target import Target

_LARGEST = 64 << 10  # bytes of one input: small ones reach as far, and much faster
_MEMORY = 1024  # MiB of the whole process, with the instrumented product


def is_there() -> bool:
    """Say whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def run(target: Target, corpus: Path, keep: Path, seconds: float) -> int:
    """Fuzz one target in a process of its own; return how many inputs went wrong: 0 or 1."""
    found = keep / "found" / target.name
    wrong = keep / "wrong"
    for folder in (found, wrong, corpus / target.name):
        folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "rig.fuzz.guided", target.name),
        f"-max_total_time={max(int(seconds), 1)}",
        f"-timeout={int(CPU_SECONDS * 10)}",  # of the clock, on a machine that does other things
        f"-rss_limit_mb={_MEMORY}",
        f"-max_len={_LARGEST}",
        f"-artifact_prefix={wrong}/{target.name}-",
        *("-seed=2026", "-print_final_stats=1", str(found), str(corpus / target.name)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = done.stderr.splitlines()
    runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
    print(f"{target.name}: {runs} inputs, {'wrong' if done.returncode else 'fine'}", flush=True)
    if done.returncode:
        said = [line for line in (*done.stdout.splitlines(), *lines) if "rror" in line]
        print("\n".join(f"  {line[:200]}" for line in said[:5]))
    return 1 if done.returncode else 0


def _fuzz(name: str, options: list[str]) -> None:
    import atheris  # noqa: PLC0415 - optional, and it has to come before the product

    with atheris.instrument_imports(include=["aibom"]):
        from rig.fuzz.targets import TARGETS  # noqa: PLC0415
    target = next(target for target in TARGETS if target.name == name)

    def one(data: bytes) -> None:
        with suppress(*target.allowed):
            target.run(data)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    _fuzz(sys.argv[1], sys.argv[2:])
