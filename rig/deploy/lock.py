"""What the image is made of: each distribution with its version and hashes.

``python -m rig.deploy.lock`` makes the locks anew; ``check`` holds one against what it is for.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rig.cache import REPOSITORY, cache_folder, filling, scratch
from rig.command import run
from rig.deploy import uv
from rig.errors import RigError

RUN = REPOSITORY / "deploy" / "requirements.lock"
"""What aibom runs with."""
BUILD = REPOSITORY / "deploy" / "build.lock"
"""What its wheel is built with."""
_HEAD = "# Made by `make lock` from pyproject.toml.\n"
_HASH = re.compile(r"--hash=(?P<hash>\S+)")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


def locked(text: str) -> dict[str, Requirement]:
    """Return normalised name -> requirement of a lock. Raises RigError for anything else in it."""
    found: dict[str, Requirement] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        line, hashes = _HASH.sub("", entry).strip(), _HASH.findall(entry)
        if not line or line.startswith("#"):
            continue
        if not hashes or not all(map(_SHA256.fullmatch, hashes)):
            raise RigError(f"lock: {line}: has no SHA-256")
        try:
            requirement = Requirement(line.split(" #")[0])
        except InvalidRequirement:
            raise RigError(f"lock: {line}: is no requirement") from None
        if requirement.url or [each.operator for each in requirement.specifier] != ["=="]:
            raise RigError(f"lock: {line}: does not name one version")
        found[canonicalize_name(requirement.name)] = requirement
    return found


def check(text: str, wanted: Sequence[str]) -> None:
    """Raise RigError when a lock does not satisfy the requirements that it was made for."""
    pinned = locked(text)
    for requirement in map(Requirement, wanted):
        pin = pinned.get(canonicalize_name(requirement.name))
        versions = [each.version for each in pin.specifier] if pin else []
        if not any(
            requirement.specifier.contains(version, prereleases=True) for version in versions
        ):
            raise RigError(f"lock: {requirement} is not satisfied: make lock")


def purposes() -> dict[Path, list[str]]:
    """Return lock -> the requirements in pyproject.toml that it is for."""
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return {RUN: document["project"]["dependencies"], BUILD: document["build-system"]["requires"]}


def check_all() -> None:
    """Raise RigError when a lock is not what pyproject.toml asks for."""
    for lock, wanted in purposes().items():
        check(lock.read_text(), wanted)


def _compile(lock: Path, wanted: Sequence[str], options: Sequence[str], cache: Path) -> None:
    """Resolve for every platform and every Python that is supported."""
    command = ["pip", "compile", "--output-file", str(lock), "--quiet", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-annotate"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-header"]
    with scratch(cache) as work:
        source = work / "requirements.in"
        source.write_text("".join(f"{line}\n" for line in wanted))
        uv.run([*command, *options, str(source)], cache)
    lock.write_text(_HEAD + lock.read_text())
    check(lock.read_text(), wanted)


def main() -> int:
    """Make the locks; options, such as ``--upgrade``, are uv's."""
    return run("rig", _compile_all)


def _compile_all() -> None:
    cache = cache_folder()
    with filling(cache):
        for lock, wanted in purposes().items():
            _compile(lock, wanted, sys.argv[1:], cache)


if __name__ == "__main__":
    sys.exit(main())
