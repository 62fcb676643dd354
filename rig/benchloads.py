"""What is run beside an agent: installations, imports, and a storm of short-lived processes."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rig import pip
from rig.cache import filling, key, unfinished
from rig.errors import RigError

#: Some 9,000 files in ten wheels.
PACKAGES = ("numpy==2.3.3", "pandas==2.3.3", "sympy==1.14.0", "django==5.2.7")
#: Packages with many modules, imported together some 1,600 of them.
_IMPORTS = "import numpy, pandas, sympy, django.db.models, django.contrib.admin.sites"
IMPORTS = 5
MODELS, OPENS = 200, 10_000

#: Opens models by processes of their own that end at once, eight at a time.
STORM = f"""
import os, sys
folder, cat, count = sys.argv[1], "/bin/cat", {OPENS}
quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
running = 0
for number in range(count):
    model = f"{{folder}}/model-{{number % {MODELS}}}.safetensors"
    os.posix_spawn(cat, [cat, model], {{}}, file_actions=quiet)
    running += 1
    if running == 8:
        os.wait()
        running -= 1
while running:
    os.wait()
    running -= 1
"""


def run_counted(argv: Sequence[str]) -> float:
    """Run a program to its end and return the CPU seconds of it and its descendants."""
    with Path(os.devnull).open("r+b") as null:
        process = subprocess.Popen(argv, stdin=null, stdout=null, stderr=subprocess.PIPE)
    assert process.stderr is not None  # noqa: S101 - it was started with a pipe
    with process.stderr:
        said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RigError(f"{argv[0]} failed: {said.decode(errors='replace')[-300:]}")
    return usage.ru_utime + usage.ru_stime


def wheelhouse(cache: Path) -> Path:
    """Return a folder with the wheels of ``PACKAGES`` and of what they need."""
    folder = cache / "wheels" / f"python{pip.HERE}-{key(*PACKAGES)}"
    if not folder.exists():
        with filling(cache), unfinished(folder) as target:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
            run_counted([*command, "--dest", str(target), *PACKAGES])
    return folder


def environment(folder: Path) -> str:
    """Make a fresh environment with pip in it and return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    return str(folder / "bin" / "python")


def install(python: str, wheels: Path) -> list[str]:
    """Return the command that installs ``PACKAGES`` into an environment, from files alone."""
    options = ["--quiet", "--no-index", "--disable-pip-version-check", "--find-links", str(wheels)]
    return [python, "-m", "pip", "install", *options, *PACKAGES]


def imports(python: str) -> list[str]:
    """Return the command that imports large packages, a few times in processes of their own."""
    several = f"""
import subprocess, sys
for _ in range({IMPORTS}):
    subprocess.run([sys.executable, "-c", {_IMPORTS!r}], check=True)
"""
    return [python, "-c", several]


def models(count: int = MODELS) -> dict[str, bytes]:
    """Return small models by file name, no two of them alike."""
    found = {}
    for number in range(count):
        tensor = {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}
        header = json.dumps({f"weight.{number}": tensor}).encode()
        data = len(header).to_bytes(8, "little") + header + number.to_bytes(8, "little")
        found[f"model-{number}.safetensors"] = data
    return found
