"""The Helm chart: linted, and rendered into the objects that a cluster would get."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from rig.cache import REPOSITORY
from rig.errors import RigError

CHART = REPOSITORY / "deploy" / "helm" / "aibom"
#: The oldest release that Chart.yaml names, the one before AppArmor's field, and the newest ones.
KUBERNETES = ("1.25", "1.29", "1.30", "1.34", "1.37")
_NOT_KUBERNETES_OWN = ("monitoring.coreos.com/v1",)


def values_files() -> list[Path]:
    """Return the files with values that the chart is checked with."""
    return sorted((CHART / "ci").glob("*-values.yaml"))


def lint(helm: Path, values: Path) -> None:
    """Run ``helm lint --strict`` with a file of values. Raises RigError with what it says."""
    _helm(helm, ["lint", str(CHART), "--strict", "--values", str(values)])


def rendered(
    helm: Path,
    values: Sequence[Path],
    *,
    kubernetes: str = KUBERNETES[-1],
    release: str = "aibom",
    sets: Mapping[str, str] | None = None,
) -> str:
    """Return what ``helm template`` prints. Raises RigError with what it says when it fails."""
    command = ["template", release, str(CHART), "--namespace", "aibom"]
    command += ["--kube-version", kubernetes]
    command += [word for file in values for word in ("--values", str(file))]
    command += [
        word for name, value in (sets or {}).items() for word in ("--set", f"{name}={value}")
    ]
    return _helm(helm, command)


def documents(text: str) -> list[dict[str, Any]]:
    """Return the objects of a YAML stream, in order."""
    return [document for document in yaml.safe_load_all(text) if document]


def validate(objects: Iterable[Mapping[str, Any]], kubernetes: str) -> None:
    """Hold objects against the schemas of a Kubernetes release, unknown fields included.

    Kinds of the Prometheus operator have none there and are passed over. Raises RigError.
    """
    for found in objects:
        if found["apiVersion"] in _NOT_KUBERNETES_OWN:
            continue
        try:
            kubernetes_validate.validate(dict(found), kubernetes, strict=True)
        except kubernetes_validate.ValidationError as error:
            name = f"{found['kind']}/{found['metadata']['name']}"
            place = ".".join(map(str, error.path))
            raise RigError(f"{name} in Kubernetes {kubernetes}: {place}: {error.message}") from None


def _helm(helm: Path, arguments: Sequence[str]) -> str:
    done = subprocess.run(
        [str(helm), *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    if done.returncode:
        raise RigError(f"helm {arguments[0]}: {(done.stderr + done.stdout).strip()}")
    return done.stdout
