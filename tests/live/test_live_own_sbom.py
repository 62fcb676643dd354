"""aibom's own SBOM held against a running aibom, by aibom: nothing runs that it does not name."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rig.cache import cache_folder, filling
from rig.deploy.wheel import build
from rig.errors import RigError
from rig.supply.pins import LOCK, pins
from rig.supply.sbom import sbom

pytestmark = pytest.mark.live
_SECONDS = 90  # in which a program that has started must have imported what it needs


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """aibom's wheel, and an environment with it and what the lock names, as the image has."""
    folder = tmp_path_factory.mktemp("own")
    try:
        with filling(cache_folder()):
            wheel = build(folder, cache_folder())
    except RigError as error:
        pytest.skip(f"needs the tools that build a wheel, from PyPI: {error}")
    subprocess.run([sys.executable, "-m", "venv", folder / "v"], check=True)
    pip = [folder / "v/bin/python", "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", LOCK]
    done = subprocess.run([*pip, *locked], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs packages from PyPI: {done.stderr.strip().splitlines()[-1:]}")
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    return wheel, folder / "v/bin/aibom"


def test_what_runs_is_what_was_promised(installed: tuple[Path, Path], tmp_path: Path) -> None:
    wheel, aibom = installed
    declared, observed = tmp_path / "own.cdx.json", tmp_path / "seen.cdx.json"
    declared.write_text(sbom(wheel, pins(LOCK), datetime.fromtimestamp(0, UTC)))
    watch = subprocess.Popen(
        [aibom, "watch", "--output", tmp_path / "unused/", "--", "sleep", "600"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        start_new_session=True,
    )
    try:
        seen = _seen(aibom, watch.pid, observed)
    finally:
        os.killpg(watch.pid, 9)
        watch.wait()
    assert {"aibom", "cyclonedx-python-lib", "pyelftools"} <= seen
    diff = [aibom, "diff", "--fail-on", "low", declared, observed, "--format", "json"]
    done = subprocess.run(diff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    # of what is promised some is needed for some commands only; nothing else is there to say
    assert {found["kind"]["id"] for found in json.loads(done.stdout)["findings"]} <= {"AIBOM-601"}


def _seen(aibom: Path, pid: int, target: Path) -> set[str]:
    """Scan the process until it has imported the last of what it needs; return the names."""
    scan = [aibom, "scan", "--pid", str(pid), "--all", "--format", "cyclonedx", "-o", target]
    end, names = time.monotonic() + _SECONDS, set[str]()
    while time.monotonic() < end and not {"aibom", "pyelftools"} <= names:
        subprocess.run(scan, capture_output=True, check=False)
        if target.exists():
            names = {part["name"] for part in json.loads(target.read_text())["components"]}
    return names
