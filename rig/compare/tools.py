"""Environments of the comparison's own: of Python by uv, of Node.js by npm."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rig import pip
from rig.cache import key, unfinished
from rig.compare.runs import must
from rig.npm import environment, node_and_npm


def python_environment(name: str, requirements: Sequence[str], cache: Path) -> Path:
    """Return a virtual environment with ``requirements``, made anew when the list changes."""
    folder = cache / "environments" / f"{name}-{key(sys.executable, *requirements)}"
    if not folder.exists():
        uv = str(pip.installed(["uv"], pip.HERE, cache) / "bin" / "uv")
        # where it stays: the programs in it begin with the path of its interpreter
        making = folder.with_name(f"{folder.name}.log")
        shutil.rmtree(building := folder.with_name(f"{folder.name}.new"), ignore_errors=True)
        building.parent.mkdir(parents=True, exist_ok=True)
        env = os.environ | {"UV_CACHE_DIR": str(cache / "uv")}
        must([uv, "venv", "--relocatable", "-p", sys.executable, str(building)], cache, env, making)
        python = str(building / "bin" / "python")
        must([uv, "pip", "install", "-p", python, *requirements], cache, env, making)
        building.rename(folder)
    return folder


def node_packages(packages: Sequence[str], cache: Path) -> tuple[Path, Path]:
    """Return the folder of the commands of npm ``packages``, and the Node.js that runs them."""
    node, npm = node_and_npm(cache)
    folder = cache / "npm" / key(*packages)
    if not folder.exists():
        with unfinished(folder) as target:
            env = environment(node, cache)
            options = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
            command = [*npm, "install", "--prefix", str(target), *options, *packages]
            must(command, cache, env, cache / "npm.log")
    return folder / "node_modules" / ".bin", node
