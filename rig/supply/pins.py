"""deploy/requirements.lock: every distribution that aibom's image has, with version and hashes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rig.cache import REPOSITORY
from rig.errors import RigError

LOCK = REPOSITORY / "deploy" / "requirements.lock"
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Pin(NamedTuple):
    """One distribution: normalised name, version, and the SHA-256 of each of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]


def pins(path: Path = LOCK) -> tuple[Pin, ...]:
    """Return what a lock names for Linux, sorted. Raises RigError saying what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RigError(f"{path}: {error.strerror}") from None
    return tuple(sorted(_pins(text, path.name)))


def _pins(text: str, name: str) -> Iterator[Pin]:
    for entry in text.replace("\\\n", " ").splitlines():
        line = entry.partition("#")[0].strip()
        if not line:
            continue
        hashes = tuple(sorted(_HASH.findall(line)))
        try:
            requirement = Requirement(line.partition(" --")[0])
        except InvalidRequirement:
            raise RigError(f"{name}: {line[:100]}: is no requirement") from None
        versions = [each.version for each in requirement.specifier if each.operator == "=="]
        if len(versions) != 1 or not hashes:
            raise RigError(f"{name}: {requirement}: has not one version with its SHA-256")
        if _is_for_linux(requirement):
            yield Pin(canonicalize_name(requirement.name), versions[0], hashes)


def _is_for_linux(requirement: Requirement) -> bool:
    """Say whether it is installed by some Python here that is as new as aibom wants it."""
    if requirement.marker is None:
        return True
    machines, minors = ("x86_64", "aarch64"), range(11, 16)
    return any(
        requirement.marker.evaluate(
            {
                "sys_platform": "linux",
                "platform_system": "Linux",
                "os_name": "posix",
                "platform_machine": machine,
                "python_version": f"3.{minor}",
                "python_full_version": f"3.{minor}.0",
            }
        )
        for machine in machines
        for minor in minors
    )
