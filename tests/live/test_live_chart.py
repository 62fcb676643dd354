"""What the chart renders, run for real: its rights, mounts and arguments in a pod of containerd."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rig.cache import cache_folder, filling
from rig.deploy import chart, image, wheel
from rig.errors import RigError
from rig.node import Node
from rig.pods import Container, HostNamespace, Mount, Running, Security, Volume
from tests.live.test_live_files import gguf

pytestmark = pytest.mark.live

VALUES = chart.CHART / "ci"
SLEEP = ("python3", "-c", "import time; time.sleep(600)")


@pytest.fixture(scope="module")
def aibom_image(rig_node: Node, tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        with filling(cache_folder()):
            built = wheel.build(tmp_path_factory.mktemp("wheel"), cache_folder())
            return rig_node.load(image.image(cache_folder(), built))
    except RigError as error:
        pytest.skip(f"needs aibom's image: {error}")


def rendered(helm: Path, values: str, kind: str, sets: Mapping[str, str]) -> dict[str, Any]:
    """Return the pod's spec of the only object of a kind."""
    text = chart.rendered(helm, [VALUES / values], sets=sets)
    (found,) = (each for each in chart.documents(text) if each["kind"] == kind)
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def started(
    node: Node,
    name: str,
    spec: Mapping[str, Any],
    image: str,
    host: Path,
    *argv: str,
    files: Mapping[str, Mapping[str, bytes]] | None = None,
) -> Running:
    """Run what a kubelet would make of a pod's spec; ``host`` stands for the node's folders."""
    (wanted,) = spec["containers"]
    context = wanted["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"]
    volumes, mounts, inside = [], [], {}
    for mount in wanted["volumeMounts"]:
        (volume,) = (each for each in spec["volumes"] if each["name"] == mount["name"])
        if "hostPath" in volume:
            folder = host / volume["hostPath"]["path"].lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            mounts.append(Mount(folder, mount["mountPath"], mount.get("readOnly", False)))
        else:
            volumes.append(Volume(mount["name"], files=(files or {}).get(mount["name"], {})))
            inside[mount["name"]] = mount["mountPath"]
    security = Security(
        tuple(context["capabilities"]["add"]),
        user=context["runAsUser"],
        readonly_root=context["readOnlyRootFilesystem"],
    )
    container = Container(
        wanted["name"],
        image,
        argv or ("aibom", *wanted["args"]),
        mounts=mounts,
        volumes=inside,
        security=security,
    )
    shared: list[HostNamespace] = ["pid"] if spec["hostPID"] else []
    shared += ["network"] if spec.get("hostNetwork") else []
    pod = node.run_pod(name, [container], namespace="aibom", volumes=volumes, host=shared)
    return pod.containers[0]


def ended(running: Running) -> str:
    """Wait for the end of a container and return its log."""
    deadline = time.monotonic() + 120
    while Path(f"/proc/{running.pid}").exists():
        assert time.monotonic() < deadline, running.output()
        time.sleep(0.05)
    return running.output()


@pytest.fixture(scope="module")
def chat(rig_node: Node, rig_python: str) -> str:
    """Run a pod that holds a model which came after its image; return its name."""
    holds = 'import time; kept = open("/work/late.gguf", "rb"); time.sleep(600)'
    container = Container("main", rig_python, ["python3", "-c", holds], volumes={"work": "/work"})
    model = Volume("work", files={"late.gguf": gguf("came late")})
    rig_node.run_pod("chat", [container], namespace="chart", volumes=[model])
    return "chart/chat"


def test_the_job_for_a_pod_logs_its_bom_and_nothing_else(
    rig_node: Node, helm: Path, aibom_image: str, chat: str, tmp_path: Path
) -> None:
    spec = rendered(helm, "scan-pod-values.yaml", "Job", {"scan.pod": chat})
    running = started(rig_node, "scan-pod", spec, aibom_image, tmp_path)
    bom = json.loads(ended(running))
    assert bom["metadata"]["component"]["name"] == "chat"
    assert "came late" in {component["name"].lower() for component in bom["components"]}


def test_the_job_for_a_node_writes_a_bom_per_workload(
    rig_node: Node, helm: Path, aibom_image: str, chat: str, tmp_path: Path
) -> None:
    quick = {"scan.extraArgs": "{--hash-limit=1K}"}  # the machine may have large models
    spec = rendered(helm, "scan-node-values.yaml", "Job", quick)
    running = started(rig_node, "scan-node", spec, aibom_image, tmp_path)
    ended(running)
    folder = tmp_path / "var/lib/aibom/scan"
    assert (folder / f"{chat.replace('/', '_')}.cdx.json").is_file()


def test_the_agent_of_the_chart_gets_ready_and_writes_a_bom(
    rig_node: Node, helm: Path, aibom_image: str, chat: str, tmp_path: Path
) -> None:
    sets = {"listen.port": "19464"}
    spec = rendered(helm, "default-values.yaml", "DaemonSet", sets)
    settings = {"config": {"agent.yaml": b"hashing: {limit: 1K}\nselect: {services: false}\n"}}
    running = started(rig_node, "agent-runs", spec, aibom_image, tmp_path, files=settings)
    (agent,) = spec["containers"]
    probe = agent["readinessProbe"]["httpGet"]["path"]
    ask = f"import urllib.request as r; r.urlopen('http://127.0.0.1:19464{probe}', timeout=5)"
    deadline = time.monotonic() + 120
    while rig_node.exec(running, ["python3", "-c", ask], 60).code:
        assert time.monotonic() < deadline, running.output()
        time.sleep(0.5)
    boms = (tmp_path / "var/lib/aibom/output").rglob(f"*{chat.replace('/', '_')}*.cdx.json")
    bom = next(boms, None)
    assert bom is not None, running.output()
    names = {each["name"].lower() for each in json.loads(bom.read_text())["components"]}
    assert "came late" in names


LOOKS = {"processes", "deleted files", "imported modules"}
HAPPENS = {"file events", "process events", "other networks"}


@pytest.mark.parametrize(
    ("sets", "complete"),
    [
        ({"level": "sweep"}, LOOKS),
        (
            {"config.sensors.names": "true", "config.sensors.requests": "true"},
            LOOKS | HAPPENS | {"host names", "TLS requests"},
        ),
    ],
)
def test_doctor_finds_complete_what_the_values_promise_and_no_more(
    rig_node: Node,
    helm: Path,
    aibom_image: str,
    tmp_path: Path,
    sets: dict[str, str],
    complete: set[str],
) -> None:
    spec = rendered(helm, "default-values.yaml", "DaemonSet", sets)
    running = started(rig_node, "agent", spec, aibom_image, tmp_path, *SLEEP)
    said = rig_node.exec(running, ["aibom", "doctor"], 60).stdout.decode()
    levels = said[said.index("\nLEVEL") :].splitlines()[2:]
    names = {*LOOKS, *HAPPENS, "host names", "TLS requests", "own images"}
    found = {name for name in names for line in levels if line.startswith(f"{name} ")}
    assert found == names, said
    nothing = {name for name in names for line in levels if _lacks_nothing(name, line)}
    assert nothing == complete, said


def _lacks_nothing(level: str, line: str) -> bool:
    return line.startswith(f"{level} ") and line.rstrip().endswith("  nothing")
