"""Which files under deploy/ are made from others, and whether they are current."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from rig.cache import REPOSITORY
from rig.deploy import manifests, values, valuestable
from rig.deploy.chart import CHART
from rig.errors import RigError

_DEPLOY = REPOSITORY / "deploy"
_COPIES = {
    CHART / "files" / "aibom.json": _DEPLOY / "grafana" / "aibom.json",
    CHART / "files" / "aibom-rules.yaml": _DEPLOY / "prometheus" / "aibom-rules.yaml",
}
"""File of the chart -> file that it is a copy of: a chart can only read what is in its folder."""


def write(helm: Path) -> list[Path]:
    """Make what is made, and return the files that changed."""
    # the manifests are made from the chart, so what goes into the chart comes first
    return _put(_of_chart()) + _put(manifests.plain(helm))


def check_current(helm: Path) -> None:
    """Raise RigError when a file is not what its sources make of it."""
    old = [
        str(path.relative_to(REPOSITORY))
        for path, text in (_of_chart() | manifests.plain(helm)).items()
        if not path.exists() or path.read_text() != text
    ]
    if old:
        raise RigError(f"not what their sources make of them: {', '.join(old)}: make manifests")


def check_versions() -> None:
    """Raise RigError when the chart's version is not that of the program."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    source = (REPOSITORY / "aibom" / "__init__.py").read_text()
    if f'__version__ = "{chart["appVersion"]}"\n' not in source:
        raise RigError(f"Chart.yaml: appVersion {chart['appVersion']} is not aibom's __version__")


def check_kustomization(kubectl: Path) -> None:
    """Raise RigError when the plain manifests do not go together, or lack the image's name."""
    done = subprocess.run(
        [str(kubectl), "kustomize", str(manifests.FOLDER)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RigError(f"kubectl kustomize: {done.stderr.strip()}")
    objects = [found for found in yaml.safe_load_all(done.stdout) if found]
    (daemon,) = (found for found in objects if found["kind"] == "DaemonSet")
    image = daemon["spec"]["template"]["spec"]["containers"][0]["image"]
    (named,) = yaml.safe_load((manifests.FOLDER / "kustomization.yaml").read_text())["images"]
    if image != f"{named['newName']}:{named['newTag']}":
        raise RigError(f"kustomization.yaml does not name the image of the DaemonSet, {image}")
    _check_namespaces(objects)


def _check_namespaces(objects: list[dict[str, Any]]) -> None:
    (namespace,) = (found["metadata"]["name"] for found in objects if found["kind"] == "Namespace")
    for found in objects:
        if found["metadata"].get("namespace", namespace) != namespace:
            raise RigError(f"{found['kind']} is not in the namespace {namespace}")


def _of_chart() -> dict[Path, str]:
    copies = {path: source.read_text() for path, source in _COPIES.items() if source.exists()}
    return copies | {values.FILE: values.current(), valuestable.PAGE: valuestable.current()}


def _put(files: dict[Path, str]) -> list[Path]:
    changed = []
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed
