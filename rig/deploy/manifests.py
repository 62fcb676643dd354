"""The plain manifests, for those without Helm: what the chart renders, without Helm's marks."""

import re
from pathlib import Path

from rig.cache import REPOSITORY
from rig.deploy.chart import CHART, rendered

FOLDER = REPOSITORY / "deploy" / "kubernetes"
_VALUES = {
    "agent.yaml": "default-values.yaml",
    "job-scan-node.yaml": "scan-node-values.yaml",
    "job-scan-pod.yaml": "scan-pod-values.yaml",
}
_HEAD = "# Made from deploy/helm/aibom by `make manifests`; change it there.\n"
_HELMS = re.compile(
    r"^(# Source: .*| *helm\.sh/chart: .*| *app\.kubernetes\.io/managed-by: .*)\n", re.MULTILINE
)


def plain(helm: Path) -> dict[Path, str]:
    """Return file -> content of every manifest that is made from the chart."""
    return {
        FOLDER / name: _HEAD
        + _HELMS.sub("", rendered(helm, [CHART / "ci" / values])).rstrip()
        + "\n"
        for name, values in _VALUES.items()
    }
