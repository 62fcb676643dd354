"""deploy/requirements.lock: every distribution of the image, with its version and hashes.

``python -m rig.deploy.lock`` makes it anew with uv; ``check`` holds it against pyproject.toml.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rig import pip
from rig.cache import REPOSITORY, cache_folder, filling
from rig.errors import RigError

LOCK = REPOSITORY / "deploy" / "requirements.lock"
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_UV = "uv==0.13.8"


def locked(text: str) -> dict[str, Requirement]:
    """Return normalised name -> requirement of a lock. Raises RigError for anything else in it."""
    found: dict[str, Requirement] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        line, *hashes = entry.split(" --hash=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("-") or "://" in line or not hashes:
            raise RigError(f"requirements.lock: {line.strip()!r} is no requirement with hashes")
        if not all(_HASH.fullmatch(f"--hash={each.split('#')[0].strip()}") for each in hashes):
            raise RigError(f"requirements.lock: {line.strip()!r} has a hash that is not SHA-256")
        requirement = Requirement(line.strip())
        found[canonicalize_name(requirement.name)] = requirement
    return found


def check(text: str, dependencies: list[str]) -> None:
    """Raise RigError when a lock does not satisfy the dependencies of a project."""
    pinned = locked(text)
    for wanted in map(Requirement, dependencies):
        pin = pinned.get(canonicalize_name(wanted.name))
        versions = [each.version for each in pin.specifier if each.operator == "=="] if pin else []
        if len(versions) != 1 or not wanted.specifier.contains(versions[0], prereleases=True):
            raise RigError(f"requirements.lock does not satisfy {wanted}: make lock")


def project_dependencies() -> list[str]:
    """Return the dependencies that pyproject.toml names."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    dependencies: list[str] = project["dependencies"]
    return dependencies


def _compile(cache: Path) -> None:
    """Resolve for every platform and every Python that is supported."""
    uv = pip.installed([_UV], pip.HERE, cache) / "bin" / "uv"
    command = [str(uv), "pip", "compile", "pyproject.toml", "--output-file", str(LOCK)]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]
    done = subprocess.run(
        [*command, *sys.argv[1:]],
        cwd=REPOSITORY,
        env=os.environ | {"UV_CACHE_DIR": str(cache / "uv")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RigError(f"uv: {done.stderr.strip()}")
    check(LOCK.read_text(), project_dependencies())


def main() -> int:
    """Make the lock; options, such as ``--upgrade``, are uv's."""
    try:
        with filling(cache_folder()):
            _compile(cache_folder())
    except RigError as error:
        print(f"rig: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
