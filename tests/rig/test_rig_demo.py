"""The demonstration: what it declares, what it runs, and that the agent really does it."""

import json
import sys
from pathlib import Path

import psutil
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rig.demo import prepare
from rig.demo.run import Target, arrive, demonstrate, scan_command
from rig.demo.sbom import declared


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    for name, version in (("Some_Package", "1.2"), ("other", "3")):
        (folder / f"{name}-{version}.dist-info").mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / f"{name}-{version}.dist-info" / "METADATA").write_text(metadata)
    return folder


def test_the_sbom_declares_packages_and_models_and_is_valid(
    tmp_path: Path, site_packages: Path
) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"abc")
    text = declared("local.test/x:1", site_packages, {"/models/tiny.gguf": tmp_path / "tiny.gguf"})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    assert bom["metadata"]["component"]["name"] == "local.test/x"
    by_type = {part["type"]: part for part in bom["components"] if part["name"] != "other"}
    assert by_type["library"]["purl"] == "pkg:pypi/some-package@1.2"
    model = by_type["machine-learning-model"]
    assert model["hashes"][0]["content"].startswith("ba7816bf")
    assert model["evidence"]["occurrences"] == [{"location": "/models/tiny.gguf"}]


def test_the_sbom_is_the_same_every_time(site_packages: Path) -> None:
    assert declared("local.test/x:1", site_packages, {}) == declared(
        "local.test/x:1", site_packages, {}
    )


def test_a_pod_is_scanned_by_its_name_and_processes_by_their_pids() -> None:
    sbom, out = Path("s.json"), Path("out")
    of_pod = scan_command(Target((1, 2), sbom, "default/chat-demo", Path("/s")), out)
    assert of_pod[:4] == [sys.executable, "-m", "aibom", "scan"]
    assert of_pod[4:] == ["--pod", "default/chat-demo", "--declared", "s.json", "-o", "out"]
    of_processes = scan_command(Target((1, 2), sbom), out)
    assert of_processes[4:8] == ["--pid", "1", "--pid", "2"]


def test_a_model_arrives_complete(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"model")
    arrive(tmp_path / "here", tmp_path / "deep" / "there.gguf")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["there.gguf"]
    assert (tmp_path / "deep" / "there.gguf").read_bytes() == b"model"


@pytest.mark.live
def test_the_agent_has_both_models_loaded_and_a_tool_server(tmp_path: Path) -> None:
    seen: list[Target] = []

    def look(target: Target, output: Path) -> int:
        assert output == tmp_path
        agent, server = map(psutil.Process, target.pids)
        mapped = Path(f"/proc/{agent.pid}/maps").read_text()
        assert prepare.MODEL_IN_IMAGE.rsplit("/", 1)[1] in mapped
        assert "tiny-random-llama" in mapped
        assert "mcp_server_time" in server.cmdline()
        assert json.loads(target.declared.read_text())["bomFormat"] == "CycloneDX"
        seen.append(target)
        return 7

    assert demonstrate(tmp_path, look) == 7
    assert not any(map(psutil.pid_exists, seen[0].pids))
