"""uv, which resolves, builds and installs for another platform than this one, by hashes."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rig import pip
from rig.cache import REPOSITORY
from rig.errors import RigError

_UV = "uv==0.13.8"


def run(arguments: Sequence[str], cache: Path, environment: dict[str, str] | None = None) -> None:
    """Run uv in this repository, with ``environment`` added to ours.

    Raises RigError with what it says when it fails.
    """
    uv = pip.installed([_UV], pip.HERE, cache) / "bin" / "uv"
    done = subprocess.run(
        [str(uv), *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"UV_CACHE_DIR": str(cache / "uv")} | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RigError(f"uv {arguments[0]}: {done.stderr.strip()[-500:]}")
