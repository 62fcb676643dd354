"""Real pods: every origin, both containers, names from bundles and from CRI, hostile files."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rig import images
from rig.cache import cache_folder, key
from rig.node import Node
from rig.pods import Container, Pod, Volume
from tests.live.conftest import HOLDER, aibom, components, scan
from tests.live.test_live_files import gguf

pytestmark = pytest.mark.live

IN_IMAGE, IN_VOLUME = gguf("in image"), gguf("in volume")
#: What the first container does: it writes models of its own and holds all there are.
SETUP = """
import os, shutil, sys
model = open("/models/in-image.gguf", "rb").read()
def variant(path, name):
    with open(path, "wb") as file:
        file.write(model.replace(b"in image", name.encode().ljust(8)[:8]))
variant("/tmp/late.gguf", "late")
variant("/tmp/renamed.txt", "renamed")
variant("/tmp/gone.gguf", "gone")
variant("/tmp/memory", "memory")
variant("/models/copy-up.gguf", "copied")
os.symlink("/../../../../../../etc/hostname", "/tmp/config.json")
variant("/tmp/\\x1b[31mred\\n.gguf", "red")
"""
STEPS: list[dict[str, Any]] = [
    {"path": "/models/in-image.gguf", "map": True, "close": True},
    {"path": "/models/copy-up.gguf", "map": True, "close": True},
    {"path": "/data/shared.gguf", "map": True, "close": True},
    {"path": "/tmp/late.gguf"},
    {"path": "/tmp/renamed.txt", "map": True, "close": True},
    {"path": "/tmp/gone.gguf", "map": True, "close": True, "delete": True},
    {"path": "/tmp/memory", "memfd": "weights", "delete": True},
    {"path": "/tmp/\x1b[31mred\n.gguf"},
    {"path": "/tmp/pipe.gguf", "fifo": True},
]
ORIGINS = {
    "in image": "image-layer",
    "copied": "writable-layer",
    "in volume": "volume",
    "late": "writable-layer",
    "renamed": "writable-layer",
    "gone": "deleted",
    "memory": "memory",
    "red": "writable-layer",
}


@dataclass(frozen=True)
class Running:
    """The pod under test and where its runtime answers."""

    pod: Pod
    node: Node


@pytest.fixture(scope="module")
def running(rig_node: Node) -> Iterator[Running]:
    layer = {"/models/in-image.gguf": IN_IMAGE, "/models/copy-up.gguf": gguf("original")}
    version = key(*layer.values())
    name = "local.test/holder:1"
    image = images.python_with(cache_folder(), name, version, lambda: [layer], ("python3",))
    rig_node.load(image)
    holder = ["python3", "-c", SETUP + HOLDER, json.dumps(STEPS)]
    only_volume = ["python3", "-c", HOLDER, json.dumps([STEPS[2]])]
    pod = rig_node.run_pod(
        "holder",
        [
            Container("main", name, holder, volumes={"shared": "/data"}),
            Container("side", name, only_volume, volumes={"shared": "/data"}),
        ],
        namespace="models",
        volumes=[Volume("shared", files={"shared.gguf": IN_VOLUME})],
    )
    for container in pod.containers:
        await_ready(container.output)
    yield Running(pod, rig_node)
    rig_node.stop_pod(pod)


def await_ready(output: Any) -> None:
    for _ in range(600):
        if "ready" in output():
            return
        time.sleep(0.05)
    raise AssertionError(output())


@pytest.fixture(scope="module")
def workload(running: Running) -> dict[str, Any]:
    assert running.pod.name == "holder"
    (found,) = scan("--pod", "models/holder")
    return found


def test_the_pod_is_named_without_asking_the_runtime(
    running: Running, workload: dict[str, Any]
) -> None:
    found = workload["inventory"]["workload"]
    assert (found["kind"], found["namespace"], found["name"]) == ("pod", "models", "holder")
    assert found["uid"] == running.pod.uid
    image = components(workload, "image")["local.test/holder"]
    assert image["containers"] == ["main", "side"]


def test_every_model_with_its_origin(workload: dict[str, Any]) -> None:
    models = components(workload, "model")
    assert {name.strip(): m["origin"]["kind"] for name, m in models.items()} == ORIGINS
    assert models["in image"]["sha256"] == hashlib.sha256(IN_IMAGE).hexdigest()
    assert models["in volume"]["containers"] == ["main", "side"]
    assert models["in volume"]["origin"]["detail"] == "empty-dir shared"
    assert models["in image"]["containers"] == ["main"]


def test_findings_without_an_sbom(workload: dict[str, Any]) -> None:
    found = {
        f["component"].strip(): (f["kind"]["name"], f["severity"]) for f in workload["findings"]
    }
    assert "in image" not in found
    assert found.pop("in volume") == ("undeclared-model", "medium")
    # the image has another file at this path
    assert found.pop("copied") == ("modified-in-container", "high")
    assert set(found) == set(ORIGINS) - {"in image", "in volume", "copied"}
    assert set(found.values()) == {("undeclared-model", "high")}


@pytest.mark.usefixtures("running")
def test_findings_against_an_sbom(tmp_path: Path) -> None:
    declared = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {
                "type": "machine-learning-model",
                "name": "whatever",
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(IN_VOLUME).hexdigest()}],
            },
            {"type": "file", "name": "/models/copy-up.gguf"},
        ],
    }
    sbom = tmp_path / "sbom.json"
    sbom.write_text(json.dumps(declared))
    (found,) = scan("--pod", "models/holder", "--declared", sbom)
    kinds = {f["component"].strip(): (f["kind"]["name"], f["severity"]) for f in found["findings"]}
    assert "in volume" not in kinds
    assert kinds["in image"] == ("not-in-sbom", "medium")
    # the path is declared, but another content stands there in the writable layer
    assert kinds["copied"] == ("modified-in-container", "high")


def test_hostile_files_cost_a_record_each_and_nothing_else(workload: dict[str, Any]) -> None:
    unseen = {u["subject"]: u["reason"] for u in workload["inventory"]["unseen"]}
    assert unseen == {"/tmp/pipe.gguf": "not-regular"}
    text = json.dumps(workload, ensure_ascii=False)
    assert "\x1b" not in text
    host = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else ""
    assert not host or host not in text


def test_names_and_labels_from_cri(running: Running) -> None:
    socket = running.node.places.socket
    (found,) = scan("--pod", "models/holder", "--cri-socket", socket)
    labels = dict(found["inventory"]["workload"]["labels"])
    assert labels["app"] == "holder"
    assert labels["io.kubernetes.pod.uid"] == running.pod.uid
    assert components(found, "image")["local.test/holder"]["version"] == "1"


@pytest.mark.usefixtures("running")
def test_a_runtime_that_is_gone_costs_a_record(tmp_path: Path) -> None:
    (found,) = scan("--pod", "models/holder", "--cri-socket", tmp_path / "none.sock")
    assert found["inventory"]["workload"]["name"] == "holder"
    assert "runtime" in {u["reason"] for u in found["inventory"]["unseen"]}


def test_one_container(running: Running) -> None:
    (found,) = scan("--container", running.pod.container("side").id[:12])
    assert set(components(found, "model")) == {"in volume"}


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_the_bom_is_strictly_valid_and_the_same_each_time(tmp_path: Path, version: str) -> None:
    options = ["--reproducible", "--no-cache", "--spec-version", version]
    written = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        aibom("scan", "--pod", "models/holder", *options, "-o", f"{folder}/")
        written.append((folder / "models_holder.cdx.json").read_text())
    assert written[0] == written[1]
    schema = {"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}[version]
    assert JsonStrictValidator(schema).validate_str(written[0]) is None
    sbom = tmp_path / "sbom.json"
    sbom.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}')
    observed = tmp_path / "1" / "models_holder.cdx.json"
    assert "not-in-sbom" in aibom("diff", sbom, observed, code=1)


@pytest.mark.usefixtures("running")
def test_a_recording_says_the_same_as_the_node(workload: dict[str, Any], tmp_path: Path) -> None:
    aibom("record", tmp_path / "node", "--pod", "models/holder")
    (again,) = scan("--pod", "models/holder", "--path.procfs", tmp_path / "node" / "proc")
    assert again == workload


def test_two_pods_do_not_fit_into_one_file(running: Running, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aibom", "scan", "--all", "-o", str(tmp_path / "one.cdx.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert running.pod.name == "holder"
    assert done.returncode == 2
    assert "name a folder" in done.stderr
    assert not list(tmp_path.iterdir())
