"""``python -m rig.deploy.wheel``: aibom's wheel in dist/, the same bytes for the same sources."""

import os
import sys
from pathlib import Path

from rig.cache import REPOSITORY, cache_folder, filling
from rig.command import run
from rig.deploy import lock, uv

#: Seconds since the epoch of files in the wheel when nothing else is said: 2020-02-02, hatchling's.
_EPOCH = "1580601600"


def build(target: Path, cache: Path, source: Path = REPOSITORY) -> Path:
    """Build the wheel of ``source`` into the folder ``target`` with the locked tools.

    Raises RigError where they cannot be had.
    """
    for old in target.glob("aibom-*.whl"):
        old.unlink()
    options = ["--quiet", "--no-create-gitignore", "--out-dir", str(target)]
    options += ["--build-constraints", str(lock.BUILD), "--require-hashes"]
    epoch = {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)}
    uv.run(["build", "--wheel", *options, str(source)], cache, epoch)
    (wheel,) = target.glob("aibom-*.whl")
    return wheel


def main() -> int:
    """Build it and say where it is."""
    return run("rig", _build)


def _build() -> None:
    cache = cache_folder()
    with filling(cache):
        print(build(REPOSITORY / "dist", cache).relative_to(REPOSITORY))


if __name__ == "__main__":
    sys.exit(main())
